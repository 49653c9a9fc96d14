package dispatch

import "time"

// storesInAir bounds the letters on their way for events that were never called; those of called events are bounded by
// the calls.
const storesInAir = 256

func (d *Dispatcher) startStores(now time.Time) {
	for _, t := range d.urgent {
		d.store(t)
	}
	d.urgent = d.urgent[:0]
	if len(d.withheld) > 0 && d.mayStore() {
		d.letters = append(d.withheld, d.letters...)
		d.withheld = nil
	}
	for len(d.letters) > 0 && (d.draining || len(d.stores) < storesInAir) {
		t := d.letters[0]
		d.letters[0] = task{}
		d.letters = d.letters[1:]
		switch {
		case t.dropped:
		case t.started: // else the calls about its other orders would be repeated
			d.letter(now, t)
			d.store(t)
		case d.draining: // an event that nobody was called about can wait for its next owner
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

// letter is what the letter about a task says.
func (t task) letter() Store {
	it := t.item()
	return Store{
		Partition: t.of.Partition, Offset: t.offset, Item: t.i, Several: len(t.items) > 1,
		Order: it.Order, Status: it.Status, Mapping: it.Action == Refuse, By: it.By, Verdict: it.last(),
		Attempts: it.attempts, Record: t.record,
	}
}

// Stored says what became of a letter: ok only when the broker has acknowledged it. Else it is stored again later: a
// letter that cannot be written blocks its order, nothing is skipped.
//
//nolint:revive // ok is an answer, not a switch
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
