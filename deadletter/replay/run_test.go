package replay_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/replay"
)

// with executes a test while a worker is running.
func with(t *testing.T, letters int, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, letters)
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { w.worker(ctx) })
		w.t = t
		test(w)
		stop()
		done.Wait()
	})
}

// do carries out a run to its end, and fails the test if the run fails.
func do(t *testing.T, r replay.Run, p replay.Plan, topics replay.Topics) replay.Summary {
	t.Helper()
	s, err := r.Do(t.Context(), p, topics)
	if err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	return s
}

// idle waits long enough for the worker to do all that is left.
func (w *world) idle() {
	for range 1000 {
		<-time.After(20 * time.Millisecond)
	}
}

func TestEveryLetterIsReplayedOnceAndAtTheRate(t *testing.T) {
	t.Parallel()
	with(t, 150, func(w *world) {
		t := w.t
		r := w.reader()
		begun := time.Now()
		s := do(t, run("r_1", "alice"), r.plan(t), r)
		took := time.Since(begun)
		if s.Resolved != 150 || s.Stop != "" || s.Done() != 150 || s.Waiting+s.Untouched > 0 {
			t.Errorf("got %+v, want 150 resolved", s)
		}
		if took < 14*time.Second || took > 17*time.Second {
			t.Errorf("got %v, want about 15 s at 10 a second", took)
		}
		starts, ends := w.entries(ledger.RunStart), w.entries(ledger.RunStop)
		if len(starts) != 1 || len(ends) != 1 || starts[0].Count != 150 || starts[0].Filter != "--state open" ||
			starts[0].Reason == "" || ends[0].Why != "done" {
			t.Errorf("got %+v and %+v, want one start and one end", starts, ends)
		}
		areFull(w.t, w.replays())
	})
}

// areFull checks that replays have all fields, and that any 14 in a row span at least a second.
func areFull(t *testing.T, all []ledger.Entry) {
	t.Helper()
	for i, e := range all {
		if e.N != 1 || e.By != "alice" || e.Via != "cli" || e.Group != group || e.Reason == "" || e.Order == "" || e.Force {
			t.Errorf("got %+v, want a full entry", e)
		}
		if i >= 13 && e.At.Sub(all[i-13].At) < time.Second {
			t.Errorf("got 14 entries within %v, want at least 1 s", e.At.Sub(all[i-13].At))
		}
	}
}

func TestLettersAreRequeuedInTheOrderOfPartitionAndOffset(t *testing.T) {
	t.Parallel()
	with(t, 60, func(w *world) {
		t := w.t
		r := w.reader()
		do(t, run("r_1", "alice"), r.plan(t), r)
		for i, next := range w.order[1:] {
			if was := w.order[i]; was.Partition > next.Partition || was.Partition == next.Partition && was.Offset > next.Offset {
				t.Fatalf("got %v before %v, want the order of the ids", was, next)
			}
		}
	})
}

func TestNoMoreThanFiftyLettersAreWithoutAnOutcome(t *testing.T) {
	t.Parallel()
	with(t, 200, func(w *world) {
		t := w.t
		w.dead = true
		r := w.reader()
		one := run("r_1", "alice")
		one.Canary, one.Timeout, one.Rate = 0, time.Minute, 100
		s := do(t, one, r.plan(t), r)
		if s.Stop != "timeout" || s.Waiting != 50 || s.Untouched != 150 || len(w.replays()) != 50 {
			t.Errorf("got %+v, want 50 letters that wait", s)
		}
	})
}

func TestACanaryThatIsRefusedStopsTheRun(t *testing.T) {
	t.Parallel()
	with(t, 30, func(w *world) {
		t := w.t
		w.refuses = func(ledger.ID, int) bool { return true }
		r := w.reader()
		s := do(t, run("r_1", "alice"), r.plan(t), r)
		if s.Stop != "canary" || s.Refused != 1 || s.Untouched != 29 || !strings.Contains(s.Why, "orders/0/0 was refused") {
			t.Errorf("got %+v, want one refused canary", s)
		}
		if ends := w.entries(ledger.RunStop); len(ends) != 1 || !strings.HasPrefix(ends[0].Why, "canary: letter") {
			t.Errorf("got %+v, want an end that says why", ends)
		}
	})
}

