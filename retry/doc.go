// Package retry decides how long to wait and whether to call at all.
//
// It is pure: the time comes in with each question and random numbers come from a source that the owner passes, so a
// simulation can replay every decision. Nothing here sleeps, starts a goroutine or is safe for concurrent use: one
// goroutine at a time uses it, whichever takes the dispatcher's turn.
//
// [Verdict] says what one answer means; whoever speaks LeadHit's protocol gives it. [Policy] and [Backoff] space the
// tries of one status change, and [Trial] counts for how long it has been failing while others succeed. [Governor] is about
// all calls at once: whether one may start, how many may be in the air, and how many a second. It stops them when nothing is
// wrong with any order: the key is not taken, the address is not LeadHit's, LeadHit is down, a mapping ruins what it maps,
// or a person said so. An [Entry] is how workers tell each other of the last two.
package retry
