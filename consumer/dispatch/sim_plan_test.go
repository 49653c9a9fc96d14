package dispatch_test

import (
	"fmt"
	"time"

	"leadhit-sync/consumer/broker/partitioner"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
)

// patience is how long a shell usually waits for the end of a generation.
const patience = 15 * time.Second

// plan describes one history. Each kind of fault is left out of about half of the histories, because faults can hide
// each other.
type plan struct {
	calls, window, fetch int
	told, limit          int // bytes of metadata: the limit that the workers know, and the broker's real limit
	session, callTimeout time.Duration
	workers, topics      int
	numbers, orders      int
	events, large        int
	stuck, failing       int // orders that fail until the world is healed (stuck), or until it is calm (failing)
	maxElapsed, retryMax time.Duration
	chaos, calmLimit     time.Duration
	drain                time.Duration // how long the shell waits for the end of a generation
	callTime             time.Duration

	errors, lost, slow, retryAfter             float64 // shares of the calls
	commitSlow, notSent, unanswered            float64 // shares of the commits
	rebalancing                                float64 // share of the commits that are refused during a rebalance
	letterLost, letterFails, fetchFails        float64
	crashEvery, freezeEvery, leaveEvery        time.Duration // 0: never
	kickEvery, unknownEvery, recreateEvery     time.Duration
	keyEvery, misconfiguredEvery, outagesEvery time.Duration
	longOutage                                 time.Duration
	blackout                                   bool
	gaps, ignored, refusedByMapping, refused   float64
	batching, several                          float64
	guard                                      guardPlan
}

func drawPlan(w *world) plan {
	half := func(v float64) float64 {
		if w.chance(0.5) {
			return 0
		}
		return v * w.Float64()
	}
	every := func(least, most time.Duration) time.Duration {
		if w.chance(0.5) {
			return 0
		}
		return w.between(least, most)
	}
	p := plan{
		calls: 1 + w.IntN(8), window: 5 + w.IntN(100), fetch: 1 + w.IntN(30),
		told: 4096, limit: 4096, session: 10 * time.Second, callTimeout: 3 * time.Second,
		workers: 1 + w.IntN(3), topics: 1 + w.IntN(2), numbers: 1 + w.IntN(3), orders: 3 + w.IntN(40),
		events: 100 + w.IntN(500), retryMax: w.between(2*time.Second, 10*time.Second),
		chaos:     w.between(time.Minute, 4*time.Minute),
		calmLimit: 20 * time.Minute, // events about 300 orders, nearly all of them refused, take over ten minutes (seed 6157)
		callTime:  w.between(time.Millisecond, 200*time.Millisecond),
		errors:    half(0.3), lost: half(0.1), slow: half(0.1), retryAfter: half(0.2),
		commitSlow: half(0.1), notSent: half(0.2), unanswered: half(0.03), rebalancing: half(0.5),
		letterLost: half(0.3), letterFails: half(0.3), fetchFails: half(0.1),
		crashEvery: every(8*time.Second, time.Minute), freezeEvery: every(20*time.Second, 2*time.Minute),
		leaveEvery: every(20*time.Second, time.Minute), kickEvery: every(10*time.Second, time.Minute),
		unknownEvery: every(30*time.Second, 2*time.Minute), keyEvery: every(time.Minute, 2*time.Minute),
		misconfiguredEvery: every(time.Minute, 2*time.Minute), outagesEvery: every(time.Minute, 2*time.Minute),
		gaps: half(0.3), ignored: half(0.5), refusedByMapping: half(0.2), refused: half(0.2),
		batching: half(0.3), several: 0.05 + 0.1*w.Float64(),
	}
	if w.chance(0.3) {
		p.session, p.callTimeout = 6*time.Second, 2*time.Second
	}
	switch w.IntN(4) {
	case 0: // too small for all offsets, and the workers know the limit
		p.told = 48 + w.IntN(60)
		p.limit = p.told
	case 1: // smaller than the workers believe
		p.limit = w.IntN(150)
	}
	if w.chance(0.5) {
		p.large = 1 + w.IntN(min(p.orders, 20))
		if w.chance(0.3) {
			// There are enough events about several orders, for long enough, to reach the limit on events that are partly done.
			p.several, p.errors, p.orders, p.large = 0.6, max(p.errors, 0.3), 100+w.IntN(100), 2+w.IntN(4)
		}
	}
	if w.chance(0.1) {
		p.large, p.several, p.orders, p.events, p.calls = 300, 0.1, 320, 60+w.IntN(100), 3+w.IntN(6)
	}
	switch w.IntN(3) {
	case 0:
		// Stuck orders alone must not use up the window or the metadata space. Otherwise it would be correct that they block
		// other orders.
		p.stuck = 1 + w.IntN(2)
		p.window, p.told = max(p.window, 60), max(p.told, 200)
		p.limit = p.told
	case 1:
		p.failing = w.IntN(3)
		p.maxElapsed = 8 * (p.retryMax + p.callTimeout) // more than bad luck can explain
	}
	if w.chance(0.15) {
		p.recreateEvery = w.between(30*time.Second, 2*time.Minute)
	}
	// If there is only one worker, it may stop waiting while calls are in flight, because it gets its own partitions back.
	if p.drain = patience; p.workers == 1 && w.chance(0.7) {
		p.drain = w.between(10*time.Millisecond, 2*time.Second)
		p.slow, p.keyEvery = max(p.slow, 0.05), max(p.keyEvery, time.Minute)
	}
	p.blackout = w.chance(0.1)
	if w.chance(0.04) {
		p.longOutage, p.chaos = 10*time.Minute, 12*time.Minute
	}
	// One worker must be able to make all calls within a minute or two, because a history that is merely overloaded proves
	// nothing.
	items := p.events + int(float64(p.events*p.large)*p.several/2)
	p.callTime = min(p.callTime, time.Minute*time.Duration(p.calls)/time.Duration(items))
	return p
}

