package office_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/office"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

var anna = desk.Signature{By: "anna", Reason: "the mapping is fixed"}

func reading(o *office.Office) desk.Reading { return o.Look(func(*view.View) {}) }

// states counts the letters by state.
func states(o *office.Office) map[fold.State]int {
	all := map[fold.State]int{}
	o.Look(func(v *view.View) {
		for l := range v.Letters(view.Filter{}) {
			all[l.Ledger.State]++
		}
	})
	return all
}

func TestARunAtTheDeskGoesOnUntilAllLettersAreResolved(t *testing.T) {
	c := newWorld(t, 12)
	c.worker()
	o := c.office()
	before := reading(o)
	p, err := o.Plan(t.Context(), view.Filter{States: []fold.State{fold.Open}})
	if err != nil || len(p.Letters) != 12 || p.Letters[0].Becomes == nil || p.Letters[0].Becomes.Status != "paid" {
		t.Fatalf("got %+v, %v, want a plan of 12 letters with what they become", p, err)
	}
	request, leave := context.WithCancel(t.Context())
	run, err := o.Start(request, p, desk.Options{Rate: 100, Canary: 1}, anna)
	if err != nil || run == "" {
		t.Fatalf("got %q, %v, want a run", run, err)
	}
	leave() // the page is closed
	await(t, "the first calls", func() bool { return c.called() > 1 })
	if _, err := o.Start(t.Context(), p, desk.Options{Rate: 100}, anna); err == nil {
		t.Error("got a second run of the same plan, want it refused")
	} else if _, changed := errors.AsType[*replay.ChangedError](err); !changed {
		t.Errorf("got %v, want a ChangedError", err)
	}
	await(t, "the outcomes", func() bool { return states(o)[fold.Resolved] == 12 })
	await(t, "the end of the run", func() bool { return len(reading(o).Running) == 0 })
	after := o.Look(func(v *view.View) {
		if runs := v.Runs(); len(runs) != 1 || runs[0].Name != run || runs[0].By != "anna" || runs[0].Resolved != 12 {
			t.Errorf("got %+v, want anna's run", runs)
		}
	})
	if after.Number <= before.Number || c.called() != 12 {
		t.Errorf("got number %d after %d, and %d calls, want a higher one and 12", after.Number, before.Number, c.called())
	}
	id := p.Letters[0].ID
	l, err := o.Letter(t.Context(), id)
	if err != nil || len(l.History) != 3 || l.History[0].Event != "letter" || l.History[1].By != "anna" ||
		l.History[2].Event != "resolved" || len(l.Event.Value) == 0 {
		t.Errorf("got %+v, %v, want the event, the letter, the replay and its outcome", l, err)
	}
	found, err := o.Order(t.Context(), "o0", time.Now().Add(-time.Hour))
	if err != nil || len(found.Events) != 1 || found.Events[0].ID != id.String() || len(found.Events[0].History) != 3 ||
		found.Events[0].Letter == nil || found.Events[0].Letter.State != fold.Resolved {
		t.Errorf("got %+v, %v, want the letter of the order with its history", found, err)
	}
}

func TestARunAtTheDeskIsStoppedByAnotherPerson(t *testing.T) {
	c := newWorld(t, 40)
	c.worker()
	o := c.office()
	p, err := o.Plan(t.Context(), view.Filter{States: []fold.State{fold.Open}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := o.Start(t.Context(), p, desk.Options{Rate: 10, Canary: 1}, anna)
	if err != nil {
		t.Fatal(err)
	}
	if got := reading(o).Running; !slices.Contains(got, run) {
		t.Errorf("got %v running, want %s", got, run)
	}
	await(t, "some calls", func() bool { return c.called() > 2 })
	if err := o.Stop(run, desk.Signature{By: "bob"}); err != nil {
		t.Error(err)
	}
	await(t, "the end of the run", func() bool { return len(reading(o).Running) == 0 })
	await(t, "the reason", func() bool {
		why := ""
		o.Look(func(v *view.View) { why = v.Runs()[0].Why })
		return why == "interrupted: stopped by bob"
	})
	if n := states(o)[fold.Open]; n < 20 {
		t.Errorf("got %d open letters, want most of 40", n)
	}
	if err := o.Stop(run, anna); err == nil {
		t.Error("got no error for a run that has ended")
	}
}

func TestLettersAreDismissedAndReopenedAtTheDesk(t *testing.T) {
	c := newWorld(t, 2)
	o := c.office()
	ids := []ledger.ID{{Topic: "orders", Offset: 0, Item: -1}, {Topic: "orders", Offset: 1, Item: -1}, {Topic: "orders", Offset: 9, Item: -1}}
	c.entry(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/0/1", Reason: "first"})
	got, err := o.Change(t.Context(), ledger.LetterDismissed, ids, anna)
	if err != nil || len(got) != 3 || !got[0].Counted || got[0].State != fold.Dismissed || got[1].Counted ||
		got[1].First != "dismissed by worker" || got[2].First != "no such letter" {
		t.Errorf("got %+v, %v, want the first letter dismissed, and who was first with the second", got, err)
	}
	got, err = o.Change(t.Context(), ledger.LetterReopened, ids[:1], anna)
	if err != nil || !got[0].Counted || got[0].State != fold.Open {
		t.Errorf("got %+v, %v, want it open again", got, err)
	}
	if _, err := o.Change(t.Context(), ledger.LetterReopened, ids[:1], desk.Signature{By: "anna", Reason: "two\nlines"}); err == nil {
		t.Error("got no error for a reason that the ledger refuses")
	}
	if err := o.Reveal(t.Context(), ids[0], anna); err != nil {
		t.Error(err)
	}
	l, err := o.Letter(t.Context(), ids[0]) // without a wait: the person's next page shows the entry
	if err != nil || l.History[len(l.History)-1].Event != "revealed" || l.History[len(l.History)-1].By != "anna" {
		t.Errorf("got %+v, %v, want a note that anna looked", l.History, err)
	}
}

func TestWorkersArePausedAtTheDesk(t *testing.T) {
	c := newWorld(t, 1)
	o := c.office()
	if err := o.Pause(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	w := o.Workers(t.Context())
	if len(w.Pauses) != 1 || w.Pauses[0].By != "anna" || w.Pauses[0].Via != "desk" || w.Unread != nil || w.Err != nil {
		t.Errorf("got %+v, want anna's pause", w)
	}
	if len(w.Workers) != 1 || w.Workers[0].Err == nil {
		t.Errorf("got %+v, want a worker that does not respond", w.Workers)
	}
	if err := o.Resume(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	if w := o.Workers(t.Context()); len(w.Pauses) != 0 {
		t.Errorf("got %+v, want no pause", w.Pauses)
	}
}

func TestTheDeskKeepsTheLastGoodReadWhileKafkaIsAway(t *testing.T) {
	c := newWorld(t, 3)
	o := c.office()
	c.fake.Close()
	await(t, "the error", func() bool { return reading(o).Err != nil })
	is := reading(o)
	if is.At.IsZero() || states(o)[fold.Open] != 3 {
		t.Errorf("got %+v and %v, want what was read last", is, states(o))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := o.Plan(ctx, view.Filter{}); err == nil {
		t.Error("got a plan, want an error")
	}
}
