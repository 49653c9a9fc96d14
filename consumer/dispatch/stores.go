package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// storesInFlight limits the letters in flight for events without a call. The limit on calls also limits the letters for
// events with a call.
const storesInFlight = 256

func (d *Dispatcher) startStores(now time.Time) {
	for _, t := range d.urgent {
		d.store(t)
	}
	d.urgent = d.urgent[:0]
	if len(d.withheld) > 0 && d.mayStore() {
		d.refused = append(d.withheld, d.refused...)
		d.withheld = nil
	}
	for len(d.refused) > 0 && (d.draining || len(d.stores) < storesInFlight) {
		t := d.refused[0]
		d.refused[0] = task{}
		d.refused = d.refused[1:]
		switch {
		case t.dropped:
		case t.started: // otherwise a crash would repeat the calls for its other orders
			d.letter(now, t)
			d.store(t)
		case d.draining: // an event without a call can wait for its next owner
		case !d.mayStore():
			d.withheld = append(d.withheld, t)
		default:
			d.letter(now, t)
			d.store(t)
		}
	}
}

func (d *Dispatcher) store(t task) {
	if t.dropped {
		return
	}
	d.lastID++
	d.stores[d.lastID] = t
	s := t.letter()
	s.ID = d.lastID
	d.out.Stores = append(d.out.Stores, s)
}

// letter returns the content of a task's letter.
func (t task) letter() turn.Store {
	it, id := t.item(), t.id()
	s := turn.Store{
		Partition: t.of.Partition, Offset: t.offset, Item: max(id.Item, 0), Several: id.Item != ledger.NoItem,
		Order: it.OrderID, Status: it.Status, Mapping: it.Action == event.Refuse, By: it.By, Verdict: it.last(),
		Attempts: it.attempts, Record: t.record, Replay: t.nthReplay(),
	}
	if t.replay != nil {
		s.Run = t.replay.run
		if t.replay.vague {
			s.Order = ""
		}
	}
	return s
}

// Stored records the outcome of writing a letter: ok means that the broker acknowledged it. Otherwise the write is
// retried later. No letter is skipped: until it is stored, its event is unfinished.
func (d *Dispatcher) Stored(now time.Time, id uint64, ok bool) {
	t, known := d.stores[id]
	if !known {
		return
	}
	delete(d.stores, id)
	if t.dropped {
		return
	}
	it := t.item()
	if !ok {
		d.wait(now.Add(d.backoff(it).Next()), t)
		return
	}
	it.state, it.letter = done, true
	if t.replay != nil {
		d.observed.replayed[refusedAgain]++
	}
	if t.started {
		d.called--
	}
	d.knows(t)
	d.itemDone(now, t.pending)
}

// knows adds this worker's letter for a task to the fold at once. The next event of its order may be accepted before
// the letters' topic is read back, and must mark the letter. If the mapping refused the letter's event, that event is
// in no lane, so the next event may be accepted even before the letter is stored.
func (d *Dispatcher) knows(t task) {
	if !d.config.Replays {
		return
	}
	s := t.letter()
	d.letters.Add(fold.Letter{ID: t.id(), Order: s.Order, Key: t.keyHash(), Count: s.Replay, Offset: -1})
}
