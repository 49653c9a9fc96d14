package dispatch_test

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// progress is what a worker knows about an event that it has sent or skipped in this generation.
type progress struct {
	inFlight, judged int
	called           bool // a crash can repeat its calls
	several          bool
	toJudge          int
	began            time.Duration // when the worker last decided on a call
}

// settled reports whether no further call is needed.
func (g *progress) settled() bool { return g.judged == g.toJudge }

// loss is a crash or the end of a generation, after which calls may be repeated.
type loss struct {
	crash   bool // a crash, or an end that was not clean
	repeats int  // events whose calls were repeated because of the loss
}

// pauseWatch counts the calls that a worker makes after learning that LeadHit rejects its key.
type pauseWatch struct {
	window     int
	since      time.Duration
	calls      int
	keyChanges int
}

func changeOf(r any, item int) *change {
	return &r.(*record).changes[item]
}

func (k *worker) checkEffects(e turn.Effects) {
	if k.fenced && (len(e.Calls)+len(e.Fetches) > 0 || e.Commit != nil) {
		k.failed("worker %d continues after it was fenced: %+v", k.place, e)
	}
	if k.revoked && len(e.Calls) > 0 {
		k.failed("worker %d calls in a generation that ends: %+v", k.place, e.Calls)
	}
	for _, r := range e.Repeats {
		k.checkRepeat(r)
	}
}

// checkCall checks a call at the moment when the worker decides on it.
func (k *worker) checkCall(c turn.Call) {
	change := changeOf(c.Record, c.Item)
	r := change.record
	k.metAlien = k.metAlien || k.shop.alien[r.key]
	if k.inFlight > k.plan.calls {
		k.failed("worker %d: %d calls in flight, limit %d", k.place, k.inFlight, k.plan.calls)
	}
	k.checkHeld(c)
	if !r.gone && !r.log.committed.exists {
		k.failed("%v/%d: sent before the group has a position", c.Partition, c.Offset)
	}
	if !change.calls() {
		k.failed("%v/%d: a call about an item that needs none", c.Partition, c.Offset)
	}
	k.checkPrevious(c, change)
	k.checkPause(c)
	if k.busy[change.order]++; k.busy[change.order] > 1 {
		k.failed("%v/%d: worker %d has another call of the same order in flight", c.Partition, c.Offset, k.place)
	}
	if k.called[r] == nil && r.atRisk != nil {
		r.atRisk.repeats++
		r.atRisk = nil
	}
	g := k.progressOf(r)
	g.inFlight++
	g.began = k.now
	g.called = true
}

func (k *worker) checkPrevious(c turn.Call, change *change) {
	switch prev := change.previous; {
	case prev == nil || change.record.gone:
	case !prev.done():
		k.failed("%v/%d: sent before %d, of the same order, is finished", c.Partition, c.Offset, prev.record.offset)
	case !change.record.log.committed.covers(prev.record.offset):
		k.failed("%v/%d: sent before the outcome of %d, of the same order, is committed", c.Partition, c.Offset,
			prev.record.offset)
	}
}

// progressOf returns what the worker knows about an event that it sends now, or skips.
func (k *worker) progressOf(r *record) *progress {
	g := k.called[r]
	if g == nil {
		g = &progress{}
		for i := range r.changes {
			if r.changes[i].calls() {
				g.toJudge++
			}
		}
		g.several = g.toJudge > 1
		k.called[r] = g
	}
	return g
}

// checkWrite checks a call when it is written to the wire.
func (k *worker) checkWrite(f *flight) {
	c := f.change
	p := c.record.log
	k.desk.checkCalled(f)
	if c.order.inFlight > 0 {
		k.failed("%v/%d: a call of the same order is on the wire", p.id, c.record.offset)
	}
	if c.record.gone {
		return
	}
	if p.owner != k || p.unknown && k.generation != k.broker.generation {
		k.failed("%v/%d: worker %d calls, but the partition is no longer its own", p.id, c.record.offset, k.place)
	}
	if f.call.Replay > 0 {
		return
	}
	c.started = true
	for next := c.next; next != nil; next = next.next {
		if next.started {
			k.failed("%v/%d: sent again after %d, of the same order, was sent", p.id, c.record.offset,
				next.record.offset)
		}
	}
}

