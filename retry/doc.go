// Package retry decides how long to wait and whether to call at all.
//
// It is pure: the time comes in with each question and random numbers come from a source that the owner passes, so a
// simulation can replay every decision. Nothing here sleeps, starts a goroutine or is safe for concurrent use: one
// goroutine, the dispatcher's, owns all of it.
//
// [Verdict] says what one answer means; whoever speaks LeadHit's protocol gives it. [Policy] and [Backoff] space the
// tries of one status change, [Trial] counts for how long it has been failing while others succeed, and [Pause] stops
// all calls when nothing is wrong with any order: the key is not taken, or the address is not LeadHit's.
package retry
