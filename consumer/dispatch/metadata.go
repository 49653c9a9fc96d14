package dispatch

import (
	"math"
	"strconv"
	"strings"
)

// A commit's metadata tells what is finished above the committed offset. It is text, for operators read it too:
//
//	1,<offset>,<time>,<frontier>,<gap>,<gap>…
//
// all numbers in base 36. Below offset + frontier everything is finished but the event at the committed offset itself and
// those that the gaps lead to, each counted from the one before. The offset is repeated, and the time is that of the
// record there (milliseconds, "-" if unknown): who finds another offset or another record reads the metadata of another
// log and ignores it. Events that need no call are not told apart from those still unread: to read them again repeats
// nothing.
type metadata struct {
	base, time, frontier int64
	gaps                 []int64
}

const (
	version = "1"
	base    = 36
	// headerRoom is more than version, offset, time and frontier take: 1 + 13 + 13 + 13 digits and their commas.
	headerRoom  = 48
	unknownTime = math.MinInt64
)

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

// formatMetadata tells what is finished between first, the lowest unfinished event, and frontier. What does not fit in
// limit bytes is left out from the upper end; coverage is where the telling ends.
func formatMetadata(first *event, frontier int64, limit int) (text string, coverage int64) {
	gaps := make([]byte, 0, 64)
	last := first
	coverage = frontier
	for e := first.next; e != nil && e.offset < frontier; e = e.next {
		at := len(gaps)
		gaps = strconv.AppendInt(append(gaps, ','), e.offset-last.offset, base)
		if len(gaps)+headerRoom > limit {
			gaps, coverage = gaps[:at], e.offset
			break
		}
		last = e
	}
	if coverage <= first.offset+1 || limit < headerRoom {
		return "", first.offset
	}
	out := make([]byte, 0, headerRoom+len(gaps))
	out = append(out, version...)
	out = strconv.AppendInt(append(out, ','), first.offset, base)
	out = append(out, ',')
	if first.time.IsZero() {
		out = append(out, '-')
	} else {
		out = strconv.AppendInt(out, first.time.UnixMilli(), base)
	}
	out = strconv.AppendInt(append(out, ','), coverage-first.offset, base)
	return string(append(out, gaps...)), coverage
}

// parseMetadata reads what formatMetadata wrote; false for anything else.
func parseMetadata(text string) (metadata, bool) {
	fields := strings.Split(text, ",")
	if len(fields) < 4 || fields[0] != version {
		return metadata{}, false
	}
	m := metadata{time: unknownTime, gaps: make([]int64, 0, len(fields)-4)}
	var distance int64
	if !parseInt(fields[1], &m.base) || fields[2] != "-" && !parseInt(fields[2], &m.time) ||
		!parseInt(fields[3], &distance) || m.base < 0 || distance < 1 || m.base > math.MaxInt64-distance {
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

func parseInt(s string, into *int64) bool {
	n, err := strconv.ParseInt(s, base, 64)
	*into = n
	return err == nil
}

// width is the number of digits of a positive n.
func width(n int64) int {
	w := 1
	for ; n >= base; n /= base {
		w++
	}
	return w
}
