package dispatch

import (
	"time"

	"leadhit-sync/retry"
)

// ParseMetadata shows tests what a commit's metadata claims: everything below frontier is finished but the offsets in
// unfinished, the committed one first.
func ParseMetadata(text string) (frontier int64, unfinished []int64, ok bool) {
	m, ok := parseMetadata(text)
	if !ok {
		return 0, nil, false
	}
	return m.frontier, m.unfinished(), true
}

// Limit is the number of calls that may be in flight. Snapshot has it too, but visits all unfinished events.
func (d *Dispatcher) Limit() int {
	limit, _, _ := d.governor.Limits(d.asked)
	return limit
}

// Paused reports that calls are paused for the key or the URL, whatever else stops them.
func (d *Dispatcher) Paused() bool {
	reason, _ := d.governor.Probing()
	return reason != "" && reason != retry.Outage
}

// FormatMetadata writes the metadata of a log in which the given offsets, in rising order, are unfinished.
func FormatMetadata(unfinished []int64, first time.Time, frontier int64, limit int) (text string, coverage int64) {
	var w window
	for _, offset := range unfinished {
		w.link(&pending{offset: offset, stamp: unknownStamp})
	}
	w.first.stamp = stampOf(first)
	return formatMetadata(w.first, frontier, limit)
}
