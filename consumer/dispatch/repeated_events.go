package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// callsOf counts the calls about one order that are in flight, in whichever lane and generation.
type callsOf struct {
	inFlight int
	mixed    bool // two were in flight at once, so nobody knows which one LeadHit applied last
}

// isRepeat reports whether LeadHit accepted a task's status last for its order, and no call about the order started
// since. A replay is never a repeat: a person wants that call.
func (d *Dispatcher) isRepeat(t task) bool {
	it := t.item()
	return d.config.SkipRepeats && t.replay == nil && d.memory.has(digestOf(it.OrderID), t.of.Number, it.Status)
}

// skip finishes a repeat as if LeadHit had accepted it now. Its lane stays blocked until a commit covers it, as after a
// call: another owner would not know that it is a repeat, and would call it after a newer status.
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
	d.guard.Accepted()
	d.settle(t.pending)
	d.accept(now, t)
	d.resumeDeferred() // no input announces that the event has ended
}

// callBegins notes that a call about an order starts. The order's status is unknown until the call is accepted.
func (d *Dispatcher) callBegins(order string) {
	if !d.config.SkipRepeats {
		return
	}
	d.memory.forget(digestOf(order))
	of := d.callsOf[order]
	of.inFlight++
	of.mixed = of.mixed || of.inFlight > 1
	d.callsOf[order] = of
}

// callEnded notes the end of a call, and the status of its order if that is certain: the call was accepted, it belongs to
// this generation, and no other one about the order was in flight beside it. During a pause nothing is noted, so that
// after the pause every order is called once more.
func (d *Dispatcher) callEnded(c call, v retry.Verdict) {
	if !d.config.SkipRepeats {
		return
	}
	order := c.key.order
	of := d.callsOf[order]
	if of.inFlight--; of.inFlight == 0 {
		delete(d.callsOf, order)
	} else {
		d.callsOf[order] = of
	}
	switch {
	case d.Pause().Kind != "":
		d.memory.clear()
	case v.Kind == retry.Done && !c.dropped && !of.mixed:
		d.memory.put(digestOf(order), c.key.number, c.item().Status)
	}
}
