package retry_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"leadhit-sync/retry"
)

func policy(seed uint64) retry.Policy {
	return retry.Policy{
		Initial: 500 * time.Millisecond, Max: time.Minute, MaxElapsed: 15 * time.Minute, Random: rand.New(rand.NewPCG(seed, 1)),
	}
}

func TestBackoffDrawsUniformlyBelowACeilingThatDoubles(t *testing.T) {
	t.Parallel()
	const tries, sample = 12, 2000
	waits := make([][]time.Duration, tries)
	for seed := range uint64(sample) {
		b := policy(seed).Backoff()
		for i := range waits {
			waits[i] = append(waits[i], b.Next())
		}
	}
	ceiling := 500 * time.Millisecond
	for i, w := range waits {
		if most := slices.Max(w); most > ceiling || most < ceiling*98/100 {
			t.Errorf("attempt %d: got a longest wait of %v, want just below %v", i+1, most, ceiling)
		}
		if least := slices.Min(w); least < 0 || least > ceiling/50 {
			t.Errorf("attempt %d: got a shortest wait of %v, want almost none", i+1, least)
		}
		var sum time.Duration
		for _, d := range w {
			sum += d
		}
		if mean := sum / sample; mean < ceiling*46/100 || mean > ceiling*54/100 {
			t.Errorf("attempt %d: got a mean wait of %v, want about half of %v", i+1, mean, ceiling)
		}
		ceiling = min(2*ceiling, time.Minute)
	}
}

// By default the library gives up after 15 minutes, and returns -1 from then on.
func TestBackoffNeverGivesUp(t *testing.T) {
	t.Parallel()
	b := policy(1).Backoff()
	longest := time.Duration(0)
	for range 10_000 { // days of waiting
		d := b.Next()
		if d < 0 {
			t.Fatalf("got %v", d)
		}
		longest = max(longest, d)
	}
	if longest < 59*time.Second {
		t.Errorf("got a longest wait of %v, want almost a minute", longest)
	}
}

func TestTheSameSourceGivesTheSameWaits(t *testing.T) {
	t.Parallel()
	a, b := policy(3).Backoff(), policy(3).Backoff()
	for i := range 100 {
		if x, y := a.Next(), b.Next(); x != y {
			t.Fatalf("wait %d: got %v and %v, want the same", i, x, y)
		}
	}
}

func TestACeilingOfNothingNeedsNoRandomNumber(t *testing.T) {
	t.Parallel()
	for _, ceiling := range []time.Duration{0, -time.Second} {
		if got := (retry.Policy{Initial: ceiling, Max: ceiling}).Backoff().Next(); got != 0 {
			t.Errorf("%v: got %v, want 0", ceiling, got)
		}
	}
}

func TestOnlyTimeInWhichOthersSucceededCounts(t *testing.T) {
	t.Parallel()
	type failure struct {
		after, spent time.Duration // since the last failure; the part of it that the order's own wait and call took
		done, again  int           // calls for other orders since then
		paused       time.Duration
	}
	minute := time.Minute
	for name, c := range map[string]struct {
		failures []failure
		want     time.Duration
	}{
		"a first failure": {[]failure{{}}, 0},
		"others succeed": {
			[]failure{{}, {minute, minute, 5, 0, 0}, {minute, minute, 5, 0, 0}}, 2 * minute,
		},
		"an outage":               {[]failure{{}, {minute, minute, 0, 5, 0}, {minute, minute, 0, 5, 0}}, 0},
		"half of the others fail": {[]failure{{}, {minute, minute, 5, 5, 0}}, 0},
		"nobody else calls":       {[]failure{{}, {minute, minute, 0, 0, 0}}, 0},
		"an outage in between": {
			[]failure{{}, {minute, minute, 5, 0, 0}, {10 * minute, 10 * minute, 1, 9, 0}}, minute,
		},
		"a pause": {[]failure{{}, {10 * minute, 10 * minute, 5, 0, 9 * minute}}, minute},
		"it waited for a slot": {[]failure{
			{}, {10 * minute, 2 * time.Second, 5, 0, 0},
		}, 2 * time.Second},
		"a pause longer than its own waiting": {[]failure{{}, {10 * minute, minute, 5, 0, 10 * minute}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			g := retry.NewGovernor(64, 0, nil)
			answer := func(n int, order string, v retry.Verdict) {
				for range n {
					g.Answered(now, order, g.Start(now), v)
				}
			}
			enough := retry.Policy{MaxElapsed: max(c.want, 1)}.Backoff()
			more := retry.Policy{MaxElapsed: c.want + 1}.Backoff()
			var got, tooMuch bool
			for _, f := range c.failures {
				g.Pause(now, f.paused > 0)
				g.Pause(now.Add(f.paused), false)
				now = now.Add(f.after)
				answer(f.done, "good", done())
				answer(f.again, "bad", connect())
				answer(1, "own", connect())
				got, tooMuch = enough.Exhausted(now, f.spent, g), more.Exhausted(now, f.spent, g)
			}
			if got != (c.want > 0) || tooMuch {
				t.Errorf("got exhausted with a limit of %v: %v, of a nanosecond more: %v, want only the former", c.want,
					got, tooMuch)
			}
		})
	}
}

func TestTheLastWaitCountsAsFailing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	g := retry.NewGovernor(64, 0, nil)
	b := retry.Policy{
		Initial: time.Minute, Max: time.Minute, MaxElapsed: time.Second, Random: rand.New(rand.NewPCG(1, 1)),
	}.Backoff()
	g.Answered(now, "own", g.Start(now), connect())
	if b.Exhausted(now, 0, g) {
		t.Error("got exhausted by the first failure")
	}
	now = now.Add(b.Next() + time.Hour) // the order waited for an hour more, but not through its own fault
	g.Answered(now, "good", g.Start(now), done())
	g.Answered(now, "own", g.Start(now), connect())
	if !b.Exhausted(now, 0, g) {
		t.Error("got another attempt, want none: the order has used up its second")
	}
}

func TestAnOrderWithoutALimitIsNeverExhausted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	g := retry.NewGovernor(64, 0, nil)
	b := retry.Policy{}.Backoff()
	for range 10 {
		now = now.Add(time.Hour)
		g.Answered(now, "good", g.Start(now), done())
		g.Answered(now, "own", g.Start(now), connect())
		if b.Exhausted(now, time.Hour, g) {
			t.Fatal("got exhausted without a limit")
		}
	}
}