func TestACanaryWithoutAnOutcomeStopsTheRunAfterAMinute(t *testing.T) {
	t.Parallel()
	with(t, 30, func(w *world) {
		t := w.t
		w.dead = true
		r := w.reader()
		begun := time.Now()
		s := do(t, run("r_1", "alice"), r.plan(t), r)
		if took := time.Since(begun); s.Stop != "canary" || s.Waiting != 1 || s.Untouched != 29 || took < time.Minute ||
			took > 62*time.Second {
			t.Errorf("got %+v after %v, want a canary that waits", s, took)
		}
	})
}

func TestTooManyRefusalsStopTheRun(t *testing.T) {
	t.Parallel()
	with(t, 300, func(w *world) {
		t := w.t
		// After the first hundred calls, every third is refused.
		w.refuses = func(ledger.ID, int) bool { return len(w.order) > 100 && len(w.order)%3 == 0 }
		r := w.reader()
		s := do(t, run("r_1", "alice"), r.plan(t), r)
		if s.Stop != "breaker" || s.Refused < 10 || s.Refused > 15 || s.Untouched < 100 {
			t.Errorf("got %+v, want a stop at 10 refusals of 50", s)
		}
		w.idle()
		if got := len(w.order); got != s.Planned-s.Untouched {
			t.Errorf("got %d calls, want the rest untouched: %+v", got, s)
		}
	})
}

func TestFewerRefusalsDoNotStopTheRun(t *testing.T) {
	t.Parallel()
	with(t, 100, func(w *world) {
		t := w.t
		w.refuses = func(ledger.ID, int) bool { return len(w.order)%6 == 0 }
		r := w.reader()
		if s := do(t, run("r_1", "alice"), r.plan(t), r); s.Stop != "" || s.Refused != 16 || s.Resolved != 84 {
			t.Errorf("got %+v, want 16 of 100 refused and no stop", s)
		}
	})
}

func TestWithoutWaitingTheRunEndsWhenAllAreRequeued(t *testing.T) {
	t.Parallel()
	with(t, 20, func(w *world) {
		t := w.t
		w.dead = true
		r := w.reader()
		one := run("r_1", "alice")
		one.Canary, one.NoWait = 0, true
		begun := time.Now()
		if s := do(t, one, r.plan(t), r); s.Stop != "" || s.Waiting != 20 || time.Since(begun) > 5*time.Second {
			t.Errorf("got %+v after %v, want 20 letters that wait", s, time.Since(begun))
		}
	})
}

func TestAPlanThatChangedMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	change := func(e ledger.Entry) ledger.Entry {
		e.ID, e.At, e.By, e.Group = "orders/1/4", time.Now(), "bob", group
		return e
	}
	for name, e := range map[string]ledger.Entry{
		"orders/1/4: bob was first with run r_0": {Event: ledger.LetterReplay, N: 1, Run: "r_0"},
		"orders/1/4 is now dismissed":            {Event: ledger.LetterDismissed},
		"orders/1/4 is open, but has changed":    {Event: ledger.LetterOvertaken, Newer: "orders/1/7"},
		"orders/1/4 is now resolved":             {Event: ledger.LetterResolved},
	} {
		with(t, 30, func(w *world) {
			t := w.t
			w.dead = true
			r := w.reader()
			p := r.plan(t)
			w.write(change(e))
			_, err := run("r_1", "alice").Do(t.Context(), p, r)
			changed, ok := errors.AsType[*replay.ChangedError](err)
			if !ok || len(changed.Letters) != 1 || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: got %v, want the letter that changed", name, err)
			}
			if len(w.replays())+len(w.entries(ledger.RunStart)) > 0 {
				t.Errorf("%s: got entries of a refused run", name)
			}
		})
	}
}

func TestALetterThatChangesDuringTheRunIsLeftAlone(t *testing.T) {
	t.Parallel()
	with(t, 60, func(w *world) {
		t := w.t
		r := w.reader()
		one := run("r_1", "alice")
		one.Progress = func(s replay.Summary) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if is, _ := w.view.Find(id(59)); s.Resolved >= 20 && is.Ledger.State == fold.Open {
				w.write(ledger.Entry{Event: ledger.LetterDismissed, ID: id(59).String(), At: time.Now(), By: "bob", Group: group})
			}
		}
		s := do(t, one, r.plan(t), r)
		if s.Resolved != 59 || len(s.Changed) != 1 || s.Changed[0].Is != fold.Dismissed || len(w.replays()) != 59 {
			t.Errorf("got %+v, want the dismissed letter not to be requeued", s)
		}
	})
}

