package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// callsOf counts the calls in flight for one order, in any lane and generation.
type callsOf struct {
	inFlight int
	says     statement // of the last call
	// unsure says that two calls were in flight at once, so it is unknown which of them LeadHit applied last, or that all
	// orders were forgotten during a call.
	unsure bool
}

// skips reports whether repeats are skipped at all.
func (d *Dispatcher) skips() bool { return d.config.SkipRepeats && !d.spread }

// isRepeat reports whether a task's statement is the last one about its order that LeadHit accepted, with no call for
// the order since. A replay is never a repeat, because an operator requested that call.
func (d *Dispatcher) isRepeat(t task) (statement, bool) {
	if !d.skips() {
		return statement{}, false
	}
	s := statementOf(t)
	return s, t.replay == nil && !t.of.spread && d.memory.has(s)
}

// skip finishes a repeat as if LeadHit had accepted it now. It does not count for the flood guard, because LeadHit may
// be refusing all calls. As after a call, the repeat's lane stays blocked until a commit covers the repeat. Another
// owner would not recognize the repeat, and might send it after a newer status.
func (d *Dispatcher) skip(now time.Time, t task) {
	it, id := t.item(), t.id()
	it.repeat = true
	d.observed.repeats++
	d.out.Repeats = append(d.out.Repeats, turn.Repeat{
		Partition: t.of.Partition, Offset: t.offset, Item: max(id.Item, 0), Several: id.Item != ledger.NoItem,
		Order: it.OrderID, Status: it.Status, Record: t.record,
	})
	if !t.started {
		d.begin(t.pending)
	}
	d.settle(t.pending)
	d.accept(now, t)
}

// callBegins records that a call starts. The status of its order is unknown until LeadHit accepts the call.
func (d *Dispatcher) callBegins(t task, says statement) {
	if !d.skips() {
		return
	}
	order := t.item().OrderID
	if t.replay == nil && len(t.key) == 0 {
		d.spreads(t, false)
		return
	}
	if !d.explains(t) {
		d.spreads(t, true)
		return
	}
	d.memory.forget(says.order)
	of := d.callsOf[order]
	of.inFlight++
	of.unsure = of.unsure || of.inFlight > 1
	of.says = says
	d.callsOf[order] = of
}

// callEnded records the end of a call, and the status of its order if that is certain: the call was accepted, it
// belongs to this generation, and no other call for the order was in flight at the same time. During a pause nothing is
// recorded, so that every order gets one more call after the pause.
func (d *Dispatcher) callEnded(now time.Time, c call, v retry.Verdict) {
	if !d.skips() {
		return
	}
	of := d.callsOf[c.key.order]
	if of.inFlight--; of.inFlight == 0 {
		delete(d.callsOf, c.key.order)
	} else {
		d.callsOf[c.key.order] = of
	}
	if v.Kind == retry.Again && v.Code == 0 && !v.Answered {
		d.late.add(now, of.says.order)
	}
	switch {
	case d.Pause().Kind != "":
		d.forgetOrders()
	case v.Kind == retry.Done && c.replay == nil && !c.dropped && !of.unsure:
		if !d.memory.put(of.says, !d.late.has(now, of.says.order)) {
			d.spreads(c.task, false)
		}
	}
}

// explains reports whether a single partitioner could have put the keys of all events so far into their partitions. The
// topics are checked together, because an order in two topics has one owner only if both have its key in the partition
// with the same number. Two producers with different partitioners put the same key into two partitions. A replay has no
// key, so nothing is checked.
func (d *Dispatcher) explains(t task) bool {
	return d.config.Explain == nil || t.replay != nil || d.config.Explain(t.key, t.of.Number, t.of.partitions)
}

// spreads records that an order's events may be in several partitions, some of them owned by other workers: an event
// has no key, an order has two keys or partitions, a key has two orders, or no partitioner explains the keys. From
// then on nothing is a repeat, even after a rebalance, which does not change how records are written.
func (d *Dispatcher) spreads(by task, unexplained bool) {
	d.spread = true
	d.spreadBy = &turn.Spread{
		Place: event.Place{Topic: by.of.Topic, Partition: by.of.Number, Offset: by.offset}, Unexplained: unexplained,
	}
	d.memory.clear()
	clear(d.callsOf)
}

// forgetOrders makes the status of every order unknown, including orders with a call in flight.
func (d *Dispatcher) forgetOrders() {
	d.memory.clear()
	for order, of := range d.callsOf {
		of.unsure = true
		d.callsOf[order] = of
	}
}
