package retry

import (
	"math/rand/v2"
	"slices"
	"time"
)

// overloadShare is from which share of the last second's answers on signs of overload count.
const overloadShare = 0.1

// Settings of a Governor.
type Settings struct {
	// CallsInFlight bounds the calls in the air, at least 1; CallsPerSecond the calls a second, 0 for no bound.
	CallsInFlight  int
	CallsPerSecond float64
	// Random is where the jitter comes from. It is used by whoever uses the owner, one at a time.
	Random *rand.Rand
	// Worker names this process in the ledger. Build names its version and mapping: a resume accepts fingerprints for that build.
	Worker, Build string
}

// Governor decides whether a call may start. It belongs to the process, not to a generation: what it knows is about LeadHit,
// and the calls of ended generations are in the air like others. One goroutine at a time may use it.
//
// Each call is a MayCall that said yes, a Start, and an Answered with the Pass that Start gave, however late. In it work
// together:
//
//   - the pause: the key or the address is wrong; a probe every 30 s finds out when it is mended;
//   - the gate: 20 failures in a row over 5 orders are an outage, and a probe that LeadHit answers ends it. Probes are at
//     most 30 s apart, with jitter over half of that. Before the gate closes, slots of calls that failed in a row over 2
//     orders stay empty;
//   - the limit of calls in flight: × 0.9 on a sign of overload, + 1 a round trip, from 5 after an outage;
//   - the pacer: the calls a second, from a 429 or 503 on, and Retry-After;
//   - the flood guard and pauses by hand: told by Letter and Follow.
//
// Pause and gate together let one probe through at a time. A sign of overload that only one order gives is no
// sign, and neither are those that stay below a tenth of the last second's answers, or that stay as they are however little
// is called.
type Governor struct {
	pause pause
	gate  gate
	limit limit
	pacer pacer
	guard guard

	inFlight int
	begun    uint64 // calls that have begun: the last one's number
	// suspect is the order that gave the last sign of overload, signs counts them all.
	suspect  string
	signs    meter
	standing standing
	// held is for how long calls were held in all, but for the stretch that began at heldSince.
	held      time.Duration
	heldSince time.Time
}

// Pass marks a call with the moment of its start. Give it back with the call's verdict.
type Pass struct {
	ticket    ticket
	epoch     uint64
	gateProbe bool
	number    uint64
	replay    bool
}

// Probe says whether the call is the one that a pause or a closed gate lets through.
func (p Pass) Probe() bool { return p.gateProbe || p.ticket.probe }

// NewGovernor returns a Governor that lets calls flow.
func NewGovernor(s Settings) *Governor {
	return &Governor{
		gate:  gate{random: s.Random},
		limit: limit{configured: s.CallsInFlight, value: float64(s.CallsInFlight)},
		pacer: pacer{random: s.Random, setting: s.CallsPerSecond},
		guard: guard{worker: s.Worker, build: s.Build},
	}
}

// MayCall says whether a call may start now.
func (g *Governor) MayCall(now time.Time) bool {
	if g.guard.pause() != nil || now.Before(g.pacer.quiet) {
		return false
	}
	if !g.Probing() {
		return g.inFlight < g.slots() && g.pacer.due(now)
	}
	at := g.nextProbe()
	return !at.IsZero() && !now.Before(at)
}

// Probing says that only probes may start: a pause for the key or the address, or a closed gate.
func (g *Governor) Probing() bool {
	_, _, paused := g.pause.active()
	return paused || g.gate.closed
}

// nextProbe returns when the next probe is due; zero while one is in the air. A pause's probe serves the gate, too, at the
// pause's times, so that a new key is tried at once.
func (g *Governor) nextProbe() time.Time {
	if _, _, paused := g.pause.active(); !paused {
		return g.gate.nextProbe()
	}
	if g.gate.probing {
		return time.Time{}
	}
	return g.pause.nextProbe()
}

// MayStore says whether a letter that the mapping wants may begin its way. Without this a mapping that refuses everything
// would fill the letters' topic without a single call. The letters of answered calls are few, and may always go.
func (g *Governor) MayStore() bool { return g.guard.pause() == nil }

// Limit returns how many calls may be in flight, from 1 up to the setting; while only probes may start, 1.
func (g *Governor) Limit() int {
	if g.Probing() {
		return 1
	}
	return g.limit.whole()
}

// slots is the limit without the slots that stay empty because an outage may have begun. They are a matter of one success, and
// say nothing about what LeadHit can bear, so nobody is told of them.
func (g *Governor) slots() int { return g.gate.narrow(g.limit.whole()) }

// Start marks a call that starts now. Ask MayCall before.
func (g *Governor) Start(now time.Time) Pass {
	g.inFlight++
	g.begun++
	p := Pass{ticket: g.pause.start(now), number: g.begun}
	p.epoch, p.gateProbe = g.gate.start(now)
	g.pacer.start(now)
	return p
}

// StartReplay is Start for the replay of a letter: an operator's doing, so the flood guard does not look at its outcome.
func (g *Governor) StartReplay(now time.Time) Pass {
	p := g.Start(now)
	p.replay = true
	return p
}

// KeyChanged says that another key is in use from now on: the next probe of a pause is due.
func (g *Governor) KeyChanged(now time.Time) { g.pause.keyChanged(now) }

