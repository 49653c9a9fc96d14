package operator

import (
	"context"
	"fmt"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

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

// absent returns the error for an id without a letter in the group.
func absent(v *view.View, id ledger.ID) error {
	l, found := v.Find(id)
	switch {
	case !found:
		return fmt.Errorf("no letter %s: it may have expired; \"letters list\" shows the ids", id)
	case !l.Ledger.Known:
		return fmt.Errorf("letter %s expired; its state in the ledger is %s", id, l.Ledger.State)
	default:
		return fmt.Errorf("letter %s belongs to group %q: set KAFKA_GROUP, or show it with --all-groups", id, l.Group)
	}
}
