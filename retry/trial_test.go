package retry_test

import (
	"testing"
	"time"

	"leadhit-sync/retry"
)

func TestOnlyTimeInWhichOthersFaredBetterCounts(t *testing.T) {
	t.Parallel()
	type failure struct {
		after, spent time.Duration // since the last failure; of it in its own wait and call
		done, again  uint64        // of others since then
		paused       time.Duration
	}
	minute := time.Minute
	for name, c := range map[string]struct {
		failures []failure
		want     time.Duration
	}{
		"a first failure":                     {[]failure{{}}, 0},
		"others succeed":                      {[]failure{{}, {minute, minute, 5, 0, 0}, {minute, minute, 5, 0, 0}}, 2 * minute},
		"an outage":                           {[]failure{{}, {minute, minute, 0, 5, 0}, {minute, minute, 0, 5, 0}}, 0},
		"half of the others fail":             {[]failure{{}, {minute, minute, 5, 5, 0}}, 0},
		"nobody else calls":                   {[]failure{{}, {minute, minute, 0, 0, 0}}, 0},
		"an outage between":                   {[]failure{{}, {minute, minute, 5, 0, 0}, {10 * minute, 10 * minute, 1, 9, 0}}, minute},
		"a pause":                             {[]failure{{}, {10 * minute, 10 * minute, 5, 0, 9 * minute}}, minute},
		"it waited for a slot":                {[]failure{{}, {10 * minute, 2 * time.Second, 5, 0, 0}}, 2 * time.Second},
		"a pause longer than its own waiting": {[]failure{{}, {10 * minute, minute, 5, 0, 10 * minute}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var trial retry.Trial
			var seen retry.Tally
			var got time.Duration
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			for _, f := range c.failures {
				now = now.Add(f.after)
				seen.Done += f.done
				seen.Again += f.again
				seen.Paused += f.paused
				got = trial.Failed(now, f.spent, seen)
				seen.Again++
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