// Answered takes the verdict of a call, late answers of ended generations included.
func (g *Governor) Answered(now time.Time, order string, p Pass, v Verdict) {
	inFlight := g.inFlight
	g.inFlight--
	g.pause.answered(now, order, p.ticket, v)
	g.pacer.asked(now, v.RetryAfter)
	if v.Kind == Done && !p.replay {
		g.guard.outcome(now, outcome{order: order})
	}
	if !p.Probe() && p.epoch == g.gate.epoch { // an outage's own calls say nothing about how much LeadHit can bear
		g.adapt(now, order, p, v, inFlight)
	}
	closed := g.gate.closed
	g.gate.answered(now, order, p, evidenceOf(v))
	switch {
	case g.gate.closed && !closed:
		g.standing.stop()
		g.pacer.freeze(now)
	case closed && !g.gate.closed:
		g.limit.restart()
		g.pacer.thaw(now)
	}
	g.account(now)
}

// adapt moves limit and rate.
func (g *Governor) adapt(now time.Time, order string, p Pass, v Verdict, inFlight int) {
	served := evidenceOf(v) == served
	if !served && !overloaded(v) {
		return
	}
	if g.standing.answered(now, p.number, v) {
		g.pacer.learned = 0
	}
	defer func() { g.pacer.hold(now, g.standing.holds()) }()
	if served {
		g.pacer.accepted.add(now)
		g.limit.served(inFlight)
		return
	}
	g.signs.add(now)
	alone := g.suspect == "" || g.suspect == order
	g.suspect = order
	if alone || v.Code != tooManyRequests && g.stray(now) {
		return
	}
	g.shrink(now, p.number, v)
}

// shrink obeys a sign of overload that came with call number.
func (g *Governor) shrink(now time.Time, number uint64, v Verdict) {
	switch {
	case v.Code == tooManyRequests:
		g.standing.stop() // it says itself what would help
	case !refused(v):
		g.limit.overload(number, g.begun)
		return
	case g.standing.holds():
		return
	default:
		defer g.standing.shrunk(now, g.begun)
	}
	g.limit.overload(number, g.begun)
	g.pacer.refused(now, number, g.begun)
}

// stray says that signs of overload are so few among the last second's answers that they are LeadHit's usual faults: a
// server without room refuses more than now and then, and to slow down for the others would cost throughput for nothing.
func (g *Governor) stray(now time.Time) bool { return g.refusedShare(now) < g.standing.tolerance(now) }

// refusedShare is the share of signs of overload among the last second's answers, from 0 to 1.
func (g *Governor) refusedShare(now time.Time) float64 {
	signs := g.signs.perSecond(now)
	return signs / (signs + g.pacer.accepted.perSecond(now))
}

// Letter says that a letter about an order begins its way for the first time: one that the mapping wants when it is about to
// be stored, one of an answered call with its verdict. The order is empty if nobody knows it. The letters of replays are not
// told. Ask Announcement afterwards.
func (g *Governor) Letter(now time.Time, order, fingerprint string) {
	g.guard.outcome(now, outcome{letter: true, order: order, fingerprint: fingerprint})
	g.account(now)
}

// Announcement returns the next entry to be written into the ledger, each once: a trip of the flood guard, or a pause that a
// lost ledger held; false if there is none. The pause counts at once, but others follow, and a restart remembers, what stands
// in the ledger.
func (g *Governor) Announcement() (Entry, bool) { return g.guard.announce() }

// Follow takes the ledger's entries, in its order, from its beginning when the process starts; this worker's own included,
// since a resume ends only pauses that stand before it.
func (g *Governor) Follow(now time.Time, e Entry) {
	g.guard.follow(e)
	g.account(now)
}

// LedgerLost says that the ledger is another one from now on, which is followed from its beginning. Pauses in force stay so,
// and those that the new ledger does not hold are announced again: else no restart would remember them, and no resume find
// them. So follow all of the new ledger before the next Announcement.
func (g *Governor) LedgerLost() { g.guard.lost() }

// Pauses returns the pauses in force as the ledger tells them, in its order: what a resume would end.
func (g *Governor) Pauses() []Entry { return slices.Clone(g.guard.pauses) }

// account keeps the time for which calls are held.
func (g *Governor) account(now time.Time) {
	held := g.Probing() || g.guard.pause() != nil
	switch {
	case held && g.heldSince.IsZero():
		g.heldSince = now
	case !held && !g.heldSince.IsZero():
		g.held += now.Sub(g.heldSince)
		g.heldSince = time.Time{}
	}
}

// Paused is for how long calls were held in all, up to now, by whatever it was: what goes into Tally.Paused.
func (g *Governor) Paused(now time.Time) time.Duration {
	if g.heldSince.IsZero() {
		return g.held
	}
	return g.held + now.Sub(g.heldSince)
}

// Pause returns the kind of a pause for the key or the address and since when; false without one, whatever else holds
// calls.
func (g *Governor) Pause() (Kind, time.Time, bool) { return g.pause.active() }

// Next returns when time alone lets a call start that may not start now; zero if it takes an answer, a resume or nothing.
func (g *Governor) Next(now time.Time) time.Time {
	if g.guard.pause() != nil {
		return time.Time{}
	}
	var at time.Time
	switch {
	case g.Probing():
		if at = g.nextProbe(); at.IsZero() {
			return at
		}
	case g.inFlight >= g.slots():
		return at
	default:
		at = g.pacer.next
	}
	if g.pacer.quiet.After(at) {
		at = g.pacer.quiet
	}
	if !at.After(now) {
		return time.Time{}
	}
	return at
}
