package retry

import (
	"math/rand/v2"
	"time"
)

// Outage is the reason that [Governor.Probing] returns for a closed gate.
const Outage = "outage"

// Governor decides whether a call may start. It belongs to the process, not to a generation of the consumer group: what
// it knows concerns LeadHit, and calls from ended generations may still be in flight.
//
// A call takes three steps: MayCall must return true, Start returns a Pass, and Answered gets this Pass, however late.
// These parts work together:
//
//   - pause: LeadHit rejects the key, or the URL is wrong. A probe every 30 s finds out when that is fixed.
//   - gate: 20 failures in a row across at least 5 orders are an outage, which ends when LeadHit responds to a probe.
//     Probes are at most 30 s apart. Even before the gate closes, once calls for 2 orders have failed in a row, the
//     slots of the failed calls stay empty.
//   - limit on calls in flight: × 0.9 on a sign of overload, + 1 per round trip, 5 after an outage.
//   - pacer: limits the calls per second after a 429 or 503, and obeys Retry-After.
//
// While the pause, the gate or both stop the calls, one probe at a time gets through. Signs of overload from a single
// order do not count. Neither do signs other than a 429 while they are less than a tenth of the last second's
// responses, or if they persist when fewer calls are made.
type Governor struct {
	pause pause
	gate  gate
	limit limit
	pacer pacer

	paused   bool // by Pause
	inFlight int
	begun    uint64 // how many calls have begun; the latest one has this number
	// suspect is the order whose call gave the last sign of overload. signs counts the signs of all orders.
	suspect  string
	signs    meter
	slowdown slowdown

	tally tally
	// stopped is when the current pause began; zero if there is none. tally.paused is the total length of the earlier
	// pauses.
	stopped time.Time
}

// Pass identifies a call that has started.
type Pass struct {
	// Probe reports whether the call is the one that a pause or a closed gate lets through.
	Probe bool

	ticket    ticket
	epoch     uint64
	gateProbe bool
	number    uint64
}

// NewGovernor returns a Governor that starts with an open gate and no pause. inFlight is how many may be in flight;
// less than 1 means 1. perSecond is how many may start per second; 0 means any number. The Governor draws jitter from
// random, which only the goroutine that uses the Governor may use.
func NewGovernor(inFlight int, perSecond float64, random *rand.Rand) *Governor {
	return &Governor{
		gate:  gate{random: random},
		limit: limit{configured: inFlight, value: float64(inFlight)},
		pacer: pacer{random: random, setting: perSecond},
	}
}

// MayCall reports whether a call may start now.
func (g *Governor) MayCall(now time.Time) bool {
	at, ok := g.opening()
	return ok && !at.After(now)
}

// Next returns the time at which a call may start, if only time must pass until then. It returns the zero time if a
// response or the end of a pause must come first, or if a call may start now.
func (g *Governor) Next(now time.Time) time.Time {
	if at, ok := g.opening(); ok && at.After(now) {
		return at
	}
	return time.Time{}
}

// opening returns the earliest time of the next call; false if a response or the end of a pause must come first.
func (g *Governor) opening() (time.Time, bool) {
	at := g.pacer.next
	switch {
	case g.paused:
		return time.Time{}, false
	case g.probing():
		if at = g.nextProbe(); at.IsZero() {
			return time.Time{}, false
		}
	case g.inFlight >= g.gate.narrow(g.limit.whole()):
		return time.Time{}, false
	}
	if g.pacer.quiet.After(at) {
		at = g.pacer.quiet
	}
	return at, true
}

// Probing returns why only single probes may start, and since when. The reason is the name of Unauthorised or
// Misconfigured, or Outage; it is "" if neither the pause nor the gate stops calls.
func (g *Governor) Probing() (reason string, since time.Time) {
	switch {
	case g.pause.active():
		return g.pause.kind.String(), g.pause.since
	case g.gate.closed:
		return Outage, g.gate.since
	}
	return "", time.Time{}
}

func (g *Governor) probing() bool { return g.pause.active() || g.gate.closed }

// nextProbe returns the time at which the next probe may start; zero while a probe is in flight. The pause's probe also
// counts as the gate's probe, and runs when the pause schedules it, so that a new key is tried at once.
func (g *Governor) nextProbe() time.Time {
	switch {
	case !g.pause.active():
		return g.gate.nextProbe()
	case g.gate.probing:
		return time.Time{}
	}
	return g.pause.nextProbe()
}

// Pause pauses all calls, probes included, or ends the pause. It is for pauses of the whole group, by hand or after a
// flood; the Governor does not detect these.
func (g *Governor) Pause(now time.Time, paused bool) {
	g.paused = paused
	g.account(now)
}

