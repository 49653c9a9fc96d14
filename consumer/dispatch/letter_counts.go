package dispatch

import (
	"maps"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/deadletter/ledger"
)

// refusedAgain is the outcome of a replay whose event became a letter again. The other outcomes are named after their
// entries in the ledger.
const refusedAgain = "refused"

// LetterCounts returns the current figures. It does not count open letters stored before the given time, because
// retention has deleted them. It visits no letters, and no replays except those that are taken up.
func (d *Dispatcher) LetterCounts(since time.Time) snapshot.LetterCounts {
	c := snapshot.LetterCounts{Waiting: map[string]int{}, Outcomes: maps.Clone(d.observed.replayed)}
	for _, p := range d.order {
		of := d.letters.Counts(p.Topic, p.Number, since)
		c.Open += of.Open
		c.Requeued += of.Requeued
		if !of.Oldest.IsZero() {
			c.Oldest = earlier(c.Oldest, of.Oldest)
		}
		if len(p.requeued) > 0 {
			c.Waiting[p.replaysWaitFor()] += len(p.requeued)
		}
	}
	for _, r := range d.taken {
		c.Waiting[r.waitsFor()]++
	}
	return c
}

// ReplayOutcomes returns the keys of LetterCounts.Outcomes.
func ReplayOutcomes() []string {
	return []string{
		string(ledger.LetterResolved), refusedAgain, string(ledger.LetterSuperseded), string(ledger.LetterFailed),
	}
}

// ReplayWaits returns what a replay can wait for. These are the keys of LetterCounts.Waiting. They appear as metric
// label values and in status output.
func ReplayWaits() []string {
	return []string{waitBacklog, waitPartition, waitPlace, waitLetter, waitLane, waitRetry, waitCall, waitOutcome}
}
