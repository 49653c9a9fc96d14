package guard_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/guard"
)

const bad, other = "v1:9f2c41d07ab3", "v1:000000000001"

// rig is a Guard with a clock that the test sets.
type rig struct {
	*guard.Guard
	t   *testing.T
	now time.Time
}

func newRig(t *testing.T, change ...func(*guard.Guard)) *rig {
	t.Helper()
	g := &guard.Guard{Worker: "worker-1", Build: "1.0+plain"}
	for _, c := range change {
		c(g)
	}
	return &rig{Guard: g, t: t, now: time.Unix(1_800_000_000, 0)}
}

// held returns the kind of the pause in force, or "" if there is none.
func (r *rig) held() string {
	e, paused := r.Pause()
	if !paused {
		return ""
	}
	return e.Kind()
}

func (r *rig) wantHeld(want string) {
	r.t.Helper()
	if got := r.held(); got != want {
		r.t.Fatalf("got the pause %q, want %q", got, want)
	}
}

// refuse reports a letter about an order.
func (r *rig) refuse(order, fingerprint string) { r.Refused(r.now, order, fingerprint) }

// accept reports n accepted items.
func (r *rig) accept(n int) {
	for range n {
		r.Accepted()
	}
}

// letters reports up to n letters for the given number of orders in rotation, until the guard pauses. It returns how
// many it reported.
func (r *rig) letters(n, orders int, fingerprint string) int {
	for i := range n {
		if r.held() != "" {
			return i
		}
		r.refuse(fmt.Sprint("order ", i%orders), fingerprint)
	}
	return n
}

func TestAFloodOfManyOrdersPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*rig)
		want string
	}{
		"100 letters of a new process": {func(r *rig) { r.letters(100, 100, bad) }, ledger.Flood},
		"99 letters":                   {func(r *rig) { r.letters(99, 99, bad) }, ""},
		"one order":                    {func(r *rig) { r.letters(1000, 1, bad) }, ""},
		"19 orders":                    {func(r *rig) { r.letters(1000, 19, bad) }, ""},
		"20 orders":                    {func(r *rig) { r.letters(1000, 20, bad) }, ledger.Flood},
		"letters without an order id": {func(r *rig) {
			for range 100 {
				r.refuse("", bad)
			}
		}, ledger.Flood},
		"a cause per letter": {func(r *rig) {
			for i := range 100 {
				r.refuse(fmt.Sprint("order ", i), fmt.Sprint("v1:", i))
			}
		}, ledger.Flood},
		"every second outcome": {func(r *rig) {
			for i := range 100 {
				r.accept(1)
				r.refuse(fmt.Sprint("bad", i), bad)
			}
		}, ledger.Flood},
		"every third outcome": {func(r *rig) {
			for i := range 1000 {
				r.accept(2)
				r.refuse(fmt.Sprint("bad", i), bad)
			}
		}, ""},
		"old letters are forgotten": {func(r *rig) {
			r.letters(90, 90, bad)
			r.accept(200)
			r.letters(90, 90, bad)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c.do(r)
			r.wantHeld(c.want)
		})
	}
}

// throughTheLedger takes the entry that one rig announces, and passes it to every given rig, as the ledger would.
func throughTheLedger(t *testing.T, from *rig, all ...*rig) ledger.Entry {
	t.Helper()
	e, ok := from.Announcement()
	if !ok {
		t.Fatal("got no announcement")
	}
	if _, again := from.Announcement(); again {
		t.Error("got the announcement twice")
	}
	for _, r := range all {
		r.Follow(e)
	}
	return e
}

func resume() ledger.Entry { return ledger.Entry{Event: ledger.GuardResume, By: "alice"} }

func TestAResumeAcceptsTheCauseAndNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(100, 100, bad)
	throughTheLedger(t, r, r)
	r.now = r.now.Add(time.Hour)
	r.Follow(resume())
	r.wantHeld("")
	if n := r.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a pause after %d letters of an accepted cause, want none", n)
	}
	if n := r.letters(1000, 1000, other); n != 100 {
		t.Errorf("got a pause after %d letters of another cause, want 100", n)
	}
	r.wantHeld(ledger.Flood)
	throughTheLedger(t, r, r)
	r.Follow(resume())
	if a, b := r.letters(500, 500, bad), r.letters(500, 500, other); a != 500 || b != 500 {
		t.Errorf("got pauses after %d and %d letters of accepted causes, want none", a, b)
	}
}

func TestARareCauseIsNotAcceptedWithTheFlood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(10, 10, other)
	r.letters(90, 90, bad)
	if e := throughTheLedger(t, r, r); !slices.Equal(e.Fingerprints, []string{bad}) {
		t.Errorf("got the causes %v, want %s alone", e.Fingerprints, bad)
	}
	r.Follow(resume())
	if n := r.letters(1000, 1000, other); n != 100 {
		t.Errorf("got a pause after %d letters of the rare cause, want 100", n)
	}
}

func TestAnotherBuildAcceptsNothing(t *testing.T) {
	t.Parallel()
	old, next := newRig(t), newRig(t, func(g *guard.Guard) { g.Build = "1.1+plain" })
	old.letters(100, 100, bad)
	throughTheLedger(t, old, old, next)
	next.wantHeld(ledger.Flood) // all workers of the group pause
	old.Follow(resume())
	next.Follow(resume())
	next.wantHeld("")
	if n := next.letters(1000, 1000, bad); n != 100 {
		t.Errorf("got a pause of another build after %d letters, want 100", n)
	}
	if n := old.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a pause of the resumed build after %d letters, want none", n)
	}
}

func TestARestartKeepsPausesAndAcceptedCauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(100, 100, bad)
	e, _ := r.Announcement()

	paused := newRig(t)
	paused.Follow(e)
	paused.wantHeld(ledger.Flood)
	if s, _ := paused.Pause(); s.By != "worker-1" || !s.At.Equal(e.At) ||
		s.Reason != "100 of the last 200 items were dead letters, of 100 orders" {
		t.Errorf("got %+v, want who, since when and why", s)
	}

	resumed := newRig(t)
	resumed.Follow(e)
	resumed.Follow(resume())
	if n := resumed.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a pause after %d letters of a cause that was accepted before the restart, want none", n)
	}
}

func TestTheSequenceInTheLedgerDecides(t *testing.T) {
	t.Parallel()
	t.Run("a resume before our entry does not end our pause", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.letters(100, 100, bad)
		e, _ := r.Announcement()
		r.Follow(resume())
		r.wantHeld(ledger.Flood)
		r.Follow(e)
		r.wantHeld(ledger.Flood)
		r.Follow(resume())
		r.wantHeld("")
	})
	t.Run("a pause whose causes were accepted in the meantime is void", func(t *testing.T) {
		t.Parallel()
		a, b := newRig(t), newRig(t, func(g *guard.Guard) { g.Worker = "worker-2" })
		a.letters(100, 100, bad)
		b.letters(100, 100, bad)
		first, _ := a.Announcement()
		late, _ := b.Announcement()
		for _, e := range []ledger.Entry{first, resume(), late, late} {
			a.Follow(e)
			b.Follow(e)
		}
		a.wantHeld("")
		b.wantHeld("")
		if n := b.letters(50, 50, other); n != 50 || b.held() != "" {
			t.Errorf("got a pause after %d letters of another cause, want none: the window is empty after a resume", n)
		}
	})
	t.Run("one resume ends all pauses before it", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		for i := range 3 {
			r.Follow(ledger.Entry{Event: ledger.GuardPause, By: "alice", At: r.now.Add(time.Duration(i)), Reason: "maintenance"})
		}
		r.wantHeld(ledger.ByHand)
		if got := r.Pauses(); len(got) != 3 || got[0].Reason != "maintenance" {
			t.Errorf("got %+v, want the three pauses that a resume would end", got)
		}
		r.Follow(resume())
		r.wantHeld("")
	})
}

func TestOutcomesDuringAPauseDoNotCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(100, 100, bad)
	for i := range 200 { // the outcomes of calls that were in flight
		r.Accepted()
		r.refuse(fmt.Sprint("late ", i), other)
	}
	if e := throughTheLedger(t, r, r); !slices.Equal(e.Fingerprints, []string{bad}) {
		t.Errorf("got the causes %v, want none that came later", e.Fingerprints)
	}
	r.Follow(resume())
	if n := r.letters(1000, 1000, other); n != 100 {
		t.Errorf("got a pause after %d letters of another cause, want 100", n)
	}
}

func TestAPauseSaysWhoWhenWhyAndWhichCauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.now = r.now.Add(123456789 * time.Nanosecond)
	r.letters(100, 100, bad)
	got, _ := r.Announcement()
	want := ledger.Entry{
		Event: ledger.GuardPause, At: time.Date(2027, 1, 15, 8, 0, 0, 123e6, time.UTC), By: "worker-1", Via: "worker",
		Reason: "100 of the last 200 items were dead letters, of 100 orders",
		Build:  "1.0+plain", Fingerprints: []string{bad},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPausesInForceAreAnnouncedToANewLedger(t *testing.T) {
	t.Parallel()
	byHand := ledger.Entry{Event: ledger.GuardPause, By: "alice", Via: "cli", At: time.Unix(1_700_000_000, 0), Reason: "migration"}
	flood := ledger.Entry{Event: ledger.GuardPause, By: "worker-2", Via: "worker", At: time.Unix(1_700_000_001, 0), Build: "1.0+plain", Fingerprints: []string{bad}}
	for name, c := range map[string]struct {
		holds []ledger.Entry // what the new ledger holds when it is first read
		want  []ledger.Entry
		held  string
	}{
		"it is empty":                    {nil, []ledger.Entry{byHand, flood}, ledger.ByHand},
		"another worker wrote the first": {[]ledger.Entry{byHand}, []ledger.Entry{flood}, ledger.ByHand},
		"other workers wrote both":       {[]ledger.Entry{flood, byHand}, nil, ledger.Flood},
		"a resume has ended both":        {[]ledger.Entry{byHand, flood, resume()}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.Follow(byHand)
			r.Follow(flood)
			r.Lost()
			for _, e := range c.holds {
				r.Follow(e)
			}
			r.wantHeld(c.held)
			var got []ledger.Entry
			for e, ok := r.Announcement(); ok; e, ok = r.Announcement() {
				got = append(got, e)
				r.Follow(e)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v announced, want %+v", got, c.want)
			}
			r.Follow(resume())
			r.wantHeld("")
		})
	}
}
