package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

const seeds = 6

// outages returns the ways in which a server that is down may treat a call, by name.
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

// TestAnOutageInWhichCallsTimeOutCostsOneRoundOfThem: when LeadHit falls silent, the calls in flight time out too.
func TestAnOutageInWhichCallsTimeOutCostsOneRoundOfThem(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second} {
		for _, perSecond := range []int{20, 100} {
			t.Run(fmt.Sprint(timeout, " at ", perSecond, " orders a second"), func(t *testing.T) {
				t.Parallel()
				worst := outage{}
				for seed := range uint64(20) {
					worst.add(runSilence(t, seed, timeout, perSecond))
				}
				t.Logf("worst of 20 runs: %+v", worst)
			})
		}
	}
}

func runSilence(t *testing.T, seed uint64, timeout time.Duration, perSecond int) outage {
	t.Helper()
	const begins, ends = 10 * time.Second, 10*time.Second + 10*time.Minute
	c := newClient(t, seed, 64)
	c.timeout = timeout
	s := &queueServer{world: c.world, perSecond: 1000}
	c.server = s
	for order := range perSecond * 60 { // more than enough to fill all slots
		c.after(time.Duration(order)*time.Second/time.Duration(perSecond), func() { c.add(order) })
	}
	c.after(begins, func() { s.down = func(func(retry.Verdict)) {} })
	c.after(ends, func() { s.down, s.working = nil, false })
	c.until(ends + 40*time.Second)
	first, ok := firstFrom(c.done, ends)
	got := outage{calls: within(c.begun, begins, ends), firstSuccess: first - ends}
	if got.calls > 100 {
		t.Errorf("seed %d: got %d calls in an outage of ten minutes, want at most 100", seed, got.calls)
	}
	if !ok || got.firstSuccess > 35*time.Second {
		t.Errorf("seed %d: got the first success %v after the outage, want at most 35s", seed, got.firstSuccess)
	}
	return got
}

// TestAnOutageCostsFewCallsAndNoRepeats: each of 200 orders needs one call after another, and the server can serve 150
// calls a second. It is down for ten minutes, and serves 50 a second in the first minute afterwards.
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

// outage holds the costs of one outage, or the highest costs of several.
type outage struct {
	calls, repeats, longest int
	firstSuccess            time.Duration // after the outage's end
}

func (o *outage) add(p outage) {
	o.calls, o.repeats, o.longest = max(o.calls, p.calls), max(o.repeats, p.repeats), max(o.longest, p.longest)
	o.firstSuccess = max(o.firstSuccess, p.firstSuccess)
}

func runOutage(t *testing.T, kind string, seed uint64, inFlight int) outage {
	t.Helper()
	const begins, ends, warm, over = time.Minute, 11 * time.Minute, 12 * time.Minute, 14 * time.Minute
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
	got := outage{within(c.begun, begins, ends), c.unanswered, s.longest, first - ends}
	if got.calls > 100 {
		t.Errorf("seed %d: got %d calls in the outage, want at most 100", seed, got.calls)
	}
	if !ok || got.firstSuccess > 35*time.Second {
		t.Errorf("seed %d: got the first success %v after the outage, want at most 35s", seed, got.firstSuccess)
	}
	if got.repeats != 0 {
		t.Errorf("seed %d: got %d calls done without a response in time, want 0", seed, got.repeats)
	}
	// Once the server is warm, it is never idle.
	if n, all := within(c.done, warm+time.Minute, over), int(150*(over-warm-time.Minute).Seconds()); n < all*98/100 {
		t.Errorf("seed %d: got %d calls done after the outage, want about %d", seed, n, all)
	}
	return got
}

