package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
)

// These are the rules about floods that every worker must obey, written independently of the worker's code. They leave
// a margin where the worker counts in a different order.
const (
	floodWindow  = 200
	floodLetters = 100
	floodOrders  = 20
	floodRoom    = 15
)

// simLedger is the ledger, with entries by workers and operators about pauses and letters.
type simLedger struct {
	*rand.Rand
	log     int // counts how often the ledger was recreated
	entries []ledger.Entry
}

// guardPlan is the part of a history that concerns the flood guard. It is drawn from its own random source, so its
// draws do not change the rest of a history.
type guardPlan struct {
	on                   bool
	handEvery, lostEvery time.Duration // 0: never
	fails, twice         float64       // shares of the writes
}

func (w *world) drawGuard() {
	g, p := w.ledger, &w.plan
	if g.Float64() >= 0.3 {
		return
	}
	every := func() time.Duration {
		if g.Float64() < 0.5 {
			return 0
		}
		return time.Duration(float64(20*time.Second) + g.Float64()*float64(time.Minute))
	}
	p.guard = guardPlan{
		on: true, handEvery: every(), lostEvery: every(), fails: 0.5 * g.Float64(), twice: 0.5 * g.Float64(),
	}
	switch g.IntN(3) {
	case 0: // a mapping whose statuses LeadHit refuses
		p.refused, p.refusedByMapping = 0.6+0.4*g.Float64(), 0
	case 1: // a mapping that refuses most events
		p.refusedByMapping = 0.6 + 0.4*g.Float64()
	default:
		return
	}
	p.events, p.ignored = 300+g.IntN(400), 0
	p.callTime = min(p.callTime, 20*time.Millisecond) // each event also needs a letter and a commit
}

// guardBetween is like between, but draws from the guard's own source.
func (w *world) guardBetween(from, to time.Duration) time.Duration {
	return from + time.Duration(w.ledger.Int64N(int64(to-from)+1))
}

func (w *world) stirGuard() {
	p := w.plan.guard
	if !p.on {
		return
	}
	w.repeatGuard(p.handEvery, func() {
		w.enter(ledger.Entry{Event: ledger.GuardPause, At: w.clock(), By: "alice", Reason: "migration"})
	})
	w.repeatGuard(p.lostEvery, func() {
		w.note("the ledger is recreated")
		w.ledger.log++
		w.ledger.entries = nil
	})
	w.operate()
}

func (w *world) repeatGuard(every time.Duration, do func()) {
	if every == 0 {
		return
	}
	w.after(w.guardBetween(every/4, 2*every), func() {
		if !w.calm {
			do()
			w.repeatGuard(every, do)
		}
	})
}

// operate models an operator who ends pauses sooner or later.
func (w *world) operate() {
	w.after(w.guardBetween(time.Second, 10*time.Second), func() {
		fold := guardWatch{}
		for _, e := range w.ledger.entries {
			fold.follow(e)
		}
		if fold.paused() && (w.calm || w.ledger.Float64() < 0.3) {
			w.enter(ledger.Entry{Event: ledger.GuardResume, At: w.clock(), By: "alice"})
		}
		w.operate()
	})
}

func (w *world) enter(e ledger.Entry) {
	w.note("ledger: %+v", e)
	w.ledger.entries = append(w.ledger.entries, e)
	w.desk.enter(e)
}

// guardConfig switches the guard on.
func (w *world) guardConfig(place int, c *dispatch.Config) {
	if !w.plan.guard.on {
		return
	}
	c.FloodGuard = true
	c.Worker, c.Build = fmt.Sprint("worker-", place), fmt.Sprint("build-", w.ledger.IntN(2))
	c.Fingerprint = fingerprint
}

func fingerprint(s turn.Store) string { return fmt.Sprint(s.Mapping, s.Verdict.Cause) }

// readLedger reads the whole ledger, as a process does before anything else, and then follows the ledger.
func (k *worker) readLedger() {
	if !k.plan.guard.on && !k.desk.on {
		return
	}
	k.guard.log = k.ledger.log
	k.followLedger()
	var again func()
	again = func() {
		k.act(k.guardBetween(50*time.Millisecond, max(3*time.Second, k.desk.lag)), func() {
			if k.guard.log != k.ledger.log || k.guard.read < len(k.ledger.entries) {
				k.hear(0, k.followLedger)
			}
			again()
		})
	}
	again()
}

func (k *worker) followLedger() {
	if k.guard.log != k.ledger.log {
		k.guard.log, k.guard.read = k.ledger.log, 0
		k.guard.lost()
		k.d.LedgerLost()
	}
	for _, e := range k.ledger.entries[k.guard.read:] {
		k.guard.follow(e)
		k.known.follow(e)
		k.d.Followed(k.clock(), e)
		k.forgetInPause()
	}
	k.guard.read = len(k.ledger.entries)
}