// KeyChanged informs the Governor that a new API key is in use from now on. If calls are paused because LeadHit
// rejected the old key, the next probe is due.
func (g *Governor) KeyChanged(now time.Time) { g.pause.keyChanged(now) }

// Start records that a call starts now. MayCall must have returned true.
func (g *Governor) Start(now time.Time) Pass {
	g.inFlight++
	g.begun++
	p := Pass{ticket: g.pause.start(now), number: g.begun}
	p.epoch, p.gateProbe = g.gate.start(now)
	p.Probe = p.gateProbe || p.ticket.probe
	g.pacer.start(now)
	return p
}

// Answered takes the verdict on a call. The verdict may arrive after the call's generation has ended.
func (g *Governor) Answered(now time.Time, order string, p Pass, v Verdict) {
	inFlight := g.inFlight
	g.inFlight--
	g.tally.count(v)
	g.pause.answered(now, order, p.ticket, v)
	g.pacer.asked(now, v.RetryAfter)
	if !p.Probe && p.epoch == g.gate.epoch { // calls from an outage say nothing about what LeadHit can serve
		g.adapt(now, order, p, v, inFlight)
	}
	closed := g.gate.closed
	g.gate.answered(now, order, p, v.evidence())
	switch {
	case g.gate.closed && !closed:
		g.slowdown.outage()
		g.pacer.freeze(now)
	case closed && !g.gate.closed:
		g.limit.restart()
		g.pacer.unfreeze(now)
		g.pacer.searching = true // refusals during the outage said nothing about a pace
	}
	g.account(now)
}

// adapt adjusts the limit and the pace to the verdict on a call.
func (g *Governor) adapt(now time.Time, order string, p Pass, v Verdict, inFlight int) {
	served := v.evidence() == served
	if !served && !v.overloaded() {
		return
	}
	if g.slowdown.answered(now, p.number, v) {
		g.pacer.learned = 0
	}
	defer g.holdPace(now)
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

// holdPace stops the growth of the pace while the pace is being measured, and otherwise lets it grow.
func (g *Governor) holdPace(now time.Time) {
	if g.slowdown.measuring() {
		g.pacer.freeze(now)
	} else {
		g.pacer.unfreeze(now)
	}
}

// shrink lowers the limit after a sign of overload from the call with the given number. A refusal lowers the pace too.
// But while the pace is being measured, a 503 changes neither.
func (g *Governor) shrink(now time.Time, number uint64, v Verdict) {
	switch {
	case v.Code == tooManyRequests:
		g.slowdown.stop() // a 429 itself says that making fewer calls helps
	case !v.refused():
		g.limit.overload(number, g.begun)
		return
	case g.slowdown.measuring():
		return
	default:
		defer g.slowdown.shrunk(now, g.begun)
	}
	g.limit.overload(number, g.begun)
	g.pacer.refused(now, number, g.begun)
}

// stray reports whether signs of overload are few among the last second's responses. A few are LeadHit's usual errors.
// Slowing down for them would cost throughput for nothing, because an overloaded server refuses more than a few.
func (g *Governor) stray(now time.Time) bool {
	signs := g.signs.perSecond(now)
	share := signs / (signs + g.pacer.accepted.perSecond(now))
	return share < g.slowdown.tolerance(now)
}

// account measures how long calls are paused.
func (g *Governor) account(now time.Time) {
	paused := g.probing() || g.paused
	switch {
	case paused && g.stopped.IsZero():
		g.stopped = now
	case !paused && !g.stopped.IsZero():
		g.tally.paused += now.Sub(g.stopped)
		g.stopped = time.Time{}
	}
}

// pausedFor returns how long calls have been paused in total, whatever the reason.
func (g *Governor) pausedFor(now time.Time) time.Duration {
	if g.stopped.IsZero() {
		return g.tally.paused
	}
	return g.tally.paused + now.Sub(g.stopped)
}

// Limits returns what bounds the calls now, for human readers and metrics. inFlight is how many may be in flight: from
// 1 to the setting, and 1 while only probes may start. The slots that stay empty because an outage may have begun are
// not subtracted, because one success makes them usable again. perSecond is how many may start per second; 0 means any
// number. quiet is the time until which a Retry-After stops all calls; it may be in the past.
func (g *Governor) Limits(now time.Time) (inFlight int, perSecond float64, quiet time.Time) {
	inFlight = g.limit.whole()
	if g.probing() {
		inFlight = 1
	}
	return inFlight, g.pacer.pace(now), g.pacer.quiet
}