// TestABacklogUsesABudgetOfCallsASecond: an outage of ten minutes leaves a backlog. Then the server accepts 50 calls a
// second, with bursts of up to 10.
func TestABacklogUsesABudgetOfCallsASecond(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]backlog{
		"2000 orders, 20 ms":                    {orders: 2000, latency: 20 * time.Millisecond},
		"12000 orders, 20 ms":                   {orders: 12000, latency: 20 * time.Millisecond},
		"2000 orders, 20 ms, refused at once":   {orders: 2000, latency: 20 * time.Millisecond, atOnce: true},
		"12000 orders, 20 ms, refused at once":  {orders: 12000, latency: 20 * time.Millisecond, atOnce: true},
		"2000 orders, 300 ms":                   {orders: 2000, latency: 300 * time.Millisecond},
		"12000 orders, 300 ms":                  {orders: 12000, latency: 300 * time.Millisecond},
		"2000 orders, 300 ms, refused at once":  {orders: 2000, latency: 300 * time.Millisecond, atOnce: true},
		"12000 orders, 300 ms, refused at once": {orders: 12000, latency: 300 * time.Millisecond, atOnce: true},
		// The limit is wide open: all calls that may be in flight go out at once.
		"12000 orders, 20 ms, no outage before":  {orders: 12000, latency: 20 * time.Millisecond, noOutage: true},
		"12000 orders, 300 ms, no outage before": {orders: 12000, latency: 300 * time.Millisecond, noOutage: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused, used := 0.0, 1.0
			for seed := range uint64(seeds) {
				r, u := b.run(t, seed)
				refused, used = max(refused, r), min(used, u)
			}
			t.Logf("worst of %d runs: %.1f %% refused, %.1f %% of the budget used", seeds, 100*refused, 100*used)
			if refused > 0.1 {
				t.Errorf("got %.1f %% of the calls refused, want at most 10 %%", 100*refused)
			}
			if used < 0.8 {
				t.Errorf("got %.1f %% of the budget used, want at least 80 %%", 100*used)
			}
		})
	}
}

// backlog describes the orders that wait, and how the server treats their calls.
type backlog struct {
	orders           int
	latency          time.Duration
	atOnce, noOutage bool
}

func (b backlog) run(t *testing.T, seed uint64) (refused, used float64) {
	t.Helper()
	ends := 10 * time.Minute
	if b.noOutage {
		ends = 0
	}
	c := newClient(t, seed, 64)
	down := &queueServer{world: c.world}
	down.down = outages(down)["refuses connections"]
	c.server = down
	c.after(ends, func() {
		c.server = &bucketServer{
			world: c.world, perSecond: 50, burst: 10, latency: b.latency, refusesAtOnce: b.atOnce, tokens: 10,
			filled: c.now,
		}
	})
	for order := range b.orders {
		c.after(ends*time.Duration(order)/time.Duration(b.orders), func() { c.add(order) })
	}
	c.until(2 * time.Hour)
	if len(c.done) != b.orders {
		t.Fatalf("seed %d: got %d orders done, want %d", seed, len(c.done), b.orders)
	}
	// The last few orders wait for their backoff, not for the budget.
	most := b.orders * 99 / 100
	from, to := c.done[0], c.done[most]
	calls := within(c.begun, from, 2*time.Hour)
	return float64(c.refused) / float64(calls), float64(most) / (50 * (to - from).Seconds())
}

// TestAnOutageIsNotTakenForRefusalsAtAnyPace: the 503s at the beginning of an outage slow the worker down before it
// detects the outage. At one call a second it must not conclude that slowing down is useless: LeadHit comes back with
// capacity for 50 calls a second.
func TestAnOutageIsNotTakenForRefusalsAtAnyPace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		few    time.Duration // before the outage, with capacity for two calls a second
		length time.Duration
	}{
		"8 seconds":                    {length: 8 * time.Second},
		"20 seconds":                   {length: 20 * time.Second},
		"capacity for few calls first": {few: 10 * time.Second, length: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const begins = 10 * time.Second
			down := begins + test.few
			ends := down + test.length
			refused := 0.0
			for seed := range uint64(50) {
				c := newClient(t, seed, 64)
				s := &bucketServer{world: c.world, perSecond: 1000, burst: 100, latency: 20 * time.Millisecond}
				c.server = s
				c.after(begins, func() { s.perSecond, s.burst, s.tokens = 2, 1, 1 })
				c.after(down, func() { s.perSecond, s.burst, s.tokens = 0, 0, 0 })
				c.after(ends, func() { s.perSecond, s.burst = 50, 10 })
				for order := range 1500 {
					at := time.Duration(order) * time.Second / 20 // 20 a second, and the rest when the outage is over
					c.after(min(at, ends)+jitter(c.random), func() { c.add(order) })
				}
				c.until(time.Hour)
				after := within(c.begun, ends, time.Hour)
				refused = max(refused, 1-float64(within(c.done, ends, time.Hour))/float64(after))
			}
			t.Logf("worst of 50 runs: %.1f %% refused after the outage", 100*refused)
			if refused > 0.15 {
				t.Errorf("got %.1f %% of the calls refused after the outage, want at most 15 %%", 100*refused)
			}
		})
	}
}

func jitter(random *rand.Rand) time.Duration {
	return time.Duration(random.Int64N(int64(50 * time.Millisecond)))
}

func TestAConfiguredPaceIsNeverExceeded(t *testing.T) {
	t.Parallel()
	c := newClient(t, 1, 64)
	c.governor = retry.NewGovernor(64, 30, c.random)
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
