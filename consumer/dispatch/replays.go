package dispatch

import (
	"maps"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

const (
	// cannotTell is the cause of a replay that was not sent, because nothing shows whether LeadHit accepted a newer event
	// of the order, or which order the letter is about.
	cannotTell = "CannotTell"
	// ignoredNow is the note on a letter that needs no call under the current mapping.
	ignoredNow = "ignored"
)

// replay is one requested replay of a letter. It waits in its partition, is then taken up, and ends with an outcome. A
// lane runs it like an event, but it belongs to no offset: it is in no window and no commit.
type replay struct {
	id     ledger.ID
	n      int
	run    string
	letter int64 // its offset in the letters' topic
	force  bool
	of     *partition
	event  *pending    // set once the letter has been fetched and mapped
	key    uint64      // hash of the record's key, set with event
	found  *turn.Taken // what was fetched, until it is this replay's turn to go into its lane
	// inherited says that the previous owner may have taken the replay up. called says that the replay may have been
	// sent, by this worker or by the previous owner.
	inherited, called bool
	// vague says that neither the letter nor its key names one of the event's orders, so later events of the order may
	// have left the letter unmarked. If this replay is refused, its new letter must therefore name no order either.
	vague bool
	over  bool // no call is left to make
}

// order returns the order of the replay's event under the current mapping; "" until the event is fetched.
func (r *replay) order() string {
	if r.event == nil {
		return ""
	}
	return r.event.items[0].OrderID
}

// nthReplay returns the number of a task's replay, counted from 1 for each letter; 0 means that the task is not a
// replay.
func (t task) nthReplay() int {
	if t.replay == nil {
		return 0
	}
	return t.replay.n
}

// LetterRead processes the next record in the letters' topic that belongs to this group. When the process starts, pass
// all such records before the first generation.
func (d *Dispatcher) LetterRead(now time.Time, l fold.Letter) {
	p := d.partitions[partitionOf(l.ID)]
	if d.letters.Add(l) && p != nil && p.window.past(l.ID.Offset) {
		// The previous owner wrote this letter late. LeadHit may have accepted newer events of the order after this
		// worker took over the partition. Those events could not mark a letter that had not been read yet.
		d.write(nil, d.mark(now, l.ID, ""))
	}
}

// CaughtUp records that the letters' topic and the ledger were both read to the ends that they had at this generation's
// assignment, or later. No call starts before that: an accepted event must mark letters from the previous owner, and
// marks from the previous owner must stop replays.
func (d *Dispatcher) CaughtUp() {
	if d.live && !d.caughtUp {
		d.caughtUp = true
		d.requeueAll(nil)
	}
}

// mayAccept reports whether an accepted event would mark all letters that it must.
func (d *Dispatcher) mayAccept() bool { return d.caughtUp || !d.config.Replays }

// stillWanted reports whether a replay is still to be sent. It is called when the replay is taken up and before each
// call to LeadHit. If it returns false, the replay has ended.
func (d *Dispatcher) stillWanted(now time.Time, r *replay) bool {
	is, _ := d.letters.Letter(r.id)
	switch {
	case r.over: // the letter was resolved by its own event
		d.endReplay(r)
		return false
	case is.State != fold.Requeued || is.N != r.n: // the letter was dismissed
		if r.called && r.event == nil && is.Order == "" {
			return true // only its event shows for which order the previous owner may have made a call
		}
		d.dismissed(is, r, r.order())
		return false
	case r.event != nil && is.Order != "" && is.Order != r.event.items[0].OrderID:
		// A record that names another order arrived late. Since then, marks have reached the letter through that order.
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: cannotTell})
		return false
	case r.force && (is.Known || !r.inherited):
		return true
	case !is.Known || is.Order == "" && is.Key == 0:
		// No mark could have reached the letter. If the letter is beyond the horizon, the letter that was the replay's
		// outcome may be, too.
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: cannotTell})
		return false
	case is.Overtaken:
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterSuperseded, Newer: is.Newer})
		return false
	}
	if newer, marked := d.writes.marks[r.id]; marked {
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterSuperseded, Newer: newer})
		return false
	}
	return true
}

// dismissed ends a replay that is no longer wanted. The parameter order is the order of the replay's event; "" if that
// is unknown.
func (d *Dispatcher) dismissed(is fold.Status, r *replay, order string) {
	if r.called && (is.Unanswered || is.N != r.n) {
		d.inDoubt(is, order)
	}
	d.endReplay(r)
}

// inDoubt handles a replay that ends without an outcome, although LeadHit may have accepted it. It assumes that LeadHit
// did, so older letters for the order must not be replayed any more. The parameter current is the order under the
// current mapping, which may differ from the order of the call; "" if that is unknown.
func (d *Dispatcher) inDoubt(is fold.Status, current string) {
	older := d.letters.Older(is.ID, is.Order, is.Key)
	if current != "" && current != is.Order {
		older = append(older, d.letters.Older(is.ID, current, is.Key)...)
	}
	for i, id := range older {
		if !slices.Contains(older[:i], id) {
			d.write(nil, d.mark(d.asked, id, is.ID.String()))
		}
	}
}

// uncalled handles a replay that ends without a call by this worker. The previous owner may have sent the replay, under
// another mapping or before the letter expired.
func (d *Dispatcher) uncalled(r *replay) {
	if is, ok := d.letters.Letter(r.id); ok && r.called {
		d.inDoubt(is, r.order())
	}
}

// replayDone handles the end of a replay in its lane. The replay was accepted, or became a letter again, and that
// letter is its outcome. The lane continues only when the outcome is acknowledged.
func (d *Dispatcher) replayDone(now time.Time, e *pending) {
	if e.items[0].letter {
		d.leave(e)
		return
	}
	d.write(func(time.Time) { d.leave(e) }, d.outcome(now, e.replay, ledger.Entry{Event: ledger.LetterResolved}))
}

// leave removes an ended replay from its lane, so that the lane continues.
func (d *Dispatcher) leave(e *pending) {
	e.dropped = true
	d.detach(e)
	d.endReplay(e.replay)
}

// conclude ends a replay without a call. No lane waits for its outcome, because after a crash before the
// acknowledgement, the next owner comes to the same conclusion.
func (d *Dispatcher) conclude(now time.Time, r *replay, e ledger.Entry) {
	d.uncalled(r)
	d.write(nil, d.outcome(now, r, e))
	d.endReplay(r)
}

func (d *Dispatcher) outcome(now time.Time, r *replay, e ledger.Entry) ledger.Entry {
	e.ID, e.N, e.Run = r.id.String(), r.n, r.run
	d.observed.replayed[string(e.Event)]++
	return d.signed(now, e)
}

// endReplay frees the place of a replay, and releases its record.
func (d *Dispatcher) endReplay(r *replay) {
	r.over = true
	d.taken = slices.DeleteFunc(d.taken, func(o *replay) bool { return o == r })
	if d.replays[r.id] == r {
		delete(d.replays, r.id)
	}
}

// dropReplays forgets the replays of a partition whose log was recreated or truncated.
func (d *Dispatcher) dropReplays(p *partition) {
	for _, r := range slices.Clone(d.taken) {
		if r.of != p {
			continue
		}
		if r.event != nil && !r.event.dropped {
			d.drop(r.event)
		}
		d.endReplay(r)
	}
	maps.DeleteFunc(d.replays, func(_ ledger.ID, r *replay) bool { return r.of == p })
	maps.DeleteFunc(d.takes, func(_ uint64, r *replay) bool { return r.of == p })
}
