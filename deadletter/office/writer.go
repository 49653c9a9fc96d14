package office

import (
	"context"
	"errors"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// entry returns a person's entry for the ledger. An error concerns the person's name or reason.
func (o *Office) entry(what ledger.Event, s desk.Signature) (ledger.Entry, error) {
	e := ledger.Entry{
		Event: what, Group: o.settings.Group, At: time.Now().UTC().Truncate(time.Millisecond), By: s.By, Via: via,
		Reason: s.Reason,
	}
	probe := e
	switch what {
	case ledger.GuardPause, ledger.GuardResume:
	case ledger.LetterReplay:
		probe.ID, probe.N = "t/0/0", 1
	default:
		probe.ID = "t/0/0"
	}
	_, _, err := probe.Record()
	return e, err
}

// Change implements [desk.Writer].
func (o *Office) Change(
	ctx context.Context, what ledger.Event, ids []ledger.ID, s desk.Signature,
) ([]desk.Changed, error) {
	says, err := o.entry(what, s)
	if err != nil {
		return nil, err
	}
	r := o.current()
	var letters []view.Letter
	r.Look(func(v *view.View) {
		for _, id := range ids {
			if l, found := v.Find(id); found && (l.Group == "" || l.Group == o.settings.Group) {
				letters = append(letters, l)
			}
		}
	})
	counted, err := r.Change(ctx, operator.Changing(letters, says)...)
	if err != nil {
		return nil, err
	}
	all := make([]desk.Changed, len(ids))
	r.Look(func(v *view.View) {
		for i, id := range ids {
			l, found := v.Find(id)
			all[i] = desk.Changed{ID: id, Counted: counted[id.String()], State: l.Ledger.State}
			switch {
			case all[i].Counted:
			case !found:
				all[i].First = "no such letter"
			default:
				all[i].First = operator.FirstWith(l)
			}
		}
	})
	return all, nil
}

// Reveal implements [desk.Writer].
func (o *Office) Reveal(ctx context.Context, id ledger.ID, s desk.Signature) error {
	says, err := o.entry(ledger.LetterRevealed, s)
	if err != nil {
		return err
	}
	var letters []view.Letter
	o.current().Look(func(v *view.View) {
		if l, found := v.Find(id); found {
			letters = append(letters, l)
		}
	})
	if len(letters) == 0 {
		return errors.New("no letter " + id.String())
	}
	if err := o.settings.Write(ctx, operator.AboutEach(letters, says)...); err != nil {
		return err
	}
	_ = o.refresh(ctx) // so that the next page shows the entry; if this fails, the page says so
	return nil
}

// Pause implements [desk.Writer].
func (o *Office) Pause(ctx context.Context, s desk.Signature) error {
	return o.guard(ctx, ledger.GuardPause, s)
}

// Resume implements [desk.Writer].
func (o *Office) Resume(ctx context.Context, s desk.Signature) error {
	return o.guard(ctx, ledger.GuardResume, s)
}

func (o *Office) guard(ctx context.Context, what ledger.Event, s desk.Signature) error {
	says, err := o.entry(what, s)
	if err != nil {
		return err
	}
	_, err = o.settings.Pause(ctx, says, false)
	return err
}
