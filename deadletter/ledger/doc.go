// Package ledger defines the ledger's entries.
//
// The ledger is a topic beside the letters' topic: append-only, with one partition. All workers of a group follow it. A
// person or a worker's flood guard writes a pause, and package guard derives the pauses in force:
//
//	e, err := ledger.Parse(value)            // one entry
//	e.For("leadhit-sync")                    // the group follows it
//	key, value, err := e.Record()            // to append it
//
// The ledger's order is authoritative: all workers that follow the same entries reach the same state, and so does a
// restarted process.
//
// # Letters
//
// The ledger is also the queue of replays: an operator's entry requests the replay of a letter. The worker that owns
// the letter's partition calls LeadHit and writes the outcome. Package fold derives the state of every letter from the
// letters' topic and the ledger.
//
// # Compatibility
//
// A ledger outlives releases. An entry whose event this release does not know is not an error; its [Entry.For] returns
// false for every group. A malformed entry is an error, and readers skip it. Entries without a group come from older
// releases and address every group that shares the ledger. Those releases, in turn, ignore the group of an entry and
// follow every entry.
//
// The package is pure: no Kafka, clock or goroutine. Package follower reads the topic.
package ledger