// announce writes an entry, and repeats the write until the worker knows that the entry is stored.
func (k *worker) announce(e ledger.Entry) {
	fails, twice := k.ledger.Float64() < k.plan.guard.fails, k.ledger.Float64() < k.plan.guard.twice
	k.after(k.guardBetween(time.Millisecond, 2*time.Second), func() {
		if !fails {
			k.enter(e)
		}
		if fails || twice {
			k.act(time.Second, func() { k.announce(e) })
		}
	})
}

// guardWatch holds what a worker must know about pauses, and the outcomes among which the worker must detect a flood.
type guardWatch struct {
	log, read int
	inForce   []ledger.Entry // according to the ledger
	own       []ledger.Entry // announced by this worker, and not read back yet
	stood     []ledger.Entry // all pauses in this ledger, including ended ones: a copy of a pause has no effect
	accepted  map[string]bool
	outcomes  []guardOutcome
}

type guardOutcome struct {
	letter bool
	order  string
}

func (g *guardWatch) paused() bool { return len(g.inForce)+len(g.own) > 0 }

func sameEntry(a, b ledger.Entry) bool { return a.By == b.By && a.At.Equal(b.At) }

func (g *guardWatch) follow(e ledger.Entry) {
	if e.Event != ledger.GuardPause && e.Event != ledger.GuardResume {
		return
	}
	was := g.paused()
	same := func(o ledger.Entry) bool { return sameEntry(o, e) }
	switch {
	case e.Event == ledger.GuardResume:
		g.accept()
	case !slices.ContainsFunc(g.stood, same):
		g.stood = append(g.stood, e)
		g.own = slices.DeleteFunc(g.own, same)
		void := len(e.Fingerprints) > 0
		for _, f := range e.Fingerprints {
			void = void && g.accepted[e.Build+f]
		}
		if !void {
			g.inForce = append(g.inForce, e)
		}
	}
	if was && !g.paused() {
		g.outcomes = nil
	}
}

func (g *guardWatch) accept() {
	if g.accepted == nil {
		g.accepted = map[string]bool{}
	}
	for _, p := range g.inForce {
		for _, f := range p.Fingerprints {
			g.accepted[p.Build+f] = true
		}
	}
	g.inForce = nil
}

func (g *guardWatch) lost() {
	g.own = append(g.own, g.inForce...)
	g.inForce, g.stood = nil, nil
}

func (g *guardWatch) outcome(o guardOutcome) {
	if g.paused() {
		return
	}
	if g.outcomes = append(g.outcomes, o); len(g.outcomes) > floodWindow {
		g.outcomes = g.outcomes[1:]
	}
}

// flood counts the letters among the last outcomes, and their orders. A letter without a known order counts as an order
// of its own.
func (g *guardWatch) flood() (letters, orders int) {
	seen := map[string]bool{}
	for _, o := range g.outcomes {
		if !o.letter {
			continue
		}
		letters++
		if o.order == "" || !seen[o.order] {
			orders++
		}
		seen[o.order] = true
	}
	return letters, orders
}

// checkGuard checks the effects of a turn. During a pause, the turn must start no call, and store no new letter from
// the mapping for an event without a call. A pause must be announced when there is a flood, and only then.
func (k *worker) checkGuard(e turn.Effects, build string) {
	if !k.plan.guard.on {
		return
	}
	g := &k.guard
	if g.paused() && len(e.Calls) > 0 {
		k.failed("worker %d calls in a pause: %+v, %+v", k.place, g.inForce, g.own)
	}
	for _, s := range e.Stores {
		c := changeOf(s.Record, s.Item)
		if k.begun[c] || s.Replay > 0 {
			continue // not the first attempt to store it, or a replay
		}
		k.begun[c] = true
		if g.paused() && s.Mapping && k.called[c.record] == nil {
			k.failed("worker %d: %v/%d: a letter from the mapping is stored in a pause", k.place, s.Partition,
				s.Offset)
		}
		g.outcome(guardOutcome{letter: !g.accepted[build+fingerprint(s)], order: s.Order})
	}
	letters, orders := g.flood()
	switch {
	case e.Announce == nil:
		if most := floodLetters + k.plan.calls + floodRoom; !g.paused() && letters > most && orders > floodOrders+floodRoom {
			k.failed("worker %d: %d letters of %d orders among the last outcomes, and no pause", k.place, letters,
				orders)
		}
		return
	case slices.ContainsFunc(g.own, func(o ledger.Entry) bool { return sameEntry(o, *e.Announce) }):
		// announced again, in another ledger
	case letters < floodLetters-floodRoom || orders < floodOrders-3:
		k.failed("worker %d: a flood of %d letters of %d orders: %+v", k.place, letters, orders, *e.Announce)
	default:
		k.figures.floods++
		g.own = append(g.own, *e.Announce)
		k.forgetInPause()
	}
	k.announce(*e.Announce)
}
