package replay_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

// says appends an entry about a letter, before a plan is made.
func (w *world) says(what ledger.Event, letter ledger.ID, n int) {
	w.write(ledger.Entry{
		Event: what, ID: letter.String(), N: n, At: time.Now(), By: "bob", Group: group, Run: "r_0", Newer: "orders/0/99",
	})
}

// classified returns a world with a letter of every class, at offsets in the order of the classes.
func classified(t *testing.T) (*world, map[replay.Class]ledger.ID) {
	t.Helper()
	w := newWorld(t, 0)
	of := map[replay.Class]ledger.ID{}
	for i, class := range replay.Classes() {
		of[class] = ledger.ID{Topic: "orders", Partition: 0, Offset: int64(i), Item: ledger.NoItem}
		l := deadletter.Letter{}
		if class == "foreign" {
			l.Group = "other"
		}
		if class == "order-unknown" {
			l.OrderID = "none"
		}
		if class == "expired" {
			l.Omitted = &deadletter.Digest{Size: 1}
		}
		w.store(of[class], 0, l)
	}
	w.says(ledger.LetterOvertaken, of[replay.Superseded], 0)
	w.says(ledger.LetterReplay, of[replay.Requeued], 1)
	w.says(ledger.LetterResolved, of[replay.Resolved], 0)
	w.says(ledger.LetterDismissed, of["dismissed"], 0)
	for n := 1; n <= 3; n++ {
		w.says(ledger.LetterReplay, of["over-max"], n)
		w.says(ledger.LetterFailed, of["over-max"], n)
	}
	return w, of
}

func TestAPlanClassifiesEveryLetter(t *testing.T) {
	t.Parallel()
	w, of := classified(t)
	p := w.reader().plan(t)
	for class, id := range of {
		all := slices.Concat(p.Letters, p.Left)
		i := slices.IndexFunc(all, func(l replay.Planned) bool { return l.ID == id })
		if i < 0 || all[i].Class != class || p.Counts[class] != 1 {
			t.Errorf("got %+v, want %v to be %s", p, id, class)
		}
	}
	if len(p.Letters) != 1 || p.Letters[0].Force {
		t.Errorf("got %+v, want one ready letter without force", p.Letters)
	}
}

func TestForceReplaysWhatNobodyHasClosed(t *testing.T) {
	t.Parallel()
	w, of := classified(t)
	w.says(ledger.LetterReplay, ledger.ID{Topic: "orders", Partition: 1, Item: ledger.NoItem}, 1) // an unknown letter
	closed := ledger.ID{Topic: "orders", Partition: 1, Offset: 1, Item: ledger.NoItem}
	w.store(closed, 0, deadletter.Letter{})
	w.says(ledger.LetterReplay, closed, 1)
	w.says(ledger.LetterSuperseded, closed, 1)
	p := w.reader().plan(t, func(l *replay.Limits) { l.Force = true })
	forced := map[ledger.ID]bool{of[replay.Superseded]: true, of["order-unknown"]: true, of[replay.Ready]: false}
	if len(p.Letters) != len(forced) {
		t.Fatalf("got %+v, want %d letters", p.Letters, len(forced))
	}
	for _, l := range p.Letters {
		if force, ok := forced[l.ID]; !ok || l.Force != force {
			t.Errorf("got %+v, want force %v", l, force)
		}
	}
	if p.Counts[replay.Superseded] != 1 {
		t.Errorf("got %v, want the closed letter to stay superseded", p.Counts)
	}
}

func TestAPlanSaysWhyALetterCannotBeReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	for _, topic := range []string{"old", "orders"} {
		w.store(ledger.ID{Topic: topic, Partition: 7, Item: ledger.NoItem}, 0, deadletter.Letter{})
	}
	p := w.reader().plan(t, func(l *replay.Limits) { l.Horizon = 1 })
	got := map[string]string{}
	for _, l := range p.Left {
		got[l.ID.String()] = string(l.Class) + ": " + l.Why
	}
	for id, want := range map[string]string{
		"old/7/0":    "foreign: the group does not consume its topic",
		"orders/7/0": "foreign: the group does not consume its topic and partition",
		"orders/0/0": "order-unknown: it is so old",
	} {
		if !strings.HasPrefix(got[id], want) {
			t.Errorf("%s: got %q, want %q", id, got[id], want)
		}
	}
}

func TestIdsWithoutALetterHaveExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	r := w.reader()
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := []ledger.ID{id(1), {Topic: "orders", Offset: 77, Item: ledger.NoItem}, {Topic: "orders", Offset: 77, Item: ledger.NoItem}}
	p := replay.NewPlan(r.view.Letters(view.Filter{IDs: ids}), ids, replay.Limits{
		Group: group, Most: 10, MaxReplays: 3, Consumed: func(event.Partition) bool { return true },
	})
	if len(p.Letters) != 1 || p.Counts["expired"] != 1 || len(p.Left) != 1 {
		t.Errorf("got %+v, want one letter and one that expired", p)
	}
}

func TestAPlanKeepsToItsLimitAndCountsTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30)
	p := w.reader().plan(t, func(l *replay.Limits) { l.Most = 10 })
	if len(p.Letters) != 10 || p.Counts[replay.Ready] != 30 || len(p.Orders()) != 10 {
		t.Errorf("got %d letters and %v, want 10 of 30", len(p.Letters), p.Counts)
	}
}

func TestAPlanAppliesTodaysMappingAsTheWorkerDoes(t *testing.T) {
	t.Parallel()
	call := func(order, status string) event.Item {
		return event.Item{Action: event.Call, OrderID: order, Status: status}
	}
	for name, c := range map[string]struct {
		item  int
		order string
		items []event.Item
		want  event.Item
		same  bool
	}{
		"the same call":    {ledger.NoItem, "1", []event.Item{call("1", "paid")}, call("1", "paid"), true},
		"another status":   {ledger.NoItem, "1", []event.Item{call("1", "submitted")}, call("1", "submitted"), false},
		"of several":       {1, "2", []event.Item{call("1", "paid"), call("2", "x")}, call("2", "x"), false},
		"ignored now":      {ledger.NoItem, "1", []event.Item{{Action: event.Ignore}}, event.Item{Action: event.Ignore}, false},
		"an unknown order": {ledger.NoItem, "", []event.Item{call("1", "x")}, call("1", "x"), false},
	} {
		p := replay.Planned{Status: fold.Status{Letter: fold.Letter{ID: ledger.ID{Item: c.item}, Order: c.order}}}
		p.Stage, p.Text = deadletter.StageCall, "paid"
		if p.Map(c.items); *p.Becomes != c.want || p.Same() != c.same {
			t.Errorf("%s: got %+v and %v, want %+v and %v", name, *p.Becomes, p.Same(), c.want, c.same)
		}
	}
	for name, items := range map[string][]event.Item{
		"another order": {call("9", "paid")}, "several orders": {call("1", "paid"), call("9", "paid")}, "none": nil,
	} {
		p := replay.Planned{Status: fold.Status{Letter: fold.Letter{ID: ledger.ID{Item: ledger.NoItem}, Order: "1"}}}
		if p.Map(items); p.Becomes.Cause != "CannotTell" {
			t.Errorf("%s: got %+v, want the cause CannotTell", name, *p.Becomes)
		}
	}
}
