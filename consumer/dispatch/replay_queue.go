package dispatch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// requeueAll queues the letters that are already requeued, in ledger order, in all owned partitions or only in one.
//
// The order matters: of several replays for one order, the previous owner can only have sent the first without an
// outcome. Sending that replay first repeats a call; sending it after another replay would overwrite the status that
// the other replay reported. A letter with a former replay is the exception: the previous owner may have sent the
// former replay, and then the replays of other letters that were requested before this letter's last replay.
func (d *Dispatcher) requeueAll(only *partition) {
	var found []fold.Status
	for is := range d.letters.Letters() {
		p := d.partitions[partitionOf(is.ID)]
		if is.Unanswered && p != nil && (only == nil || p == only) {
			found = append(found, is)
		}
	}
	slices.SortFunc(found, func(a, b fold.Status) int { return cmp.Compare(a.Turn, b.Turn) })
	for _, is := range found {
		if is.State != fold.Requeued || is.Former {
			d.doubt(is)
		}
	}
	for _, is := range found {
		if is.State == fold.Requeued {
			d.requeue(is, true)
		}
	}
}

// doubt handles a replay that the previous owner may have sent. This worker does not send the replay, because the
// letter has since been dismissed or replayed again. LeadHit may have accepted the replay, so older letters for its
// order are marked as overtaken. If the letter does not name its order, the letter's event is fetched to find the
// order; until then, no other replay of the partition is sent.
func (d *Dispatcher) doubt(is fold.Status) {
	if is.Order != "" {
		d.inDoubt(is, "")
		return
	}
	r := d.requeue(is, true)
	if is.State == fold.Requeued {
		r.n-- // the former replay: the last one is still wanted
	}
	r.force = true // the former replay may have been forced, in which case the event may name other orders, too
}

func partitionOf(id ledger.ID) event.Partition {
	return event.Partition{Topic: id.Topic, Number: id.Partition}
}

// requeue queues the last requested replay of a letter. It returns nil if the partition is not owned.
func (d *Dispatcher) requeue(is fold.Status, inherited bool) *replay {
	p := d.partitions[partitionOf(is.ID)]
	if p == nil {
		return nil
	}
	r := &replay{
		id: is.ID, n: is.N, run: is.Replay.Run, letter: is.Replay.Letter, force: is.Replay.Force, of: p,
		inherited: inherited, called: inherited,
	}
	d.replays[is.ID] = r
	p.requeued = append(p.requeued, r)
	return r
}

// requeueNow queues the replay that an entry has just requested. Before CaughtUp nothing is queued.
func (d *Dispatcher) requeueNow(e ledger.Entry) {
	if id, err := ledger.ParseID(e.ID); err == nil {
		is, _ := d.letters.Letter(id)
		d.requeue(is, false)
	}
}

// startTakes takes up replays in the order in which they were requested. Each replay waits until its partition has been
// fetched up to the end that the log had at the assignment. LeadHit may have accepted an event below that end just
// before the previous owner died. That event must be in its order's lane before an older event is sent again.
func (d *Dispatcher) startTakes(now time.Time) {
	if !d.owns(now) {
		return
	}
	for _, p := range d.order {
		if !p.callable() || p.window.position < p.end {
			continue
		}
		for len(p.requeued) > 0 && len(d.taken) < d.config.CallsInFlight {
			r := p.requeued[0]
			p.requeued[0] = nil
			p.requeued = p.requeued[1:]
			if d.stillWanted(now, r) {
				d.take(r)
			}
		}
	}
}

func (d *Dispatcher) take(r *replay) {
	d.taken = append(d.taken, r)
	d.lastID++
	d.takes[d.lastID] = r
	r.of.taking = append(r.of.taking, r)
	d.out.Takes = append(d.out.Takes, turn.Take{ID: d.lastID, Letter: r.id, Offset: r.letter})
}

