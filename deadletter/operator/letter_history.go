package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// Step is one record of a letter, or one entry about it. Entries that did not count are steps too: they say who was
// second.
type Step struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"` // of the entry; letter for a record
	By      string    `json:"by"`
	N       int       `json:"n"` // of the replay
	Counted bool      `json:"counted"`
	Reason  string    `json:"reason,omitempty"`
	Note    string    `json:"note,omitempty"`
	Newer   string    `json:"newer,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Run     string    `json:"run,omitempty"`
}

// Find finds a letter and reads its record.
func (r *Reader) Find(ctx context.Context, id ledger.ID, everyGroup bool) (Letter, error) {
	var found view.Letter
	var err error
	r.Look(func(v *view.View) {
		err = absent(v, id)
		for l := range v.Letters(view.Filter{IDs: []ledger.ID{id}, AllGroups: everyGroup}) {
			found, err = l, nil
		}
	})
	if err != nil {
		return Letter{}, err
	}
	return r.record(ctx, found)
}

// absent is the error about an id without a letter of the group.
func absent(v *view.View, id ledger.ID) error {
	l, found := v.Find(id)
	switch {
	case !found:
		return fmt.Errorf("no letter %s: it may have expired; \"letters list\" shows the ids", id)
	case !l.Ledger.Known:
		return fmt.Errorf("letter %s expired; by the ledger it is %s", id, l.Ledger.State)
	default:
		return fmt.Errorf("letter %s belongs to group %q: set KAFKA_GROUP, or show it with --all-groups", id, l.Group)
	}
}

// Collect makes the reader gather the history of a letter while it reads. Call it before the first Refresh.
func (r *Reader) Collect(id ledger.ID) {
	r.OnLetter = func(record event.Record, l deadletter.Letter) {
		if l.ID() == id.String() {
			at := l.FailedAt
			if at.IsZero() {
				at = record.Time
			}
			r.steps = append(r.steps, Step{
				At: at, Event: "letter", By: l.Group + " " + l.Version, N: l.ReplayCount, Counted: true, Cause: l.Cause,
				Run: l.ReplayRun,
			})
		}
	}
	r.OnEntry = func(e ledger.Entry, counted bool) {
		if e.ID == id.String() {
			r.steps = append(r.steps, Step{
				At: e.At, Event: string(e.Event), By: e.By, N: e.N, Counted: counted || e.Event == ledger.LetterRevealed,
				Reason: e.Reason, Note: e.Note, Newer: e.Newer, Cause: e.Cause, Run: e.Run,
			})
		}
	}
}

// History returns the collected steps by time. Those of one topic keep its order if their clocks agree; the ledger's
// order decides what counted, whatever the clocks say.
func (r *Reader) History() []Step {
	slices.SortStableFunc(r.steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return append([]Step{}, r.steps...)
}
