package dispatch

import (
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// ParseMetadata returns what a commit's metadata claims: everything below frontier is finished except the offsets in
// unfinished, the committed one first.
func ParseMetadata(text string) (frontier int64, unfinished []int64, ok bool) {
	m, ok := parseMetadata(text)
	if !ok {
		return 0, nil, false
	}
	return m.frontier, m.unfinished(), true
}

// Limit returns the number of calls that may be in flight. Snapshot returns it too, but visits all unfinished events.
func (d *Dispatcher) Limit() int {
	limit, _, _ := d.governor.Limits(d.asked)
	return limit
}

// RememberOrders limits the number of orders whose last accepted status is known.
func (d *Dispatcher) RememberOrders(n int) { d.memory.limit = n }

// Paused reports whether calls are paused because of the key or the URL, even if something else stops them, too.
func (d *Dispatcher) Paused() bool {
	reason, _ := d.governor.Probing()
	return reason != "" && reason != retry.Outage
}

// FormatMetadata returns the metadata of a log in which the given offsets, in ascending order, are unfinished.
func FormatMetadata(unfinished []int64, first time.Time, frontier int64, limit int) (text string, coverage int64) {
	var w window
	for _, offset := range unfinished {
		w.link(&pending{offset: offset, stamp: unknownStamp})
	}
	w.first.stamp = stampOf(first)
	return formatMetadata(w.first, frontier, limit)
}

// WaitingReplay is a replay without an outcome. The field For is what the replay waits for, one of ReplayWaits.
type WaitingReplay struct {
	Letter ledger.ID
	N      int
	Run    string
	For    string
}

// WaitingReplays returns up to limit replays of owned partitions, starting with those that are taken up. It returns
// none until CaughtUp, because it is not known yet which letters are requeued.
func (d *Dispatcher) WaitingReplays(limit int) []WaitingReplay {
	var all []WaitingReplay
	add := func(r *replay, what string) {
		if len(all) < limit {
			all = append(all, WaitingReplay{r.id, r.n, r.run, what})
		}
	}
	for _, r := range d.taken {
		add(r, r.waitsFor())
	}
	for _, p := range d.order {
		what := p.replaysWaitFor()
		for _, r := range p.requeued {
			add(r, what)
		}
	}
	return all
}
