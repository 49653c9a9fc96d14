package dispatch

import (
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// retriesExhausted is the cause of a letter about an order that kept failing while calls for other orders succeeded.
const retriesExhausted = "RetriesExhausted"

// call is a call in flight. It is dropped when its generation ends, or when its partition is recreated or truncated.
// The verdict on a dropped call counts for the governor, but for no event.
type call struct {
	task
	of      *partition
	key     laneKey
	pass    retry.Pass
	began   time.Time
	dropped bool
}

// makeReady queues an event's calls, which start when slots are free.
func (d *Dispatcher) makeReady(e *pending) {
	for i := range e.items {
		if it := &e.items[i]; it.Action == event.Call && it.state == idle {
			d.push(task{e, i})
		}
	}
}

func (d *Dispatcher) push(t task) {
	t.item().state = ready
	p := t.of
	if t.replay != nil {
		p = d.replayed
	}
	p.ready.push(t)
	if !p.inRing {
		p.inRing = true
		d.ring = append(d.ring, p)
	}
}

// owns reports whether this worker certainly owns its partitions for as long as a call takes.
func (d *Dispatcher) owns(now time.Time) bool {
	return !d.draining && !d.fenced && now.Before(d.leaseEnd())
}

// startCalls fills the free slots round robin over the partitions, so that no partition starves another.
func (d *Dispatcher) startCalls(now time.Time) {
	d.idle = false
	if !d.owns(now) || !d.mayAccept() {
		return
	}
	reason, _ := d.governor.Probing()
	probing := reason != ""
	if !probing {
		d.unpark()
	}
	d.resumeDeferred()
	for d.governor.MayCall(now) {
		t, ok := d.pick(now)
		if !ok && probing && len(d.parked) > 0 {
			d.unpark() // each parked order has had its probe
			t, ok = d.pick(now)
		}
		if !ok {
			d.idle = true
			return
		}
		says, repeat := d.isRepeat(t)
		if repeat {
			d.skip(now, t)
			continue
		}
		d.start(now, t, says)
	}
}

func (d *Dispatcher) unpark() {
	for _, t := range d.parked {
		if !t.dropped {
			d.push(t)
		}
	}
	d.parked = d.parked[:0]
}

// resumeDeferred makes deferred events ready again. Events that still cannot start are deferred once more.
func (d *Dispatcher) resumeDeferred() {
	if !d.recheck {
		return
	}
	d.recheck = false
	deferred := d.deferred
	d.deferred = nil
	for _, t := range deferred {
		if !t.dropped {
			d.push(t)
		}
	}
}

// pick takes from the ring the next task whose call may start. It gives up once it has looked at every partition and
// found none. A replay that ends when its turn comes opens its lane, so pick then looks at all partitions again.
func (d *Dispatcher) pick(now time.Time) (task, bool) {
	for held := 0; held < len(d.ring); held++ {
		p := d.ring[0]
		copy(d.ring, d.ring[1:])
		d.ring = d.ring[:len(d.ring)-1]
		t, ok := d.pickFrom(now, p)
		if p.ready.len() > 0 {
			d.ring = append(d.ring, p)
		} else {
			p.inRing = false
			held--
		}
		if d.opened {
			d.opened, held = false, -1
		}
		if ok {
			return t, true
		}
	}
	return task{}, false
}

func (d *Dispatcher) pickFrom(now time.Time, p *partition) (task, bool) {
	for p.ready.len() > 0 {
		t := p.ready.peek()
		switch {
		case t.dropped || t.item().state != ready:
			p.ready.pop()
		case t.replay != nil:
			if d.mayReplay(now, p.ready.pop()) {
				return t, true
			}
		case !p.callable() || p.space.none && t.offset >= p.space.reach && t.pending != p.window.first ||
			d.tooMuchUnacknowledged(t):
			return task{}, false
		case !t.started && t.several() && d.started >= d.config.CallsInFlight && t.pending != p.window.first:
			d.deferred = append(d.deferred, p.ready.pop())
		case !t.started && !p.space.admit(t.pending, &p.window, d.metadataMax):
			return task{}, false
		default:
			return p.ready.pop(), true
		}
	}
	return task{}, false
}

// mayReplay reports whether a replay whose turn has come may be sent. If not, the replay is deferred or has ended.
func (d *Dispatcher) mayReplay(now time.Time, t task) bool {
	switch {
	case !t.of.callable():
		d.deferred = append(d.deferred, t)
		return false
	case !d.stillWanted(now, t.replay):
		t.dropped = true
		d.detach(t.pending)
		d.opened = true
		return false
	}
	return true
}

// tooMuchUnacknowledged reports whether a call must wait, so that a crash repeats only a limited number of calls. There
// is one exception. If the metadata of some partition's last commit had to leave out finished events, the number of
// settled events falls only when that partition's first event ends. That event may wait for an event of the same order
// in another partition. So the first event of each partition may get its call. The event after it must wait for another
// commit, which is due as soon as the first event has ended.
func (d *Dispatcher) tooMuchUnacknowledged(t task) bool {
	if d.settled < 2*d.config.CallsInFlight {
		return false
	}
	holdsBack := t.pending == t.of.window.first && t.offset == t.of.commits.acked.next
	return !holdsBack || !slices.ContainsFunc(d.order, func(p *partition) bool { return p.commits.truncated })
}

func (d *Dispatcher) start(now time.Time, t task, says statement) {
	it := t.item()
	it.state = inFlight
	it.attempts++
	if t.replay != nil {
		t.replay.called = true
	}
	t.called = true
	if !t.started {
		d.begin(t.pending)
	}
	d.lastID++
	d.callBegins(t, says)
	c := call{task: t, of: t.of, key: laneKey{t.of.Number, it.OrderID}, pass: d.governor.Start(now), began: now}
	d.calls[d.lastID] = c
	id := t.id()
	d.out.Calls = append(d.out.Calls, turn.Call{
		ID: d.lastID, Partition: t.of.Partition, Offset: t.offset, Item: max(id.Item, 0), Several: id.Item != ledger.NoItem,
		Order: it.OrderID, Status: it.Status, Attempt: it.attempts, Probe: c.pass.Probe,
		Until: d.leaseEnd(), Record: t.record, Replay: t.nthReplay(),
	})
}

// begin records that an event gets its first call, or that its first item is skipped.
func (d *Dispatcher) begin(e *pending) {
	e.started = true
	if e.several() {
		d.started++
	}
	for i := range e.items {
		if it := &e.items[i]; it.state == storing {
			d.called++ // the mapping's letter about a sent event: without it a crash would repeat the calls
		}
	}
}

// Answered records the verdict on a call, even on one that an earlier generation started.
func (d *Dispatcher) Answered(now time.Time, id uint64, v retry.Verdict) {
	c, ok := d.calls[id]
	if !ok {
		return
	}
	delete(d.calls, id)
	d.governor.Answered(now, c.key.order, c.pass, v)
	d.callEnded(now, c, v)
	if v.Kind == retry.Done && c.replay == nil {
		d.guard.Accepted()
	}
	if c.dropped {
		d.orphanEnded(c.key)
		return
	}
	d.judged(now, c, v)
}

// judged acts on the verdict on a call from this generation.
func (d *Dispatcher) judged(now time.Time, c call, v retry.Verdict) {
	t, it := c.task, c.item()
	probing, _ := d.governor.Probing()
	switch {
	case v.Kind == retry.Done:
		d.settle(t.pending)
		d.accept(now, t)
	case v.Kind == retry.DeadLetter:
		d.refuse(now, t, v)
	case probing != "" && (v.Kind != retry.Again || c.pass.Probe):
		// The order may not be at fault, so it waits for the end of the pause, and the next probe is for another order.
		it.failed()
		it.verdict = v
		it.state = parked
		d.parked = append(d.parked, t)
	case v.Kind != retry.Unauthorised && d.exhausted(now, c):
		v.Message = v.Cause + ": " + v.Message
		v.Cause = retriesExhausted
		d.giveUp(now, t, v)
	default:
		it.state = waiting
		it.failed()
		it.verdict = v // the status page shows it
		d.wait(now.Add(d.backoff(it).Next()), t)
	}
}

// accept finishes an accepted item as soon as the ledger holds the entries that its acceptance requires.
func (d *Dispatcher) accept(now time.Time, t task) {
	entries := d.accepted(now, t)
	if len(entries) == 0 {
		t.item().state = done
		d.itemDone(now, t.pending)
		return
	}
	t.item().state = marking
	d.write(func(now time.Time) {
		if !t.dropped {
			t.item().state = done
			d.itemDone(now, t.pending)
		}
	}, entries...)
}

// giveUp turns an item into a letter, because its order kept failing. LeadHit may have accepted a call that had no
// response, so older letters for the order must not be replayed any more.
func (d *Dispatcher) giveUp(now time.Time, t task, v retry.Verdict) {
	entries := d.overtaken(now, t)
	if len(entries) == 0 {
		d.refuse(now, t, v)
		return
	}
	t.item().state = marking
	d.write(func(now time.Time) {
		if !t.dropped {
			d.refuse(now, t, v)
		}
	}, entries...)
}

// exhausted reports whether an order has used up its retries with the call that failed.
func (d *Dispatcher) exhausted(now time.Time, c call) bool {
	// In a process that was frozen, a call seems to take longer than CallTimeout.
	took := min(now.Sub(c.began), d.config.CallTimeout)
	return d.backoff(c.item()).Exhausted(now, took, d.governor)
}

// backoff returns the backoff of an item: first for its calls, later for its letter.
func (d *Dispatcher) backoff(it *item) *retry.Backoff {
	it.failed()
	if it.backoff == nil {
		it.backoff = d.config.Retry.Backoff()
	}
	return it.backoff
}

// refuse turns a task into a letter.
func (d *Dispatcher) refuse(now time.Time, t task, v retry.Verdict) {
	it := t.item()
	it.failed()
	it.state, it.verdict = storing, v
	it.backoff = nil
	d.called++
	d.letter(now, t)
	d.settle(t.pending)
	d.urgent = append(d.urgent, t)
}

// settle records that one item of an event has its final verdict, or was skipped. An event without a call does not
// count against the bound on what a crash repeats.
func (d *Dispatcher) settle(e *pending) {
	if e.sending--; e.sending == 0 && e.called && e.replay == nil {
		e.of.commits.settled++
		if !e.of.commits.suspended {
			d.settled++
		}
	}
}

func (d *Dispatcher) itemDone(now time.Time, e *pending) {
	if e.open--; e.open > 0 {
		return
	}
	if e.replay != nil {
		d.replayDone(now, e)
		return
	}
	d.finish(now, e)
}
