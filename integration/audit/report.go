package audit

import (
	"errors"
	"fmt"
	"strings"
)

// Report is what the books say. Every slice is empty if the promise was kept; each line names one event, call or
// letter.
type Report struct {
	// Lost names the events that did not become what they had to: not accepted, or without their letter.
	Lost []string
	// OutOfOrder names the calls that came before their time, beside another of the same order, or after a newer
	// status.
	OutOfOrder []string
	// Strange names calls and letters that nothing asked for, or that say something else than their event.
	Strange []string
	// Altered names the letters that are not byte for byte their event, or that name another cause.
	Altered []string
	// Uncommitted names the partitions whose committed offset is not the log's end.
	Uncommitted []string
	// Ahead names the events that a commit had passed before they were settled: accepted and answered, or stored as a
	// letter.
	Ahead []string
	// TooMany names the losses that repeated more than they may, and the repeats that no loss explains.
	TooMany []string
	// Late names the calls of a process that was frozen, as they arrived when it went on: they had been started before.
	// Nobody can take those back; more than InFlight of one freeze are OutOfOrder.
	Late []string
	// Back counts the samples in which a commit lay lower than before.
	Back int
	// Causes counts the repeats by why they were made, if InFlight is known.
	Causes map[Cause]int
	// Repeats counts the calls that were made although an earlier one for the same event had been carried out or
	// denied.
	Repeats int
	// Twice counts the letters that stand there more than once. That is allowed: a write without an answer is repeated.
	Twice int
}

// ErrBroken says that the books do not agree with the promise.
var ErrBroken = errors.New("the promise was broken")

// Err returns nil, or ErrBroken with the first lines of each kind. Repeats, Twice, Late and Back are for the caller to
// judge.
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
	return fmt.Errorf("%w:%s", ErrBroken, text.String())
}

// String tells the report in one line, as a run's summary.
func (r Report) String() string {
	return fmt.Sprintf("lost %d · out of order %d · strange %d · altered %d · uncommitted %d · committed ahead %d · "+
		"repeated too often %d · late calls %d · commits back %d · repeated calls %d · letters twice %d",
		len(r.Lost), len(r.OutOfOrder), len(r.Strange), len(r.Altered), len(r.Uncommitted), len(r.Ahead),
		len(r.TooMany), len(r.Late), r.Back, r.Repeats, r.Twice)
}
