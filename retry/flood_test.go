package retry_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"leadhit-sync/retry"
)

const bad, other = "v1:9f2c41d07ab3", "v1:000000000001"

// letters brings letters of so many orders in turn until the guard trips, n at most, and returns how many they were.
func (r *rig) letters(n, orders int, fingerprint string) int {
	for i := range n {
		if !r.MayStore() {
			return i
		}
		r.Letter(r.now, fmt.Sprint("order ", i%orders), fingerprint)
	}
	return n
}

func TestAFloodOfManyOrdersPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*rig)
		want string
	}{
		"100 letters of a new process": {func(r *rig) { r.letters(100, 100, bad) }, retry.HeldByFlood},
		"99 letters":                   {func(r *rig) { r.letters(99, 99, bad) }, ""},
		"one order":                    {func(r *rig) { r.letters(1000, 1, bad) }, ""},
		"19 orders":                    {func(r *rig) { r.letters(1000, 19, bad) }, ""},
		"20 orders":                    {func(r *rig) { r.letters(1000, 20, bad) }, retry.HeldByFlood},
		"orders that nobody knows": {func(r *rig) {
			for range 100 {
				r.Letter(r.now, "", bad)
			}
		}, retry.HeldByFlood},
		"causes of all kinds": {func(r *rig) {
			for i := range 100 {
				r.Letter(r.now, fmt.Sprint("order ", i), fmt.Sprint("v1:", i))
			}
		}, retry.HeldByFlood},
		"every second outcome": {func(r *rig) {
			for i := range 100 {
				r.call(fmt.Sprint("good", i), done())
				r.Letter(r.now, fmt.Sprint("bad", i), bad)
			}
		}, retry.HeldByFlood},
		"every third outcome": {func(r *rig) {
			for i := range 1000 {
				r.calls(2, 2, done())
				r.Letter(r.now, fmt.Sprint("bad", i), bad)
			}
		}, ""},
		"old letters are forgotten": {func(r *rig) {
			r.letters(90, 90, bad)
			r.calls(200, 200, done())
			r.letters(90, 90, bad)
		}, ""},
		"failures are no outcomes": {func(r *rig) {
			r.letters(50, 50, bad)
			r.calls(200, 4, connect())
			r.letters(50, 50, bad)
		}, retry.HeldByFlood},
		"replays do not count": {func(r *rig) {
			r.letters(50, 50, bad)
			for range 200 {
				r.Answered(r.now, "replayed", r.StartReplay(r.now), done())
			}
			r.letters(50, 50, bad)
		}, retry.HeldByFlood},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c.do(r)
			r.wantHeld(c.want)
			if held := c.want != ""; held == r.MayCall(r.now) || held == r.MayStore() || !r.Next(r.now).IsZero() {
				t.Errorf("got may call %v, may store %v, held %v", r.MayCall(r.now), r.MayStore(), held)
			}
		})
	}
}

// TestABadDeployStopsEarly: every call is refused, 64 are in the air.
func TestABadDeployStopsEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	letters := 0
	var air []retry.Pass
	for n := range 5000 {
		for r.MayCall(r.now) {
			air = append(air, r.Start(r.now))
		}
		if len(air) == 0 {
			break
		}
		order := fmt.Sprint("order ", n)
		r.Answered(r.now, order, air[0], retry.Verdict{Kind: retry.DeadLetter, Answered: true})
		r.Letter(r.now, order, bad)
		air = air[1:]
		letters++
	}
	if letters < 100 || letters > 164 {
		t.Errorf("got %d letters, want 100 to 164", letters)
	}
	r.wantHeld(retry.HeldByFlood)
}

// throughTheLedger hands what the guard announces to all.
func throughTheLedger(t *testing.T, from *rig, all ...*rig) retry.Entry {
	t.Helper()
	e, ok := from.Announcement()
	if !ok {
		t.Fatal("got no announcement")
	}
	if _, again := from.Announcement(); again {
		t.Error("got the announcement twice")
	}
	for _, r := range all {
		r.Follow(r.now, e)
	}
	return e
}

func resume() retry.Entry { return retry.Entry{Resume: true, By: "alice"} }

func TestAResumeAcceptsTheCauseAndNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(100, 100, bad)
	throughTheLedger(t, r, r)
	r.pass(time.Hour)
	r.Follow(r.now, resume())
	r.wantHeld("")
	if n := r.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a trip after %d letters of an accepted cause, want none", n)
	}
	if n := r.letters(1000, 1000, other); n != 100 {
		t.Errorf("got a trip after %d letters of another cause, want 100", n)
	}
	r.wantHeld(retry.HeldByFlood)
	throughTheLedger(t, r, r)
	r.Follow(r.now, resume())
	if a, b := r.letters(500, 500, bad), r.letters(500, 500, other); a != 500 || b != 500 {
		t.Errorf("got trips after %d and %d letters of accepted causes, want none", a, b)
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
	r.Follow(r.now, resume())
	if n := r.letters(1000, 1000, other); n != 100 {
		t.Errorf("got a trip after %d letters of the rare cause, want 100", n)
	}
}