func (p plan) config(w *world, place int) dispatch.Config {
	c := dispatch.Config{
		CallsInFlight: p.calls, WindowEvents: p.window, WindowBytes: 1 << 40, FetchBytes: p.fetch * recordBytes,
		Session: p.session, CallTimeout: p.callTimeout, MetadataBytes: p.told,
		Retry: retryPolicy(w),
	}
	w.guardConfig(place, &c)
	if c.Replays = w.desk.on; c.Replays {
		c.Worker = fmt.Sprint("worker-", place)
	}
	c.SkipRepeats, c.Explain = w.shop.skips, partitioner.All().Explain
	return c
}

// produce writes the logs: a backlog at the start, and the rest during the faults and shortly after them.
func (w *world) produce() {
	p := w.plan
	for i := range p.orders {
		o := &order{name: w.shop.name(i, i%p.numbers), number: i % p.numbers}
		o.stuck = i < p.stuck
		o.failing = o.stuck || i < p.failing
		w.broker.orders = append(w.broker.orders, o)
	}
	w.shop.scatter(w.broker.orders)
	backlog := w.IntN(p.events)
	for i := range p.events {
		if i < backlog {
			w.write()
			continue
		}
		w.after(w.between(0, p.chaos+10*time.Second), w.write)
	}
}

// write appends an event to a log.
func (w *world) write() {
	p := w.plan
	first := w.broker.orders[w.IntN(p.orders)]
	log := w.broker.log(partition{Topic: topicName(w.IntN(p.topics)), Number: first.number})
	n := 1
	if p.large > 0 && w.chance(p.several) && !first.stuck {
		n = 1 + w.IntN(p.large)
	}
	changes := make([]change, n)
	for i := range changes {
		c := &changes[i]
		c.order, c.action = first, event.Call
		if i > 0 {
			c.order = w.neighbour(first)
		}
		c.refused = w.chance(p.refused)
		switch {
		case w.chance(p.ignored):
			c.action = event.Ignore
		case w.chance(p.refusedByMapping):
			c.action = event.Refuse
		}
	}
	if first.stuck && first.written >= 8 {
		return
	}
	first.written++
	log.append(changes, p.gaps)
}

// neighbour draws an order with the same partition number. It draws no stuck order, because each event of a stuck order
// is about that order alone.
func (w *world) neighbour(of *order) *order {
	for range 20 {
		o := w.broker.orders[w.IntN(w.plan.orders)]
		if o.number == of.number && !o.stuck {
			return o
		}
	}
	return of
}

// stir schedules the faults.
func (w *world) stir() {
	p := w.plan
	w.repeat(p.crashEvery, func() { w.anyWorker(func(k *worker) { w.sometimes(k.arm, k.crash) }) })
	w.repeat(p.freezeEvery, func() {
		w.anyWorker(func(k *worker) {
			w.sometimes(k.arm, func() { k.freeze(w.between(100*time.Millisecond, 5*p.session/2)) })
		})
		if p.keyEvery > 0 && w.chance(0.3) {
			w.leadhit.changeKey() // so that late responses concern the old key
		}
	})
	w.repeat(p.leaveEvery, func() { w.anyWorker((*worker).stop) })
	w.repeat(p.kickEvery, func() { w.anyWorker((*worker).kick) })
	w.repeat(p.unknownEvery, func() { w.broker.anyLog().disappear(w.between(100*time.Millisecond, 5*time.Second)) })
	w.repeat(p.recreateEvery, func() { w.broker.anyLog().recreate() })
	w.repeat(p.keyEvery, func() { w.leadhit.changeKey() })
	w.repeat(p.misconfiguredEvery, func() { w.leadhit.misconfigure(w.between(5*time.Second, time.Minute)) })
	w.repeat(p.outagesEvery, func() {
		if w.chance(0.5) {
			w.leadhit.goDown(w.between(time.Second, 2*time.Minute))
			return
		}
		w.leadhit.breakDown(w.between(time.Second, time.Minute))
	})
	if p.longOutage > 0 {
		w.after(w.between(0, time.Minute), func() { w.leadhit.goDown(p.longOutage) })
	}
	if p.blackout {
		w.after(w.between(p.chaos/3, p.chaos/2), w.blackout)
	}
	for range p.workers {
		w.lazily()
	}
}

// repeat calls the given function at random moments until the faults end.
func (w *world) repeat(every time.Duration, do func()) {
	if every == 0 {
		return
	}
	w.after(w.between(every/4, 2*every), func() {
		if !w.calm {
			do()
			w.repeat(every, do)
		}
	})
}

// sometimes either calls do at once, or passes it to arm, which calls it at an inconvenient moment.
func (w *world) sometimes(arm func(func()), do func()) {
	if w.chance(0.3) {
		do()
		return
	}
	arm(do)
}

func (w *world) anyWorker(do func(*worker)) {
	if k := w.workers[w.IntN(len(w.workers))]; k != nil && !k.frozen {
		do(k)
	}
}

// lazily schedules early calls to Next: at random moments, a random worker runs askEarly.
func (w *world) lazily() {
	w.after(w.between(0, 500*time.Millisecond), func() {
		if k := w.workers[w.IntN(len(w.workers))]; k != nil {
			k.askEarly()
		}
		w.lazily()
	})
}

// blackout ends all workers at once. While they are gone, a topic is recreated, and the group's offsets are kept.
func (w *world) blackout() {
	if w.calm {
		return
	}
	for _, k := range w.workers {
		if k != nil {
			k.crash()
		}
	}
	w.broker.anyLog().replace()
}
