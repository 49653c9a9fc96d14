package retry_test

import (
	"testing"
	"time"

	"leadhit-sync/retry"
)

const seeds = 10

// outages are ways to be down.
func outages(s *queueServer) map[string]func(func(retry.Verdict)) {
	soon := func(v retry.Verdict) func(func(retry.Verdict)) {
		return func(answer func(retry.Verdict)) { s.after(time.Millisecond, func() { answer(v) }) }
	}
	return map[string]func(func(retry.Verdict)){
		"refuses connections": soon(retry.Verdict{Cause: "Connect"}),
		"says 503":            soon(retry.Verdict{Cause: "HTTP 503", Code: 503}),
		"says nothing":        func(func(retry.Verdict)) {},
	}
}

// TestAnOutageCostsFewCallsAndNoRepeats: 200 orders at work on a server of 150 calls a second that is down for ten minutes
// and serves 50/s in the first minute afterwards.
func TestAnOutageCostsFewCallsAndNoRepeats(t *testing.T) {
	t.Parallel()
	for name := range outages(nil) {
		for _, inFlight := range []int{64, 200} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				worst := outage{}
				for seed := range uint64(seeds) {
					worst.add(runOutage(t, name, seed, inFlight))
				}
				t.Logf("%d in flight, worst of %d runs: %+v", inFlight, seeds, worst)
			})
		}
	}
}

// outage is what one cost.
type outage struct {
	calls, repeats, longest int
	firstSuccess            time.Duration // after its end
	drained                 time.Duration // until as much was done as if it had not been
}

func (o *outage) add(p outage) {
	o.calls, o.repeats, o.longest = max(o.calls, p.calls), max(o.repeats, p.repeats), max(o.longest, p.longest)
	o.firstSuccess, o.drained = max(o.firstSuccess, p.firstSuccess), max(o.drained, p.drained)
}

func runOutage(t *testing.T, kind string, seed uint64, inFlight int) outage {
	t.Helper()
	const begins, ends, warm, over = time.Minute, 11 * time.Minute, 12 * time.Minute, 15 * time.Minute
	c := newClient(t, seed, inFlight)
	s := &queueServer{world: c.world, perSecond: 150}
	c.server, c.again = s, true
	for order := range 200 {
		c.add(order)
	}
	c.after(begins, func() { s.crash(outages(s)[kind]) })
	c.after(ends, func() { s.down, s.perSecond, s.working = nil, 50, false })
	c.after(warm, func() { s.perSecond = 150 })
	c.until(over)

	first, ok := firstFrom(c.done, ends)
	got := outage{within(c.begun, begins, ends), c.unanswered, s.longest, first - ends, 0}
	if got.calls > 100 {
		t.Errorf("seed %d: got %d calls in the outage, want at most 100", seed, got.calls)
	}
	if !ok || got.firstSuccess > 35*time.Second {
		t.Errorf("seed %d: got the first success %v after the outage, want at most 35s", seed, got.firstSuccess)
	}
	if got.repeats != 0 {
		t.Errorf("seed %d: got %d calls done but not heard of, want 0", seed, got.repeats)
	}
	// The server is never idle again, once it is warm.
	if n, all := within(c.done, warm+time.Minute, over), int(150*(over-warm-time.Minute).Seconds()); n < all*98/100 {
		t.Errorf("seed %d: got %d calls done after the outage, want about %d", seed, n, all)
	}
	return got
}

// TestABacklogUsesABudgetOfCallsASecond: a ten-minute outage left a backlog of 20 orders a second; then the server takes 50
// calls a second, 10 at once.
func TestABacklogUsesABudgetOfCallsASecond(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond} {
		for name, atOnce := range map[string]bool{"refuses late": false, "refuses at once": true} {
			for _, backlog := range []int{2000, 12000} {
				t.Run(latency.String()+" "+name, func(t *testing.T) {
					t.Parallel()
					refused, used := 0.0, 1.0
					for seed := range uint64(seeds) {
						r, u := runBacklog(t, seed, backlog, latency, atOnce)
						refused, used = max(refused, r), min(used, u)
					}
					t.Logf("backlog of %d, worst of %d runs: %.1f %% refused, %.1f %% used", backlog, seeds, 100*refused, 100*used)
					if refused > 0.1 {
						t.Errorf("got %.1f %% of the calls refused, want at most 10 %%", 100*refused)
					}
					if used < 0.8 {
						t.Errorf("got %.1f %% of the budget used, want at least 80 %%", 100*used)
					}
				})
			}
		}
	}
}

func runBacklog(t *testing.T, seed uint64, backlog int, latency time.Duration, atOnce bool) (refused, used float64) {
	t.Helper()
	const ends = 10 * time.Minute
	c := newClient(t, seed, 64)
	down := &queueServer{world: c.world}
	down.down = outages(down)["refuses connections"]
	c.server = down
	for order := range backlog {
		c.after(ends*time.Duration(order)/time.Duration(backlog), func() { c.add(order) })
	}
	c.after(ends, func() {
		c.server = &bucketServer{world: c.world, perSecond: 50, burst: 10, latency: latency, refusesAtOnce: atOnce, tokens: 10, filled: c.now}
	})
	c.until(2 * time.Hour)
	if len(c.done) != backlog {
		t.Fatalf("seed %d: got %d orders done, want %d", seed, len(c.done), backlog)
	}
	// The last few wait for their backoff, not for the budget.
	from, to := c.done[0], c.done[backlog*99/100]
	calls := within(c.begun, from, 2*time.Hour)
	return float64(c.refused) / float64(calls), float64(backlog*99/100) / (50 * (to - from).Seconds())
}

func TestACapBySettingIsNeverExceeded(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1, 64)
	c.governor = retry.NewGovernor(retry.Settings{CallsInFlight: 64, CallsPerSecond: 30, Random: c.random})
	c.server = &queueServer{world: c.world, perSecond: 1000}
	for order := range 1000 {
		c.add(order)
	}
	c.until(20 * time.Second)
	for s := range 20 {
		from := time.Duration(s) * time.Second
		if n := within(c.begun, from, from+time.Second); n < 29 || n > 31 {
			t.Errorf("second %d: got %d calls, want 30", s, n)
		}
	}
}
