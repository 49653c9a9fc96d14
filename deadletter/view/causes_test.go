package view_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

func TestCausesGroupLettersByFingerprint(t *testing.T) {
	t.Parallel()
	var w topics
	for i := range int64(5) {
		w.letter(letter(i, func(l *deadletter.Letter) {
			switch i {
			case 1:
				l.OrderID, l.Version = "4712", "1.10.0"
			case 2:
				l.Cause = "NotJSON"
			case 3:
				l.OrderID = ""
			}
		}))
	}
	w.entry(about(ledger.LetterDismissed, 0, 0))
	w.entry(about(ledger.LetterReplay, 4, 1))
	v := w.view()
	v.Retention = time.Hour
	all := v.Causes(view.Filter{}, hour.Add(48*time.Hour))
	if len(all) != 2 || all[1].Name != "NotJSON" || all[1].Letters != 1 {
		t.Fatalf("got %+v, want two causes, the one with more open letters first", all)
	}
	all[0].Fingerprint = ""
	want := view.Cause{
		Name: "ValidationError", Stage: deadletter.StageCall, Message: "Possible statuses: paid, submitted", Code: -32000,
		Trend: "ongoing", Letters: 4, Orders: 2,
		States: map[fold.State]int{fold.Open: 2, fold.Dismissed: 1, fold.Requeued: 1},
		First:  hour, Last: hour.Add(4 * time.Minute),
		Expires:  hour.Add(time.Minute + time.Second + time.Hour), // the dismissed one does not count
		Versions: []string{"1.9.0+3fa2c1d", "1.10.0"},
	}
	if !reflect.DeepEqual(all[0], want) {
		t.Errorf("got %+v\nwant %+v", all[0], want)
	}
	open := v.Causes(view.Filter{States: []fold.State{fold.Open}, Orders: []string{"4712"}}, hour)
	if len(open) != 1 || open[0].Letters != 1 {
		t.Errorf("got %+v, want the one letter that matches", open)
	}
}

func TestACauseIsNewRegressedOrOngoing(t *testing.T) {
	t.Parallel()
	resolve := func(w *topics, at time.Time) {
		replay, resolved := about(ledger.LetterReplay, 0, 1), about(ledger.LetterResolved, 0, 1)
		replay.At, resolved.At = at, at
		w.entry(replay)
		w.entry(resolved)
	}
	failed := func(at time.Time) func(*deadletter.Letter) {
		return func(l *deadletter.Letter) { l.FailedAt = at }
	}
	for name, c := range map[string]struct {
		topics func(*topics)
		now    time.Time
		want   view.Trend
	}{
		"within a day": {func(*topics) {}, hour.Add(24*time.Hour - 1), view.TrendNew},
		"after a day":  {func(*topics) {}, hour.Add(24 * time.Hour), "ongoing"},
		"resolved":     {func(w *topics) { resolve(w, hour.Add(time.Hour)) }, hour.Add(72 * time.Hour), "ongoing"},
		"failed within a day of the resolution": {func(w *topics) {
			resolve(w, hour.Add(time.Hour))
			w.letter(letter(1, failed(hour.Add(25*time.Hour-1))))
		}, hour.Add(72 * time.Hour), "ongoing"},
		"failed a day later": {func(w *topics) {
			resolve(w, hour.Add(time.Hour))
			w.letter(letter(1, failed(hour.Add(25*time.Hour))))
		}, hour.Add(72 * time.Hour), "regressed"},
		"another one stayed open": {func(w *topics) {
			w.letter(letter(1))
			resolve(w, hour.Add(time.Hour))
			w.letter(letter(2, failed(hour.Add(50*time.Hour))))
		}, hour.Add(72 * time.Hour), "ongoing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w topics
			w.letter(letter(0))
			c.topics(&w)
			// The filter chooses what is counted; the trend is about all letters of the cause.
			causes := w.view().Causes(view.Filter{IDs: []ledger.ID{idOf(0), idOf(1)}}, c.now)
			if len(causes) != 1 || causes[0].Trend != c.want {
				t.Errorf("got %+v, want one cause, %s", causes, c.want)
			}
		})
	}
}

func TestARunCountsTheOutcomesOfItsReplays(t *testing.T) {
	t.Parallel()
	var w topics
	in := func(run string, e ledger.Entry) ledger.Entry { e.Run = run; return e }
	for i := range int64(7) {
		w.letter(letter(i))
	}
	w.entry(ledger.Entry{Event: ledger.RunStart, Group: "shop", Run: "r1", Filter: "--state open", Count: 7, Reason: "fixed"})
	for i := range int64(7) {
		w.entry(in("r1", about(ledger.LetterReplay, i, 1)))
	}
	w.entries = append(w.entries, w.entries[1]) // a retried write
	lost := in("r2", about(ledger.LetterReplay, 0, 1))
	lost.By = "bob"
	w.entry(lost)
	w.entry(about(ledger.LetterResolved, 0, 1))
	w.entry(about(ledger.LetterSuperseded, 1, 1))
	w.entry(about(ledger.LetterFailed, 2, 1))
	w.letter(letter(3, func(l *deadletter.Letter) { l.ReplayCount = 1 }))
	w.entry(about(ledger.LetterDismissed, 3, 1)) // after it was refused again
	w.entry(about(ledger.LetterDismissed, 4, 1)) // while it waited
	w.entry(about(ledger.LetterDismissed, 5, 1))
	w.entry(about(ledger.LetterResolved, 5, 1)) // its call was sent before the letter was dismissed
	w.entry(ledger.Entry{Event: ledger.RunStop, Group: "shop", Run: "r1", Why: "interrupted"})
	w.entry(ledger.Entry{Event: ledger.RunStart, Group: "billing", Run: "r9"})
	runs := w.view().Runs()
	want := []view.Run{
		{
			Name: "r1", By: "alice", Reason: "fixed", Filter: "--state open", Count: 7, Why: "interrupted", Asked: 7, Waiting: 1,
			Resolved: 2, Superseded: 1, Refused: 1, Failed: 1, Dismissed: 1,
		},
		{Name: "r2", Lost: 1},
	}
	for i := range runs {
		runs[i].Started, runs[i].Stopped = time.Time{}, time.Time{}
	}
	if !slices.Equal(runs, want) {
		t.Errorf("got %+v\nwant %+v", runs, want)
	}
}
