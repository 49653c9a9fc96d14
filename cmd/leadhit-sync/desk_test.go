package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/office"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

func TestTheDeskServesPagesUntilItIsStopped(t *testing.T) {
	node := installed(t)
	t.Setenv("DESK_ADDR", "127.0.0.1:0")
	f := followed(t, "run")
	await(t, "both calls", func() bool { return node.Count() == 2 })
	await(t, "the letter", func() bool { return len(letterIDs(t)) == 1 })
	d := followed(t, "desk", "--workers", "127.0.0.1:1")
	d.until(`"msg":"listening"`)
	_, addr, _ := strings.Cut(d.said.String(), `"addr":"`)
	addr, _, _ = strings.Cut(addr, `"`)
	await(t, "the letter on the page", func() bool { return strings.Contains(page(t, "http://"+addr+"/letters"), "ValidationError") })
	if got := page(t, "http://"+addr+"/orders?id=4712"); !strings.Contains(got, "orders/1/0") {
		t.Errorf("got %s, want the event of the order", got)
	}
	code, said := d.end()
	if code != 0 || !strings.Contains(said, `"msg":"stopped"`) || strings.Contains(said, key) {
		t.Errorf("got exit code %d and\n%s\nwant 0, the last word and no key", code, said)
	}
	f.end()
}

func page(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s, %v, want 200\n%s", url, answer.Status, err, body)
	}
	return string(body)
}

// officeOf runs the desk's work on a cluster with letters.
func officeOf(t *testing.T) *office.Office {
	t.Helper()
	settings, err := config.LoadKafka()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := worker.OpenCluster(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a := accessTo(settings, cluster, new(terminal.Notice))
	a.Answered = nil
	if a.Mapping, err = mapping.Load(mapping.Options{Source: "plain", Topics: a.Topics}); err != nil {
		t.Fatal(err)
	}
	o := office.New(office.Settings{
		Access: a, Log: slog.New(slog.DiscardHandler),
		Workers: func(context.Context) ([]string, error) { return []string{"http://127.0.0.1:1/status"}, nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = o.Run(ctx) })
	t.Cleanup(func() {
		stop()
		done.Wait()
		cluster.Close()
	})
	await(t, "the first read", func() bool { return !o.Look(func(*view.View) {}).At.IsZero() })
	return o
}

var anna = desk.Signature{By: "anna", Reason: "the mapping is fixed"}

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
	c := withLettersOf(t, 12)
	c.worker()
	o := officeOf(t)
	before := o.Look(func(*view.View) {})
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
	await(t, "the end of the run", func() bool { return len(o.Look(func(*view.View) {}).Running) == 0 })
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
	c := withLettersOf(t, 40)
	c.worker()
	o := officeOf(t)
	p, err := o.Plan(t.Context(), view.Filter{States: []fold.State{fold.Open}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := o.Start(t.Context(), p, desk.Options{Rate: 10, Canary: 1}, anna)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Look(func(*view.View) {}).Running; !slices.Contains(got, run) {
		t.Errorf("got %v running, want %s", got, run)
	}
	await(t, "some calls", func() bool { return c.called() > 2 })
	if err := o.Stop(run, desk.Signature{By: "bob"}); err != nil {
		t.Error(err)
	}
	await(t, "the end of the run", func() bool { return len(o.Look(func(*view.View) {}).Running) == 0 })
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
	c := withLettersOf(t, 2)
	o := officeOf(t)
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
	await(t, "the note that anna looked", func() bool {
		l, err := o.Letter(t.Context(), ids[0])
		return err == nil && l.History[len(l.History)-1].Event == "revealed" && l.History[len(l.History)-1].By == "anna"
	})
}

func TestWorkersArePausedAtTheDesk(t *testing.T) {
	withLettersOf(t, 1)
	o := officeOf(t)
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
	c := withLettersOf(t, 3)
	o := officeOf(t)
	c.fake.Close()
	await(t, "the error", func() bool { return o.Look(func(*view.View) {}).Err != nil })
	is := o.Look(func(*view.View) {})
	if is.At.IsZero() || states(o)[fold.Open] != 3 {
		t.Errorf("got %+v and %v, want what was read last", is, states(o))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := o.Plan(ctx, view.Filter{}); err == nil {
		t.Error("got a plan, want an error")
	}
}
