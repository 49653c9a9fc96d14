package retry

import "time"

// What holds the calls back, as State.Held tells it.
const (
	HeldByHand  = "by hand" // an operator's pause
	HeldByFlood = "flood"   // the flood guard's, of any worker
	HeldByGate  = "outage"  // LeadHit does not serve
	// A pause's kind stands for itself: "unauthorised", "misconfigured".
)

// State is a picture of a Governor for people and metrics.
type State struct {
	// Held says what holds the calls back, "" if they flow: HeldByHand, HeldByFlood, the name of a pause's kind, HeldByGate.
	// Where several do, the one that is hardest to lift is told. Since is when it began, Reason what a person or the flood guard
	// gave as one, By who that was.
	Held       string
	Since      time.Time
	Reason, By string
	// Quiet is until when all calls wait because LeadHit asked for it: a Retry-After. It may be past.
	Quiet time.Time
	// InFlight counts the calls in the air, Limit how many may be.
	InFlight, Limit int
	// PerSecond is the cap of calls a second, 0 for none.
	PerSecond float64
}

// State returns a picture of now.
func (g *Governor) State(now time.Time) State {
	s := State{Quiet: g.pacer.quiet, InFlight: g.inFlight, Limit: g.Limit(), PerSecond: g.pacer.rate(now)}
	kind, since, paused := g.pause.active()
	switch e := g.guard.pause(); {
	case e != nil:
		s.Held, s.Since, s.Reason, s.By = HeldByHand, e.At, e.Reason, e.By
		if len(e.Fingerprints) > 0 {
			s.Held = HeldByFlood
		}
	case paused:
		s.Held, s.Since = kind.String(), since
	case g.gate.closed:
		s.Held, s.Since = HeldByGate, g.gate.since
	}
	return s
}
