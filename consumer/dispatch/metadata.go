package dispatch

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// metadata is what a commit's metadata says about finished offsets above the committed one. It is text, because
// operators read it too:
//
//	1,<offset>,<stamp>,<distance>,<gap>,<gap>…
//
// All numbers are in base 36. Below offset + distance everything is finished except the event at the committed offset
// and the events at the gaps; each gap is the distance from the previous such event. The stamp is the timestamp of the
// record at the committed offset (milliseconds, the last nine digits; dashes if unknown). If the commit has another
// offset, or another record is at this offset, the metadata describes another log, and the reader ignores it. Finished
// events above the last one that was sent or skipped look like unread ones. Rereading them repeats no call.
//
// Offset and stamp have a fixed width, so the text never grows while the frontier stays the same.
type metadata struct {
	base, stamp, frontier int64
	gaps                  []int64
}

const (
	version       = "1"
	base          = 36
	unknownDigits = "---------"
	// offsetWidth and stampWidth count digits. prefixBytes is the number of bytes before the distance, and headerBytes
	// is the maximum number of bytes before the gaps.
	offsetWidth = 13
	stampWidth  = 9
	prefixBytes = len(version) + 1 + offsetWidth + 1 + stampWidth + 1
	headerBytes = prefixBytes + offsetWidth

	stamps       = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 // base to the power of stampWidth
	unknownStamp = -1
)

// stampOf returns a record's stamp, which distinguishes records at the same offset in two logs.
func stampOf(t time.Time) int64 {
	if t.IsZero() {
		return unknownStamp
	}
	return ((t.UnixMilli() % stamps) + stamps) % stamps
}

// unfinished lists the offsets that are not finished, the committed one first.
func (m metadata) unfinished() []int64 {
	all := make([]int64, 0, len(m.gaps)+1)
	all = append(all, m.base)
	last := m.base
	for _, gap := range m.gaps {
		last += gap
		all = append(all, last)
	}
	return all
}

// formatMetadata describes what is finished between first, the lowest unfinished event, and frontier. If that takes
// more than limit bytes, it leaves out the upper end. coverage is the offset below which the text is complete.
func formatMetadata(first *pending, frontier int64, limit int) (text string, coverage int64) {
	gaps := make([]byte, 0, 64)
	last := first
	limit -= prefixBytes + width(frontier-first.offset)
	coverage = frontier
	for e := first.next; e != nil && e.offset < frontier; e = e.next {
		at := len(gaps)
		gaps = strconv.AppendInt(append(gaps, ','), e.offset-last.offset, base)
		if len(gaps) > limit {
			gaps, coverage = gaps[:at], e.offset
			break
		}
		last = e
	}
	if coverage <= first.offset+1 || limit < 0 {
		return "", first.offset
	}
	out := make([]byte, 0, headerBytes+len(gaps))
	out = append(out, version...)
	out = appendFixed(append(out, ','), first.offset, offsetWidth)
	out = append(out, ',')
	if first.stamp == unknownStamp {
		out = append(out, unknownDigits...)
	} else {
		out = appendFixed(out, first.stamp, stampWidth)
	}
	out = strconv.AppendInt(append(out, ','), coverage-first.offset, base)
	return string(append(out, gaps...)), coverage
}

// appendFixed appends n, which is not negative, with leading zeros.
func appendFixed(out []byte, n int64, digits int) []byte {
	for range digits - width(n) {
		out = append(out, '0')
	}
	return strconv.AppendInt(out, n, base)
}

// parseMetadata reads what formatMetadata wrote. It returns false for anything else.
func parseMetadata(text string) (metadata, bool) {
	fields := strings.Split(text, ",")
	if len(fields) < 4 || fields[0] != version || len(fields[1]) != offsetWidth || len(fields[2]) != stampWidth {
		return metadata{}, false
	}
	m := metadata{stamp: unknownStamp, gaps: make([]int64, 0, len(fields)-4)}
	var distance int64
	if !parseInt(fields[1], &m.base) || fields[2] != unknownDigits && !parseInt(fields[2], &m.stamp) ||
		!parseInt(fields[3], &distance) || distance < 1 || m.base > math.MaxInt64-distance {
		return metadata{}, false
	}
	m.frontier = m.base + distance
	at := int64(0)
	for _, f := range fields[4:] {
		var gap int64
		if !parseInt(f, &gap) || gap < 1 || gap >= distance-at {
			return metadata{}, false
		}
		at += gap
		m.gaps = append(m.gaps, gap)
	}
	return m, true
}

// parseInt reads a number as formatMetadata writes it: no sign, no capitals.
func parseInt(s string, into *int64) bool {
	n, err := strconv.ParseInt(s, base, 64)
	*into = n
	return err == nil && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// width returns the number of digits of n, which is not negative.
func width(n int64) int {
	w := 1
	for ; n >= base; n /= base {
		w++
	}
	return w
}
