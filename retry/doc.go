// Package retry decides whether a call to LeadHit may start, and when the next one may.
//
// A [Governor] decides about all calls in the process together:
//
//	g := retry.NewGovernor(64, 0, random) // 64 in flight, any number per second
//	if g.MayCall(now) {
//		pass := g.Start(now)
//		// … the call ends, perhaps minutes later
//		g.Answered(now, order, pass, verdict)
//	}
//	wake := g.Next(now) // when to call MayCall again, unless a response arrives first
//
// A [Backoff] spaces the attempts of one status change:
//
//	b := policy.Backoff()
//	if b.Exhausted(now, took, g) {
//		// a dead letter
//	}
//	again := now.Add(b.Next())
//
// A [Verdict] says what one outcome means. Only package leadhit gives verdicts, because it knows the protocol.
//
// # Promises
//
// No outage, pause or rejected key ever counts against an order. At most one probe is in flight. Calls never stop for
// good: at any time, MayCall returns true, Next returns a time, a call is in flight, or the caller has paused all
// calls. After an outage the number of calls in flight grows slowly, so a server that starts cold is not overloaded
// again.
//
// # Rules for callers
//
// The package is pure: the caller passes in the time and a source of random numbers, so a simulation can replay every
// decision. Nothing here sleeps, locks or starts a goroutine. Only one goroutine at a time may use a Governor and its
// Backoffs. Time must not go backwards. There are no errors: every input has a meaning.
//
// Package loop provides retries that sleep and log.
package retry