func TestAnotherBuildAcceptsNothing(t *testing.T) {
	t.Parallel()
	old, next := newRig(t), newRig(t, func(s *retry.Settings) { s.Build = "1.1+plain" })
	old.letters(100, 100, bad)
	throughTheLedger(t, old, old, next)
	next.wantHeld(retry.HeldByFlood) // all workers of the group pause
	old.Follow(old.now, resume())
	next.Follow(next.now, resume())
	next.wantHeld("")
	if n := next.letters(1000, 1000, bad); n != 100 {
		t.Errorf("got a trip of another build after %d letters, want 100", n)
	}
	if n := old.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a trip of the build that was resumed after %d letters, want none", n)
	}
}

func TestARestartRemembers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.letters(100, 100, bad)
	e, _ := r.Announcement()

	paused := newRig(t)
	paused.Follow(paused.now, e)
	paused.wantHeld(retry.HeldByFlood)
	if s := paused.State(paused.now); s.By != "worker-1" || !s.Since.Equal(e.At) ||
		s.Reason != "100 of the last 200 outcomes were dead letters, of 100 orders" {
		t.Errorf("got %+v, want who, since when and why", s)
	}

	resumed := newRig(t)
	resumed.Follow(resumed.now, e)
	resumed.Follow(resumed.now, resume())
	if n := resumed.letters(1000, 1000, bad); n != 1000 {
		t.Errorf("got a trip after %d letters of a cause that was accepted before the restart, want none", n)
	}
}

func TestTheLedgersOrderDecides(t *testing.T) {
	t.Parallel()
	t.Run("a resume before our entry does not end our trip", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.letters(100, 100, bad)
		e, _ := r.Announcement()
		r.Follow(r.now, resume())
		r.wantHeld(retry.HeldByFlood)
		r.Follow(r.now, e)
		r.wantHeld(retry.HeldByFlood)
		r.Follow(r.now, resume())
		r.wantHeld("")
	})
	t.Run("a trip whose causes were accepted meanwhile is void", func(t *testing.T) {
		t.Parallel()
		a, b := newRig(t), newRig(t, func(s *retry.Settings) { s.Worker = "worker-2" })
		a.letters(100, 100, bad)
		b.letters(100, 100, bad)
		first, _ := a.Announcement()
		late, _ := b.Announcement()
		for _, e := range []retry.Entry{first, resume(), late, late} {
			a.Follow(a.now, e)
			b.Follow(b.now, e)
		}
		a.wantHeld("")
		b.wantHeld("")
		if n := b.letters(50, 50, other); n != 50 || !b.MayStore() {
			t.Errorf("got a trip after %d letters of another cause, want none: the window begins anew", n)
		}
	})
	t.Run("one resume ends all pauses before it", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		for i := range 3 {
			r.Follow(r.now, retry.Entry{By: "alice", At: r.now.Add(time.Duration(i)), Reason: "maintenance"})
		}
		r.wantHeld(retry.HeldByHand)
		if got := r.Pauses(); len(got) != 3 || got[0].Reason != "maintenance" {
			t.Errorf("got %+v, want the three pauses that a resume would end", got)
		}
		r.Follow(r.now, resume())
		r.wantHeld("")
	})
}

func TestWhatWasInTheAirAtATripComesToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	late := r.Start(r.now)
	r.letters(100, 100, bad)
	r.Answered(r.now, "late", late, done())
	r.Letter(r.now, "late", other)
	if e := throughTheLedger(t, r, r); slices.Contains(e.Fingerprints, other) {
		t.Errorf("got the causes %v, want nothing that came later", e.Fingerprints)
	}
	if got := r.State(r.now).InFlight; got != 0 {
		t.Errorf("got %d calls in flight, want 0", got)
	}
}

func TestATripTellsWhoWhenWhyAndWhichCauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(123456789 * time.Nanosecond)
	r.letters(100, 100, bad)
	got, _ := r.Announcement()
	want := retry.Entry{
		At: time.Date(2027, 1, 15, 8, 0, 0, 123e6, time.UTC), By: "worker-1",
		Reason: "100 of the last 200 outcomes were dead letters, of 100 orders",
		Build:  "1.0+plain", Fingerprints: []string{bad},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestALostLedgerIsToldThePausesInForce(t *testing.T) {
	t.Parallel()
	byHand := retry.Entry{By: "alice", At: time.Unix(1_700_000_000, 0), Reason: "migration"}
	flood := retry.Entry{By: "worker-2", At: time.Unix(1_700_000_001, 0), Build: "1.0+plain", Fingerprints: []string{bad}}
	for name, c := range map[string]struct {
		holds []retry.Entry // what the new ledger holds by then
		want  []retry.Entry
		held  string
	}{
		"an empty one":                        {nil, []retry.Entry{byHand, flood}, retry.HeldByHand},
		"one in which another told the first": {[]retry.Entry{byHand}, []retry.Entry{flood}, retry.HeldByHand},
		"one in which others told both":       {[]retry.Entry{flood, byHand}, nil, retry.HeldByFlood},
		"one in which all was resumed from":   {[]retry.Entry{byHand, flood, resume()}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.Follow(r.now, byHand)
			r.Follow(r.now, flood)
			r.LedgerLost()
			for _, e := range c.holds {
				r.Follow(r.now, e)
			}
			r.wantHeld(c.held)
			var got []retry.Entry
			for e, ok := r.Announcement(); ok; e, ok = r.Announcement() {
				got = append(got, e)
				r.Follow(r.now, e)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v announced, want %+v", got, c.want)
			}
			r.Follow(r.now, resume())
			r.wantHeld("")
		})
	}
}
