package dispatch

import "leadhit-sync/deadletter/ledger"

// WaitingReplay is a replay without an outcome. For says what it waits for. It is a label of metrics and a value in
// status:
//
//	backlog   the partition is not fetched up to the end that its log had at the assignment
//	partition the broker does not know the partition
//	place     CallsInFlight replays are already taken up
//	letter    its letter is being fetched
//	lane      an event of its order comes first
//	retry     a call failed
//	call      a slot, the end of a pause, or the response to its call
//	outcome   the outcome is being stored
type WaitingReplay struct {
	Letter ledger.ID
	N      int
	Run    string
	For    string
}

// WaitingReplays returns up to limit replays of owned partitions, starting with those that are taken up. Until CaughtUp
// there are none, because it is not known yet which letters are requeued.
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

// replaysWaitFor says what the replays of a partition wait for that are not taken up.
func (p *partition) replaysWaitFor() string {
	switch {
	case !p.callable():
		return "partition"
	case p.window.position < p.end:
		return "backlog"
	default:
		return "place"
	}
}

// waitsFor says what a replay that is taken up waits for.
func (r *replay) waitsFor() string {
	switch {
	case r.event == nil:
		return "letter"
	case r.event.waits > 0:
		return "lane"
	}
	switch r.event.items[0].state {
	case waiting:
		return "retry"
	case ready, parked, inFlight:
		return "call"
	default:
		return "outcome"
	}
}
