package retry_test

import (
	"fmt"
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

func ExamplePolicy() {
	backoff := retry.Policy{
		Initial: 500 * time.Millisecond, Max: time.Minute, Random: rand.New(rand.NewPCG(7, 7)),
	}.Backoff()
	for _, ceiling := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		fmt.Println(backoff.Next() <= ceiling)
	}
	// Output:
	// true
	// true
	// true
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
			t.Errorf("try %d: longest wait %v, want just below %v", i+1, most, ceiling)
		}
		if least := slices.Min(w); least < 0 || least > ceiling/50 {
			t.Errorf("try %d: shortest wait %v, want almost none", i+1, least)
		}
		var sum time.Duration
		for _, d := range w {
			sum += d
		}
		if mean := sum / sample; mean < ceiling*46/100 || mean > ceiling*54/100 {
			t.Errorf("try %d: mean wait %v, want about half of %v", i+1, mean, ceiling)
		}
		ceiling = min(2*ceiling, time.Minute)
	}
}

// The library gives up after 15 minutes by default and says so with -1.
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
		t.Errorf("longest wait %v, want almost a minute", longest)
	}
}

func TestTheSameSourceGivesTheSameWaits(t *testing.T) {
	t.Parallel()
	a, b := policy(3).Backoff(), policy(3).Backoff()
	for i := range 100 {
		if x, y := a.Next(), b.Next(); x != y {
			t.Fatalf("wait %d: %v and %v", i, x, y)
		}
	}
}

func TestJitterOfNothingIsNothing(t *testing.T) {
	t.Parallel()
	for _, ceiling := range []time.Duration{0, -time.Second} {
		if got := retry.Jitter(nil, ceiling); got != 0 {
			t.Errorf("%v: got %v, want 0", ceiling, got)
		}
	}
}
