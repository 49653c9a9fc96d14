package retry_test

import (
	"fmt"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// volley starts n calls at once and gives all of them the same verdict.
func (r *rig) volley(n int, v retry.Verdict) {
	r.t.Helper()
	passes := make([]retry.Pass, n)
	for i := range passes {
		passes[i] = r.Start(r.now)
	}
	r.pass(100 * time.Millisecond)
	for i, p := range passes {
		r.Answered(r.now, fmt.Sprint("order ", i), p, v)
	}
}

func TestTheLimitShrinksOnceARoundTrip(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.call("first", timeout()) // one order alone proves nothing
	for _, want := range []int{57, 51, 46, 41} {
		r.volley(15, timeout())
		r.call("good", done())
		if got := r.Limit(); got != want {
			t.Errorf("got a limit of %d, want %d", got, want)
		}
	}
}

func TestTheLimitNeverFallsBelowOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *settings) { s.CallsInFlight = 3 })
	for range 50 {
		r.call("good", done()) // otherwise the gate would close
		for range 4 {
			r.volley(4, timeout())
		}
	}
	if got := r.Limit(); got != 1 {
		t.Errorf("got a limit of %d, want 1", got)
	}
	r.pass(time.Minute)
	if !r.MayCall(r.now) {
		t.Error("no call may start")
	}
}

func TestTheLimitGrowsByOneARoundTripUpToTheSetting(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *settings) { s.CallsInFlight = 8 })
	r.calls(20, 5, connect())
	r.probe("order 1", done())
	var air []retry.Pass
	for _, want := range []int{5, 6, 7, 8, 8, 8} {
		if got := r.Limit(); got != want {
			t.Errorf("got a limit of %d, want %d", got, want)
		}
		for range want + 1 { // a round trip, and one call more: the successes in a round trip add a little less than 1
			for r.MayCall(r.now) {
				air = append(air, r.Start(r.now))
			}
			r.Answered(r.now, "good", air[0], done())
			air = air[1:]
		}
	}
}

func TestAnUnusedLimitDoesNotGrow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.calls(20, 5, connect())
	r.probe("order 1", done())
	r.calls(1000, 1000, done()) // one at a time
	if got := r.Limit(); got != 5 {
		t.Errorf("got a limit of %d, want 5", got)
	}
}

func TestNoMoreCallsThanTheLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *settings) { s.CallsInFlight = 2 })
	first := r.Start(r.now)
	if !r.MayCall(r.now) {
		t.Error("the second call may not start")
	}
	r.Start(r.now)
	if r.MayCall(r.now) || !r.Next(r.now).IsZero() {
		t.Error("a third call may start, or falls due")
	}
	r.Answered(r.now, "order 1", first, done())
	if !r.MayCall(r.now) {
		t.Error("a call may not start after another has ended")
	}
}

func TestOneOrderThatAlwaysFailsSlowsNobodyDown(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]retry.Verdict{
		"timeout": timeout(), "503": status(503), "429": status(429), "500": status(500),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for range 100 {
				r.call("stuck", v)
				r.volley(10, done())
			}
			if r.Limit() != 64 || r.pace() != 0 || r.probing() != "" {
				t.Errorf("got a limit of %d, a pace of %v, probing %q, want 64, 0, none", r.Limit(), r.pace(),
					r.probing())
			}
			lowest := r.Limit()
			for i := range 30 { // now half of the calls fail: far more than a tenth
				r.call(fmt.Sprint("another ", i), v)
				r.volley(1, done())
				lowest = min(lowest, r.Limit())
			}
			if got := lowest < 64; got != (v.Code != 500) {
				t.Errorf("got a limit of %d after other orders' failures", lowest)
			}
		})
	}
}
