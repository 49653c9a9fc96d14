package dispatch_test

import (
	"slices"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
)

// orderLog is one order in one log.
type orderLog struct {
	*order
	*simLog
}

// checkCalled checks a call when it is written. The call's event must not be older than the order's last accepted
// event, unless an operator forced the call.
func (d *desk) checkCalled(f *flight) {
	if !d.on || f.change.record.gone || f.forced {
		return
	}
	at := orderLog{f.change.order, f.change.record.log}
	highest := d.highest[at]
	if s := d.skipped[at]; len(s) > 0 {
		highest = max(highest, slices.Max(s))
	}
	if f.call.Offset < highest {
		d.failed("%v/%d (replay %d): an older status of %s is sent after that of %d was accepted", f.call.Partition, f.call.Offset,
			f.call.Replay, at.name, highest)
	}
	// If a worker crashes before it commits a repeat, the next owner sends the repeat, and LeadHit may refuse it.
	d.skipped[at] = slices.DeleteFunc(d.skipped[at], func(o int64) bool { return o == f.call.Offset })
}

// accepted records what LeadHit accepted. No older event of the order may be sent from now on.
func (d *desk) accepted(f *flight) {
	d.checkCalled(f)
	at := orderLog{f.change.order, f.change.record.log}
	d.highest[at] = max(d.highest[at], f.change.record.offset)
}

// skips records a repeat. The repeat counts as accepted unless it is sent after all.
func (d *desk) skips(c *change) {
	at := orderLog{c.order, c.record.log}
	d.skipped[at] = append(d.skipped[at], c.record.offset)
}

// replayWatch is what a worker knows about a replay that it has sent.
type replayWatch struct {
	n        int
	order    *order
	inFlight bool
	done     bool // accepted, as far as the worker knows
	ended    bool // its outcome is stored, as far as the worker knows
}

func idOf(p partition, offset int64, item int, several bool) string {
	id := ledger.ID{Topic: p.Topic, Partition: p.Number, Offset: offset, Item: ledger.NoItem}
	if several {
		id.Item = item
	}
	return id.String()
}

// checkReplay checks a replay's call at the moment when the worker decides on it.
func (k *worker) checkReplay(c turn.Call) {
	change := changeOf(c.Record, c.Item)
	id := idOf(c.Partition, c.Offset, c.Item, c.Several)
	s := k.known.at(id)
	w := k.replays[id]
	k.figures.replayed++
	k.checkHeld(c)
	k.checkPause(c)
	switch {
	case k.inFlight > k.plan.calls:
		k.failed("worker %d: %d calls in flight, limit %d", k.place, k.inFlight, k.plan.calls)
	case !s.requeued() || s.n != c.Replay:
		k.failed("worker %d calls %s as replay %d, although it knows this state: %+v", k.place, id, c.Replay, *s)
	case s.overtaken && !s.force:
		k.failed("worker %d calls %s, which it knows to be overtaken", k.place, id)
	case w != nil && w.n == c.Replay && (w.done || w.ended):
		k.failed("worker %d calls %s again, as replay %d", k.place, id, c.Replay)
	}
	if k.busy[change.order]++; k.busy[change.order] > 1 {
		k.failed("%s: worker %d has another call of the same order in flight", id, k.place)
	}
	k.replays[id] = &replayWatch{n: c.Replay, order: change.order, inFlight: true}
	k.unknown[id] = true
	if len(k.unknown) > k.plan.calls {
		k.failed("worker %d: a crash repeats %d replays, bound %d", k.place, len(k.unknown), k.plan.calls)
	}
}

// checkOutcomes checks that the worker decides on no call for an order before the outcome of its last replay is stored.
func (k *worker) checkOutcomes(c turn.Call) {
	order := changeOf(c.Record, c.Item).order
	for id := range k.unknown {
		if w := k.replays[id]; w.order == order && w.done && !w.ended {
			k.failed("%v/%d: sent before the outcome of the replay of %s, of the same order, is stored", c.Partition, c.Offset, id)
		}
	}
}

func (k *worker) noteOutcomes(entries []ledger.Entry) {
	for _, e := range entries {
		if e.Event != ledger.LetterOvertaken {
			k.noteReplay(e.ID, e.N, func(w *replayWatch) { w.ended = true })
		}
	}
}

// noteReplay records the outcome of a replay's call, or of its letter.
func (k *worker) noteReplay(id string, n int, change func(*replayWatch)) {
	w := k.replays[id]
	if w == nil || w.n != n {
		return
	}
	change(w)
	if w.ended || !w.inFlight && !w.done {
		delete(k.unknown, id) // a crash repeats no call for it
	}
}
