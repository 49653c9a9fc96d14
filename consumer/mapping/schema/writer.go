package schema

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
)

const (
	// maxOutput is how many bytes of JSON a payload may unfold into, its own strings apart. A schema with many or long
	// names, or an array of nothings, makes much out of few bytes.
	maxOutput = 16 << 20
	// maxDepth is how deep objects and arrays may stand in each other.
	maxDepth = 512
	// maxDecimal is how many bytes an unscaled decimal may have: turning it into digits takes more than linear time.
	maxDecimal = 4 << 10
)

// A writer appends JSON text, within the limits.
type writer struct {
	out   []byte
	depth int
}

// newWriter expects a payload of that many bytes.
func newWriter(payload int) *writer {
	return &writer{out: make([]byte, 0, min(2*payload+64, maxOutput))}
}

// room refuses to go on once the output is too large. Whoever writes many values asks before each.
func (w *writer) room() error {
	if len(w.out) > maxOutput {
		return refuse("the payload unfolds into more than %d bytes", maxOutput)
	}
	return nil
}

// open begins an object or an array.
func (w *writer) open(bracket byte) error {
	if w.depth++; w.depth > maxDepth {
		return refuse("the payload is more than %d levels deep", maxDepth)
	}
	w.out = append(w.out, bracket)
	return nil
}

// next separates a member or an item from the one before it, if there is one.
func (w *writer) next() {
	if last := w.out[len(w.out)-1]; last != '{' && last != '[' {
		w.out = append(w.out, ',')
	}
}

// close ends what open began.
func (w *writer) close(bracket byte) {
	w.depth--
	w.out = append(w.out, bracket)
}

func (w *writer) raw(text string) { w.out = append(w.out, text...) }

func (w *writer) bool(v bool) { w.out = strconv.AppendBool(w.out, v) }

func (w *writer) int(v int64) { w.out = strconv.AppendInt(w.out, v, 10) }

func (w *writer) uint(v uint64) { w.out = strconv.AppendUint(w.out, v, 10) }

// float writes the shortest text that reads as the same number of that many bits. A whole one keeps its point, 1001.0:
// who takes a float for an id shall see that it is one.
func (w *writer) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		w.raw(`"NaN"`)
	case math.IsInf(v, 1):
		w.raw(`"Infinity"`)
	case math.IsInf(v, -1):
		w.raw(`"-Infinity"`)
	case v != 0 && (math.Abs(v) < 1e-6 || math.Abs(v) >= 1e21):
		w.out = strconv.AppendFloat(w.out, v, 'e', -1, bits)
	default:
		start := len(w.out)
		w.out = strconv.AppendFloat(w.out, v, 'f', -1, bits)
		if bytes.IndexByte(w.out[start:], '.') < 0 {
			w.raw(".0")
		}
	}
}

func (w *writer) bytes(v []byte) {
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, v)
	w.out = append(w.out, '"')
}

func (w *writer) string(v []byte) { w.out = appendQuoted(w.out, v) }

// appendQuoted escapes what JSON requires and nothing else. Bytes that are not UTF-8 stay: whether they matter is for
// the reader of the field to say, and a replacement character would make two ids one.
func appendQuoted[T string | []byte](out []byte, v T) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := range len(v) {
		c := v[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, v[start:i]...)
		if c < ' ' {
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			out = append(out, '\\', c)
		}
		start = i + 1
	}
	out = append(out, v[start:]...)
	return append(out, '"')
}

// decimal writes the two's complement in v, the highest byte first, with its point that many digits from the right.
func (w *writer) decimal(v []byte, scale int) error {
	if len(v) > maxDecimal {
		return refuse("a decimal of %d bytes, more than %d", len(v), maxDecimal)
	}
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	if n.Sign() < 0 {
		w.out = append(w.out, '-')
		n.Neg(n)
	}
	digits := n.Append(nil, 10)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = append(bytes.Repeat([]byte{'0'}, missing), digits...)
	}
	whole := len(digits) - scale
	w.out = append(w.out, digits[:whole]...)
	if scale > 0 {
		w.out = append(w.out, '.')
		w.out = append(w.out, digits[whole:]...)
	}
	return nil
}