// Taken records the letter that a Take found. Replays of one partition go into their lanes in the order in which they
// were taken up, however long each fetch takes.
func (d *Dispatcher) Taken(now time.Time, id uint64, t turn.Taken) {
	r := d.takes[id]
	delete(d.takes, id)
	if r == nil {
		return
	}
	r.found = &t
	p := r.of
	if !d.owns(now) {
		d.putBack(p)
		return
	}
	for len(p.taking) > 0 && p.taking[0].found != nil {
		next := p.taking[0]
		p.taking = p.taking[1:]
		d.line(now, next, *next.found)
		next.found = nil
	}
}

// putBack returns a partition's replays to the queue if their letters are being fetched, or if they wait for the fetch
// of an earlier letter. A worker that may have lost the partition must not end a replay: the new owner sends the
// letter, and an outcome written here would hide the new owner's outcome.
func (d *Dispatcher) putBack(p *partition) {
	for _, r := range p.taking {
		r.found = nil
	}
	d.taken = slices.DeleteFunc(d.taken, func(r *replay) bool { return slices.Contains(p.taking, r) })
	maps.DeleteFunc(d.takes, func(_ uint64, r *replay) bool { return r.of == p })
	p.requeued = append(p.taking, p.requeued...)
	p.taking = nil
}

// line puts a replay into its lane, or ends it.
func (d *Dispatcher) line(now time.Time, r *replay, t turn.Taken) {
	if r.over { // the letter was resolved meanwhile, by its own event
		d.endReplay(r)
		return
	}
	if t.Cause == "" && t.Letter.ID != r.id {
		t.Cause = cannotTell
	}
	if is, _ := d.letters.Letter(r.id); is.State != fold.Requeued || is.N != r.n { // the letter was dismissed
		d.dismissed(is, r, r.orderIn(t))
		return
	}
	if t.Cause != "" {
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: t.Cause})
		return
	}
	// Marks reach a letter through the order that its newest record names. The replay may have named an earlier record,
	// from another mapping.
	if is, ok := d.letters.Letter(r.id); ok && is.Known {
		t.Letter.Order = is.Order
	}
	i := r.choose(t)
	if i < 0 {
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: cannotTell})
		return
	}
	e := &pending{of: r.of, replay: r, offset: r.id.Offset, since: now, record: t.Record, open: 1}
	e.items = e.oneItem[:]
	e.items[0] = item{Item: &t.Items[i]}
	r.event, r.key, r.vague = e, t.Letter.Key, t.Letter.Order == "" && (len(t.Items) > 1 || t.Letter.Key == 0)
	switch {
	case t.Items[i].Action == event.Refuse:
		d.uncalled(r)
		e.items[0].state = storing
		d.urgent = append(d.urgent, task{e, 0})
	case t.Items[i].Action == event.Ignore || calledLater(t.Items, i):
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterResolved, Note: ignoredNow})
	default:
		e.sending = 1
		d.enqueue(e)
	}
}

// choose returns the index of the item that the letter is about, or -1 if that is unknown: under the current mapping
// an event may name other orders.
func (r *replay) choose(t turn.Taken) int {
	i := r.id.Item
	if i == ledger.NoItem {
		if len(t.Items) != 1 {
			return -1
		}
		i = 0
	}
	if i >= len(t.Items) {
		return -1
	}
	it := &t.Items[i]
	unread := it.OrderID == "" && it.Action == event.Ignore
	switch {
	case t.Letter.Order == "" && len(t.Items) > 1 && !r.force: // the key names at most one of the event's orders
		return -1
	case t.Letter.Order != "" && it.OrderID != t.Letter.Order && !unread:
		return -1
	}
	return i
}

// orderIn returns the order that the letter is about under the current mapping, "" if that is unknown.
func (r *replay) orderIn(t turn.Taken) string {
	if i := r.choose(t); t.Cause == "" && i >= 0 {
		return t.Items[i].OrderID
	}
	return ""
}

// calledLater reports whether a later item of the event asks for a call for the same order. If so, the earlier status
// was never the order's latest.
func calledLater(items []event.Item, i int) bool {
	return slices.ContainsFunc(items[i+1:], func(later event.Item) bool {
		return later.Action == event.Call && later.OrderID == items[i].OrderID
	})
}
