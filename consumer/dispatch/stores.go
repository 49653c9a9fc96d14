package dispatch

import (
	"time"

	"leadhit-sync/consumer/event"
)

// storesInFlight limits the letters in flight about events that were never called. The calls limit those about called
// events.
const storesInFlight = 256

func (d *Dispatcher) startStores(now time.Time) {
	for _, t := range d.urgent {
		d.store(t)
	}
	d.urgent = d.urgent[:0]
	if len(d.withheld) > 0 && d.mayStore() {
		d.letters = append(d.withheld, d.letters...)
		d.withheld = nil
	}
	for len(d.letters) > 0 && (d.draining || len(d.stores) < storesInFlight) {
		t := d.letters[0]
		d.letters[0] = task{}
		d.letters = d.letters[1:]
		switch {
		case t.dropped:
		case t.started: // otherwise a crash would repeat the calls about its other orders
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
func (t task) letter() Store {
	it := t.item()
	return Store{
		Partition: t.of.Partition, Offset: t.offset, Item: t.i, Several: len(t.items) > 1,
		Order: it.OrderID, Status: it.Status, Mapping: it.Action == event.Refuse, By: it.By, Verdict: it.last(),
		Attempts: it.attempts, Record: t.record,
	}
}

// Stored takes the outcome of a letter: ok means that the broker acknowledged it. Otherwise it is stored again later. A
// letter that cannot be written blocks its order; nothing is skipped.
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
	it.state = done
	if t.started {
		d.called--
	}
	d.itemDone(now, t.pending)
}