func TestOfTwoOperatorsTheFirstReplaysAndTheSecondIsToldWho(t *testing.T) {
	t.Parallel()
	with(t, 40, func(w *world) {
		alice, bob := w.reader(), w.reader()
		plans := []replay.Plan{alice.plan(w.t), bob.plan(w.t)}
		var sums [2]replay.Summary
		var both sync.WaitGroup
		both.Go(func() { sums[0] = do(w.t, run("r_1", "alice"), plans[0], alice) })
		both.Go(func() { sums[1] = do(w.t, run("r_2", "bob"), plans[1], bob) })
		both.Wait()
		w.calledOnce()
		if sums[0].Resolved+sums[1].Resolved != 40 || sums[0].Others+sums[1].Others < 1 {
			w.t.Errorf("got %+v and %+v, want each letter in one of them", sums[0], sums[1])
		}
		saysWho(w.t, sums[0], "bob was first with run r_2")
		saysWho(w.t, sums[1], "alice was first with run r_1")
	})
}

// saysWho checks that all 40 letters are in a summary, and that the summary says who replays the letters that the run
// does not.
func saysWho(t *testing.T, s replay.Summary, who string) {
	t.Helper()
	for _, c := range s.Changed {
		if !strings.Contains(c.String(), who) {
			t.Errorf("got %v, want it to say that %s", c, who)
		}
	}
	if s.Resolved+len(s.Changed) != 40 || s.Stop != "" {
		t.Errorf("got %+v, want all letters in it", s)
	}
}

// A kill is modelled as a write that fails: its entry may or may not be stored, and all later writes fail.
func TestARunThatIsKilledIsFinishedByTheSameRunAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		with(t, 60, func(w *world) {
			dice := rand.New(rand.NewPCG(seed, 1))
			for attempt := 0; w.left() > 0; attempt++ {
				w.killedLater(dice.IntN(30), dice.IntN(2) == 0)
				r := w.reader()
				p := r.plan(w.t)
				s, err := run("r_"+string(rune('a'+attempt)), "alice").Do(w.t.Context(), p, r)
				if err == nil && s.Stop != "" || attempt > 25 {
					w.t.Fatalf("seed %d: got %+v in attempt %d, want a kill or the end", seed, s, attempt)
				}
				// The same command follows at once, or after the worker has done everything.
				if dice.IntN(2) == 0 {
					w.idle()
				}
			}
			w.idle()
			w.calledOnce()
		})
	}
}

// left returns the number of letters that a run would requeue.
func (w *world) left() int { return len(w.reader().plan(w.t).Letters) }

func TestAnInterruptedRunSaysWhatEndsWithoutIt(t *testing.T) {
	t.Parallel()
	with(t, 60, func(w *world) {
		t := w.t
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r := w.reader()
		one := run("r_1", "alice")
		one.Progress = func(s replay.Summary) {
			if s.Resolved >= 20 {
				stop()
			}
		}
		s, err := one.Do(ctx, r.plan(t), r)
		if err != nil || s.Stop != replay.Interrupted || s.Untouched < 30 || s.Done()+s.Waiting+s.Untouched != 60 {
			t.Errorf("got %+v and %v, want an interrupted run", s, err)
		}
		if ends := w.entries(ledger.RunStop); len(ends) != 1 || !strings.HasPrefix(ends[0].Why, "interrupted") {
			t.Errorf("got %+v, want an end", ends)
		}
		w.idle()
		if got := len(w.order); got != 60-s.Untouched {
			t.Errorf("got %d calls, want those that were requeued: %+v", got, s)
		}
	})
}

func TestALedgerThatCannotBeWrittenEndsTheRunAtOnce(t *testing.T) {
	t.Parallel()
	with(t, 30, func(w *world) {
		t := w.t
		w.broken = func(ledger.Entry) error { return errKafka }
		r := w.reader()
		s, err := run("r_1", "alice").Do(t.Context(), r.plan(t), r)
		if !errors.Is(err, errKafka) || s.Untouched != 30 || s.Waiting != 0 || len(w.order) > 0 {
			t.Errorf("got %+v and %v, want no letter requeued", s, err)
		}
	})
}

func TestNamesOfRunsSortByTime(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 1))
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	last := ""
	for range 1000 {
		name := replay.NewID(at, dice)
		if name <= last || len(name) != 12 {
			t.Fatalf("got %q after %q, want a later name of 12 characters", name, last)
		}
		last, at = name, at.Add(10*time.Millisecond)
	}
}