func (k *worker) noteVerdict(f *flight, v retry.Verdict) {
	if g := k.called[f.change.record]; g != nil && g.inFlight > 0 && f.call.Replay == 0 {
		g.inFlight--
		if v.Kind == retry.Done || v.Kind == retry.DeadLetter {
			g.judged++
		}
	}
	if v.Kind == retry.Done && f.decided == k.key {
		k.proved = k.key
	}
	// A late rejection of an earlier key means nothing once the current key has been accepted, even if the current key
	// is rejected now.
	if f.decided != k.key && k.proved == k.key {
		return
	}
	if v.Kind == retry.Unauthorised && k.watch.window != k.leadhit.window && f.key != k.leadhit.key && k.key != k.leadhit.key {
		k.watch = pauseWatch{window: k.leadhit.window, since: k.now}
		if k.d.Paused() || f.decided != k.key {
			// The probes are timed from the start of an earlier pause, or a probe with a new key is due.
			k.watch.calls--
		}
		k.figures.pauses++
	}
}

// probeEvery is the time between two probes in a pause.
const probeEvery = 30 * time.Second

// checkPause checks a call from a worker that knows that LeadHit rejects its key. The worker may make one call every 30
// seconds, and one for each change to the key.
func (k *worker) checkPause(c turn.Call) {
	if k.watch.window != k.leadhit.window || k.leadhit.key == k.key {
		return
	}
	k.watch.calls++
	if allowed := int((k.now-k.watch.since)/probeEvery) + k.watch.keyChanges; k.watch.calls > allowed {
		k.failed("worker %d: call %d (%v/%d, probe %v) in a pause since %v, allowed %d",
			k.place, k.watch.calls, c.Partition, c.Offset, c.Probe, k.watch.since, allowed)
	}
}

// checkWindow checks that a worker has not read too many unfinished events.
func (k *worker) checkWindow(p *simLog, next int64) {
	unfinished := 0
	for i := p.clean; i < len(p.records) && p.records[i].offset < next; i++ {
		if p.records[i].open > 0 {
			unfinished++
		}
	}
	if unfinished > k.plan.window+k.plan.fetch {
		k.failed("%v: %d events unfinished, window %d and one fetch of %d", p.id, unfinished, k.plan.window,
			k.plan.fetch)
	}
}

// exposed counts the events whose calls a crash would repeat now: they had a call, are settled or have a call in
// flight, and no commit at the broker covers them. Events about several orders that are not settled are counted in
// partly. The bound does not cover a partition whose commits have stopped or have just resumed, so its events do not
// count. Neither do events whose last call began before the broker knew the partition again. Events without a call are
// counted in skipped, because a crash repeats no call for them. The function each is called only for the events counted
// in whole.
func (k *worker) exposed(each func(*record)) (whole, skipped, partly int) {
	suspect := map[partition]bool{}
	for _, p := range k.d.Snapshot().Partitions {
		suspect[p.Partition] = p.Suspect
	}
	for r, g := range k.called {
		stopped := suspect[r.log.id] || r.log.unsteady() || g.began < r.log.unknownUntil
		if r.gone || stopped || r.log.committed.covers(r.offset) {
			continue
		}
		switch {
		case g.several && !g.settled():
			partly++
		case !g.called:
			skipped++
		case g.settled() || g.inFlight > 0:
			whole++
			each(r)
		} // otherwise the event waits for its next attempt anyway
	}
	return whole, skipped, partly
}

// suffer counts the calls that a crash, or the end of a generation, may repeat.
func (k *worker) suffer(hard bool) {
	if !k.inside {
		return
	}
	l := &loss{crash: hard}
	whole, _, partly := k.exposed(func(r *record) { r.atRisk = l })
	k.losses = append(k.losses, l)
	k.checkExposed(whole, partly)
}

func (k *worker) checkExposed(whole, partly int) {
	bound := 3 * k.plan.calls
	if k.plan.limit < k.plan.told {
		bound += len(k.broker.logs) // the first event of each partition, if the metadata had no space for all finished events
	} else {
		k.figures.risk = max(k.figures.risk, whole*100/bound)
	}
	if whole > bound {
		k.failed("worker %d: a crash repeats %d events, bound %d", k.place, whole, bound)
	}
	if most := k.plan.calls + k.owned; partly > most {
		k.failed("worker %d: %d events partly done, bound %d", k.place, partly, most)
	}
}

// checkEnd checks that a clean end repeats nothing.
func (k *worker) checkEnd(end turn.End) {
	if end != turn.Drained || k.d.NeedsNewMember() || k.plan.limit < k.plan.told {
		return
	}
	whole, skipped, _ := k.exposed(func(*record) {})
	if whole+skipped > 0 {
		k.failed("worker %d: a clean end leaves %d events uncommitted", k.place, whole+skipped)
	}
}
