package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

// appendBatch is the maximum number of entries in one Append, except that a single larger write is not split. This many
// entries take about 100 KiB.
const appendBatch = 500

// ledgerWrite is what one decision writes to the ledger: marks, or the outcome of a replay. It belongs to the process,
// not to the generation, because an accepted call is a fact, whoever owns the partition when the ledger is writable
// again.
type ledgerWrite struct {
	entries []ledger.Entry
	then    func(now time.Time) // runs after the acknowledgement; nil if nothing waits, or the generation has ended
}

// ledgerWrites has at most one Append in flight. Later decisions wait for the next Append.
type ledgerWrites struct {
	waiting  []ledgerWrite
	inFlight []ledgerWrite
	id       uint64    // of the Append in flight
	notUntil time.Time // after a failure, no Append starts before this time
	backoff  *retry.Backoff
	marks    map[ledger.ID]string // by letter: the newer event in a mark that is not acknowledged yet
}

func (w *ledgerWrites) idle() bool { return len(w.waiting)+len(w.inFlight) == 0 }

// wake returns the time at which a failed Append is due again; zero if none is.
func (w *ledgerWrites) wake(now time.Time) time.Time {
	if len(w.waiting) == 0 || len(w.inFlight) > 0 || !w.notUntil.After(now) {
		return time.Time{}
	}
	return w.notUntil
}

// forget drops the functions that wait for the writes, but keeps the writes themselves.
func (w *ledgerWrites) forget() {
	for i := range w.waiting {
		w.waiting[i].then = nil
	}
	for i := range w.inFlight {
		w.inFlight[i].then = nil
	}
}

// signed completes an entry with the time, and with this worker as its author.
func (d *Dispatcher) signed(now time.Time, e ledger.Entry) ledger.Entry {
	e.At, e.By, e.Via = now.UTC().Truncate(time.Millisecond), d.config.Worker, "worker"
	return e
}

// write queues entries for the next Append. If then is nil, nothing waits for them.
func (d *Dispatcher) write(then func(now time.Time), entries ...ledger.Entry) {
	d.writes.waiting = append(d.writes.waiting, ledgerWrite{entries, then})
}

// mark returns the entry that marks a letter as overtaken. The fold does not get the mark until the write is
// acknowledged. Until then, if LeadHit accepts another event of the order, that event must write the mark too, and wait
// for it. The letter's replay, however, must not start any more.
func (d *Dispatcher) mark(now time.Time, id ledger.ID, newer string) ledger.Entry {
	if d.writes.marks == nil {
		d.writes.marks = map[ledger.ID]string{}
	}
	d.writes.marks[id] = newer
	return d.signed(now, ledger.Entry{Event: ledger.LetterOvertaken, ID: id.String(), Newer: newer})
}

// accepted returns the entries that the ledger must hold before an accepted item is done. They are marks on older
// letters for the item's order. If the event has a letter of its own, because it was reread after a crash, the entries
// also include the outcome of that letter.
func (d *Dispatcher) accepted(now time.Time, t task) []ledger.Entry {
	if !d.config.Replays {
		return nil
	}
	id, entries := t.id(), d.overtaken(now, t)
	is, ok := d.letters.Letter(id)
	if t.replay != nil || !ok || is.State != fold.Open && is.State != fold.Requeued {
		return entries
	}
	if r := d.replays[id]; r != nil {
		r.over = true // if the replay is in its lane, it ends when its turn comes
		d.observed.replayed[string(ledger.LetterResolved)]++
	}
	return append(entries, d.signed(now, ledger.Entry{Event: ledger.LetterResolved, ID: id.String(), N: is.N}))
}

// overtaken returns marks for all letters about a task's order that are older than the task's event.
func (d *Dispatcher) overtaken(now time.Time, t task) []ledger.Entry {
	if !d.config.Replays {
		return nil
	}
	var entries []ledger.Entry
	for _, older := range d.letters.Older(t.id(), t.item().OrderID, t.keyHash()) {
		entries = append(entries, d.mark(now, older, t.id().String()))
	}
	return entries
}

// id returns the id of a task's letter.
func (t task) id() ledger.ID {
	if t.replay != nil {
		return t.replay.id
	}
	id := ledger.ID{Topic: t.of.Topic, Partition: t.of.Number, Offset: t.offset, Item: ledger.NoItem}
	if len(t.items) > 1 {
		id.Item = t.i
	}
	return id
}

// startAppend starts the next Append unless one is in flight.
func (d *Dispatcher) startAppend(now time.Time) {
	w := &d.writes
	if len(w.inFlight) > 0 || len(w.waiting) == 0 || now.Before(w.notUntil) {
		return
	}
	d.lastID++
	w.id = d.lastID
	batch := &turn.Append{ID: w.id}
	n := 0
	for n < len(w.waiting) && (n == 0 || len(batch.Entries)+len(w.waiting[n].entries) <= appendBatch) {
		batch.Entries = append(batch.Entries, w.waiting[n].entries...)
		n++
	}
	w.inFlight = append(w.inFlight, w.waiting[:n]...)
	w.waiting = append(w.waiting[:0:0], w.waiting[n:]...)
	d.out.Append = batch
}

// Appended records the outcome of an Append: ok means that the brokers acknowledged all of its entries. Otherwise the
// write is retried later, and what waits for it keeps waiting.
func (d *Dispatcher) Appended(now time.Time, id uint64, ok bool) {
	w := &d.writes
	if len(w.inFlight) == 0 || w.id != id {
		return
	}
	ended := w.inFlight
	w.inFlight = nil
	if !ok {
		w.waiting = append(ended, w.waiting...)
		if w.backoff == nil {
			w.backoff = d.config.Retry.Backoff()
		}
		w.notUntil = now.Add(w.backoff.Next())
		return
	}
	w.backoff = nil
	for _, e := range ended {
		d.stored(e.entries)
		if e.then != nil {
			e.then(now)
		}
	}
}

// stored processes entries that are now in the ledger. It does not wait for the follower, which may be far behind. It
// passes marks to the fold, because they count wherever they are in the ledger. The place of an outcome in the ledger
// matters, so here an outcome only ends its replay.
func (d *Dispatcher) stored(entries []ledger.Entry) {
	for _, e := range entries {
		id, err := ledger.ParseID(e.ID)
		if err != nil {
			continue
		}
		if e.Event == ledger.LetterOvertaken {
			d.letters.Follow(e)
			delete(d.writes.marks, id)
		} else if r := d.replays[id]; r != nil && r.n == e.N {
			r.over = true // an earlier generation may have written the outcome
		}
	}
}
