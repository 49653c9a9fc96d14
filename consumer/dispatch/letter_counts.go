package dispatch

import (
	"maps"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// refusedAgain is the outcome of a replay whose event became a letter again. The other outcomes are named like their
// entries in the ledger.
const refusedAgain = "refused"

// LetterCounts are figures about the letters of owned partitions, for metrics.
type LetterCounts struct {
	Open, Requeued int
	Oldest         time.Time // when the oldest record of an open letter was stored; zero if there is none
	// Waiting counts the replays without an outcome by what they wait for, one of ReplayWaits. Until CaughtUp there are none,
	// because it is not known yet which letters are requeued.
	Waiting map[string]int
	// Outcomes counts the replays that ended since the start of the process: resolved, refused, superseded, failed.
	Outcomes map[string]uint64
}

// LetterCounts returns the figures of now. Open letters stored before since do not count: retention has deleted them.
// It visits no letter and no replay that is not taken up.
func (d *Dispatcher) LetterCounts(since time.Time) LetterCounts {
	c := LetterCounts{Waiting: map[string]int{}, Outcomes: maps.Clone(d.observed.replayed)}
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

// ReplayOutcomes returns the keys of LetterCounts.Outcomes, ReplayWaits those of Waiting.
func ReplayOutcomes() []string {
	return []string{
		string(ledger.LetterResolved), refusedAgain, string(ledger.LetterSuperseded), string(ledger.LetterFailed),
	}
}

// ReplayWaits returns what a replay can wait for: labels of metrics and values in status.
func ReplayWaits() []string {
	return []string{waitBacklog, waitPartition, waitPlace, waitLetter, waitLane, waitRetry, waitCall, waitOutcome}
}
