// Package ledger defines the entries of the ledger, and what the workers conclude from them.
//
// The ledger is a topic beside the dead letters: append-only, of one partition. All workers of a group follow it and
// pause together. A pause has a person or a worker's flood guard as its author:
//
//	guard := ledger.Guard{Worker: "shop-1/4242", Build: "1.9.0/9f2c41d07ab3"}
//	for each record of the ledger {
//		if e, err := ledger.Parse(value); err == nil && e.For("leadhit-sync") {
//			guard.Follow(e)
//		}
//	}
//	guard.Refused(now, order, fingerprint)   // a letter is about to be stored
//	_, paused := guard.Pause()               // no call may start
//	if e, ok := guard.Announcement(); ok {   // append e to the ledger
//		key, value, err := e.Record()
//	}
//
// # What it promises
//
// The order of the ledger decides: all who follow the same entries reach the same state, whatever they found out
// themselves, and so does a restarted process. A second copy of a pause changes nothing, because a write without a
// response is repeated. A resume of a flood accepts the fingerprints of its letters for the build that wrote them;
// other fingerprints pause again.
//
// # Letters
//
// The ledger is also the queue of replays: an operator's entry requests the replay of a letter. The worker that owns
// the letter's partition calls LeadHit and writes the outcome. [Fold] derives the state of every letter from the
// letters' topic and the ledger. Workers, commands and the page use this one fold:
//
//	open ──replay──▶ requeued ──▶ resolved, or superseded: final
//	 ▲ │                └──▶ refused again, or failed: open
//	 │ └──dismissed──▶ dismissed
//	 └──reopened── dismissed, resolved, superseded
//
// # Compatibility
//
// A ledger outlives releases. An entry about an event that this release does not know is not an error, and [Entry.For]
// is false for every group. A malformed entry is an error, and readers skip it. Entries without a group come from older
// releases and address every group that shares the ledger; those releases in turn ignore the group and follow every
// entry.
//
// The package is pure: no Kafka, clock or goroutine. Package follower reads the topic.
package ledger
