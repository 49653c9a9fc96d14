// Package guard decides whether the workers of a group pause. All of them follow the ledger and pause together:
//
//	g := guard.Guard{Worker: "shop-1/4242", Build: "1.9.0/9f2c41d07ab3"}
//	for each entry in the ledger for this group {
//		g.Follow(e)
//	}
//	g.Refused(now, order, fingerprint)   // a letter is about to be stored
//	_, paused := g.Pause()               // no call may start
//	if e, ok := g.Announcement(); ok {   // append e to the ledger
//	}
//
// # What it promises
//
// The ledger's order is authoritative: all workers that follow the same entries reach the same state, whatever each has
// seen itself. So does a restarted process. A write without a response is retried, and the second copy of a pause
// changes nothing. Resuming after a flood accepts the fingerprints of its letters for the build that wrote them; a
// flood with other fingerprints pauses the group again.
//
// The package is pure: no Kafka, clock or goroutine.
package guard
