// Package replay asks the workers of a group to send letters again, and waits for the outcomes.
//
// A replay is an entry of the ledger. The worker that owns the letter's partition sends the letter and writes the
// outcome. So this package makes no calls: it writes one entry per letter, and reads both topics.
//
//	plan := replay.NewPlan(letters, options)       // what would happen to each letter
//	run := replay.Run{ID: replay.NewID(now), …}
//	summary, err := run.Do(ctx, plan, topics)
//
// # What it promises
//
// The run requeues the letters that the plan calls ready, each as the replay that the plan has seen, and nothing else.
// If one of them has changed since, it requeues none. Two runs at once never replay a letter twice: the first entry
// counts, and the second run learns who was first.
//
// The run stops on its own when a canary is not resolved, and when too many of the last outcomes were refusals. However
// it ends, even if killed, the workers finish the letters that were requeued. The others are untouched, and a second
// run with the same plan requeues these.
//
// # Goroutines
//
// The package starts none, and uses plain time.
package replay
