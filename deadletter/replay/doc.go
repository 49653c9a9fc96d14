// Package replay asks the workers of a group to send letters again, and waits for the outcomes.
//
// A replay is a ledger entry. The worker that owns the letter's partition sends the letter and writes the outcome. So
// this package makes no calls: it writes one entry per letter, and reads both topics.
//
//	plan := replay.NewPlan(letters, ids, limits)   // what would happen to each letter
//	run := replay.Run{ID: replay.NewID(now, random), …}
//	summary, err := run.Do(ctx, plan, topics)
//
// # What it promises
//
// The run requeues only the letters that the plan calls ready, each as the next replay after those that the plan has
// seen. If one of these letters has changed since, the run requeues none. Two runs at once never replay a letter twice,
// because the first entry counts, and the second run learns who was first.
//
// The run stops on its own when a canary is not resolved, and when too many of the last outcomes were refusals. However
// the run ends, even if it is killed, the workers finish the letters that were requeued. The other letters are
// untouched, and a run of a new plan requeues them.
//
// # Goroutines
//
// The package starts none. It calls package time directly.
package replay
