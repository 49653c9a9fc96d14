package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes. As text it is a whole number with B, KiB, MiB or GiB, or without a unit.
type size int64

const (
	kib size = 1 << 10
	mib size = 1 << 20
	gib size = 1 << 30
)

// String returns the size in the largest unit that leaves a whole number: 16MiB, 1500B.
func (b size) String() string {
	switch {
	case b == 0:
		return "0B"
	case b%gib == 0:
		return strconv.FormatInt(int64(b/gib), 10) + "GiB"
	case b%mib == 0:
		return strconv.FormatInt(int64(b/mib), 10) + "MiB"
	case b%kib == 0:
		return strconv.FormatInt(int64(b/kib), 10) + "KiB"
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// UnmarshalText reads a size. Decimal units (MB) and Kubernetes' short units (Mi) are refused rather than guessed.
func (b *size) UnmarshalText(text []byte) error {
	// No unit contains a digit, so the rest is the number, or text that ParseUint refuses.
	digits := strings.TrimRight(string(text), "BKMGi")
	unit, known := unitOf(string(text[len(digits):]))
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !known {
		return fmt.Errorf("%q is not a size in B, KiB, MiB or GiB", clip(string(text)))
	}
	if size(n) > math.MaxInt64/unit {
		return fmt.Errorf("%q is too large a size", clip(string(text)))
	}
	*b = size(n) * unit
	return nil
}

func unitOf(suffix string) (unit size, known bool) {
	switch suffix {
	case "", "B":
		return 1, true
	case "KiB":
		return kib, true
	case "MiB":
		return mib, true
	case "GiB":
		return gib, true
	}
	return 0, false
}
