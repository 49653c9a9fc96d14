package audit

import (
	"errors"
	"fmt"
	"strings"
)

// Report is the result of an audit. If the promise was kept, every slice except Late is empty. Each line describes one
// finding.
type Report struct {
	// Lost lists events without the expected outcome: not accepted, or without their letter.
	Lost []string
	// OutOfOrder lists calls that arrived before the order's previous event was settled, during another call for the same
	// order, or after a newer status was accepted.
	OutOfOrder []string
	// Strange lists calls and letters that no event needs, and calls that differ from their event.
	Strange []string
	// Altered lists letters that differ from their event in any byte, or whose cause is not the expected one.
	Altered []string
	// Uncommitted lists the partitions whose committed offset is not the log's end.
	Uncommitted []string
	// Ahead lists events that a commit had passed before they were finished: before the response reached the worker, or
	// before the letter was stored. A crash would have lost them.
	Ahead []string
	// TooMany lists losses with more repeats than allowed, and repeats that no loss explains.
	TooMany []string
	// Unended lists letters whose last replay has no outcome, or an outcome that contradicts LeadHit's call log. It also
	// lists calls that were made before the ledger had the outcome of the order's previous call, a replay.
	Unended []string
	// Late lists calls that a frozen process had started before the freeze, and that arrived when it resumed. They cannot
	// be taken back. If a freeze has more than InFlight of them, the rest are in OutOfOrder.
	Late []string
	// Back counts samples whose commit was lower than an earlier one.
	Back int
	// Causes counts the repeats by cause, if InFlight is known.
	Causes map[Cause]int
	// Repeats counts calls for events that an earlier call had settled.
	Repeats int
	// Skipped counts events without a call, whose status was the last one that LeadHit had accepted for their order.
	Skipped int
	// Twice counts letters that were stored again. That is allowed, because a write without a response is repeated.
	Twice int
}

// Err returns nil if the promise was kept, or an error with the first lines of each kind. The caller judges Repeats,
// Twice, Late and Back, because their bounds depend on the faults of the run.
func (r Report) Err() error {
	var text strings.Builder
	for _, part := range []struct {
		name  string
		lines []string
	}{
		{"lost", r.Lost},
		{"out of order", r.OutOfOrder},
		{"strange", r.Strange},
		{"altered", r.Altered},
		{"uncommitted", r.Uncommitted},
		{"committed ahead", r.Ahead},
		{"repeated too often", r.TooMany},
		{"replays without an outcome", r.Unended},
	} {
		const shown = 8
		if len(part.lines) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n%d %s:", len(part.lines), part.name)
		for _, line := range part.lines[:min(shown, len(part.lines))] {
			text.WriteString("\n  " + line)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	return errors.New("the promise was broken:" + text.String())
}

// String returns the report on one line, as a run's summary.
func (r Report) String() string {
	return fmt.Sprintf("lost %d · out of order %d · strange %d · altered %d · uncommitted %d · committed ahead %d · "+
		"repeated too often %d · replays without an outcome %d · late calls %d · commits back %d · repeated calls %d · "+
		"skipped %d · letters twice %d",
		len(r.Lost), len(r.OutOfOrder), len(r.Strange), len(r.Altered), len(r.Uncommitted), len(r.Ahead),
		len(r.TooMany), len(r.Unended), len(r.Late), r.Back, r.Repeats, r.Skipped, r.Twice)
}
