package operator

import (
	"context"
	"fmt"
	"slices"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// Select returns the letters that match a filter. A letter that the filter names by id must exist, or the ledger must
// mention it.
func (r *Reader) Select(filter view.Filter) (letters []view.Letter, err error) {
	r.Look(func(v *view.View) { letters, err = selected(v, filter) })
	return letters, err
}

// selected returns the letters that match a filter. It adds letters that are named by id but were deleted from the
// topic, because an entry can still close them. An unknown id is an error, because a typo must not look like success.
func selected(v *view.View, filter view.Filter) ([]view.Letter, error) {
	letters := slices.Collect(v.Letters(filter))
	for _, id := range filter.IDs {
		if slices.ContainsFunc(letters, func(l view.Letter) bool { return l.ID() == id.String() }) {
			continue
		}
		switch l, found := v.Find(id); {
		case found && !l.Ledger.Known:
			letters = append(letters, l) // it expired, but an entry can still close it
		case len(slices.Collect(v.Letters(view.Filter{IDs: []ledger.ID{id}}))) == 0:
			return nil, absent(v, id)
		default: // another flag excludes it
		}
	}
	return letters, nil
}

// Changing returns a copy of the given entry for each letter whose state the entry can change.
func Changing(letters []view.Letter, says ledger.Entry) []ledger.Entry {
	return AboutEach(slices.DeleteFunc(slices.Clone(letters), func(l view.Letter) bool {
		waits := l.Ledger.State == fold.Open || l.Ledger.State == fold.Requeued
		return waits != (says.Event == ledger.LetterDismissed)
	}), says)
}

// AboutEach returns a copy of the given entry for each letter, with the letter's id, order and number of replays.
func AboutEach(letters []view.Letter, says ledger.Entry) []ledger.Entry {
	var entries []ledger.Entry
	for _, l := range letters {
		says.ID, says.N, says.Order = l.ID(), l.Ledger.N, l.OrderID
		entries = append(entries, says)
	}
	return entries
}

// Change writes one person's entries together, and reads the ledger back. It returns the ids of the letters whose
// entries counted.
func (r *Reader) Change(ctx context.Context, entries ...ledger.Entry) (map[string]bool, error) {
	counted := map[string]bool{}
	if len(entries) == 0 {
		return counted, nil
	}
	select {
	case r.changing <- struct{}{}:
		defer func() { <-r.changing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	says := entries[0]
	r.onEntry(func(e ledger.Entry, is bool) {
		if is && e.Event == says.Event && e.By == says.By && e.At.Equal(says.At) {
			counted[e.ID] = true
		}
	})
	defer r.onEntry(nil)
	if err := r.Write(ctx, entries...); err != nil {
		return nil, err
	}
	if err := r.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("written, but not read back: %w", err)
	}
	return counted, nil
}

func (r *Reader) onEntry(see func(e ledger.Entry, counted bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.OnEntry = see
}

// FirstWith describes how a letter got into its state, and names the person or worker, if known.
func FirstWith(l view.Letter) string {
	switch {
	case l.Outcome.Event != "":
		return fmt.Sprintf("%s by %s", l.Outcome.Event, l.Outcome.By)
	case l.Ledger.State == fold.Requeued && l.Ledger.Replay != nil:
		return "replayed by " + l.Ledger.Replay.By
	default:
		return "it is " + string(l.Ledger.State)
	}
}
