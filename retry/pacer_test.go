package retry_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// flow makes calls at the given rate for the given time; all are accepted.
func (r *rig) flow(perSecond int, seconds float64) {
	r.t.Helper()
	for range int(float64(perSecond) * seconds) {
		p := r.Start(r.now)
		r.pass(time.Second / time.Duration(perSecond))
		r.Answered(r.now, "good", p, done())
	}
}

func (r *rig) wantPace(want float64) {
	r.t.Helper()
	if got := r.pace(); math.Abs(got-want) > 2.5 {
		r.t.Errorf("got a pace of %.1f calls a second, want %.1f", got, want)
	}
}

// refuse refuses calls for a dozen orders at once. One order alone proves nothing, and neither do a few refusals among
// many calls.
func (r *rig) refuse(n int) {
	r.t.Helper()
	passes := make([]retry.Pass, 12)
	for i := range passes {
		passes[i] = r.Start(r.now)
	}
	for i, pass := range passes {
		r.Answered(r.now, fmt.Sprint("refused ", i), pass, status(n))
	}
}

func TestARefusalSetsThePaceBelowWhatWasAccepted(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 503} {
		r := newRig(t)
		r.flow(50, 3)
		r.refuse(code)
		r.wantPace(45)
		r.refuse(code) // the same overload as the first
		r.wantPace(45)
		// The highest rate that works is not known yet, so the pace doubles.
		r.flow(40, 1)
		r.wantPace(90)
		r.flow(70, 1)
		r.refuse(code)
		// The pace was far above the accepted rate, so the search restarts.
		r.wantPace(63)
		r.flow(70, 0.5)
		r.wantPace(89)
	}
}

func TestAKnownRateGrowsByATenthASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.flow(50, 3)
	r.refuse(503)
	r.flow(50, 1)
	r.wantPace(90)
	r.flow(80, 0.01)
	r.flow(55, 1)
	r.refuse(503) // the pace is 180 by now, but no more than 55 calls a second were accepted
	r.wantPace(49)
	r.flow(49, 0.2)
	r.flow(60, 1)
	r.refuse(503) // close to the pace: the server can serve no more
	r.wantPace(54)
	want := 54.0
	for range 8 {
		r.pass(time.Second)
		want *= 1.1
		r.wantPace(want)
	}
}

// TestThePaceGrowsTheSameHoweverOftenItIsLookedAt: a status page or a scrape must not change the rate of calls.
func TestThePaceGrowsTheSameHoweverOftenItIsLookedAt(t *testing.T) {
	t.Parallel()
	seen, unseen := newRig(t), newRig(t)
	for _, r := range []*rig{seen, unseen} {
		r.flow(50, 3)
		r.refuse(503)
		r.flow(50, 1)
		r.flow(55, 1)
		r.refuse(503)
		r.flow(49, 0.2)
		r.flow(60, 1)
		r.refuse(503) // close to the pace, which then grows by a tenth a second for 10 s, and doubles each second after that
	}
	for range 120 {
		seen.pass(100 * time.Millisecond)
		seen.pace()
	}
	unseen.pass(12 * time.Second)
	want, got := seen.pace(), unseen.pace()
	if got == 0 || math.Abs(got-want) > want/100 {
		t.Errorf("got a pace of %.1f calls a second, want %.1f, as if it had been read in between", got, want)
	}
}

func TestOnlyRefusalsSetAPace(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]retry.Verdict{
		"timeouts": timeout(), "500": status(500), "504": status(504), "no connection": connect(),
		"the node's own code 503": {Code: 503, Answered: true},
	} {
		r := newRig(t)
		r.flow(50, 3)
		r.calls(10, 10, v)
		if got := r.pace(); got != 0 {
			t.Errorf("%s: got a pace of %v, want none", name, got)
		}
	}
}

func TestCallsAreSpacedByThePace(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *settings) { s.CallsPerSecond = 10 })
	r.wantPace(10)
	for range 50 {
		if !r.MayCall(r.now) {
			t.Fatal("the call that is due may not start")
		}
		p := r.Start(r.now)
		r.Answered(r.now, "good", p, done())
		if r.MayCall(r.now) {
			t.Fatal("a second call may start at once")
		}
		at := r.Next(r.now)
		if wait := at.Sub(r.now); wait < 90*time.Millisecond || wait > 100*time.Millisecond {
			t.Fatalf("got the next call in %v, want 100ms", wait)
		}
		r.now = at
	}
}

func TestTheSettingBoundsTheLearnedPace(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *settings) { s.CallsPerSecond = 20 })
	r.flow(10, 3)
	r.refuse(429)
	r.wantPace(9)
	r.pass(time.Hour)
	r.wantPace(20)
}

func TestAnOutageOf503sDoesNotSlowCallsForLong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.flow(50, 3)
	r.pass(2 * time.Second)
	r.calls(20, 5, status(503))
	r.wantProbing(retry.Outage)
	r.wantPace(1)
	r.pass(time.Hour) // nothing is learned while the gate is closed
	r.wantPace(1)
	r.probe("order 1", done())
	r.pass(7 * time.Second)
	if got := r.pace(); got < 100 {
		t.Errorf("got a pace of %v calls a second 7s after an outage, want at least 100", got)
	}
}

func TestRetryAfterAppliesToAllCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ asked, least, most time.Duration }{
		"a minute":           {time.Minute, time.Minute, 72 * time.Second},
		"no wait":            {0, 0, 0},
		"nonsense":           {-time.Hour, 0, 0},
		"at most 15 minutes": {10 * time.Hour, 15 * time.Minute, 18 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			v := status(429)
			v.RetryAfter = c.asked
			r.call("order 1", v)
			wait := time.Duration(0)
			if at := r.Next(r.now); !at.IsZero() {
				wait = at.Sub(r.now)
			}
			if wait < c.least || wait > c.most {
				t.Errorf("got a wait of %v, want %v to %v", wait, c.least, c.most)
			}
			if c.least > 0 && r.MayCall(r.now.Add(c.least-1)) {
				t.Error("a call may start before the time that Retry-After asked for has passed")
			}
			if !r.MayCall(r.now.Add(c.most)) {
				t.Error("no call may start afterwards")
			}
		})
	}
}

func TestRetryAfterAppliesToProbesToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := status(503)
	v.RetryAfter = 5 * time.Minute
	r.calls(20, 5, v)
	r.wantProbing(retry.Outage)
	if wait := r.Next(r.now).Sub(r.now); wait < 4*time.Minute {
		t.Errorf("got the probe in %v, want it after Retry-After", wait)
	}
	r.probe("order 1", done())
	r.wantProbing("")
}

func TestManyAnswersDrawTheirJitterOnce(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	const n = 200
	for seed := range n {
		r := newRig(t)
		r.pass(time.Duration(seed))
		v := status(429)
		v.RetryAfter = time.Minute
		for range seed { // another draw for each run
			r.call("order 1", retry.Verdict{Cause: "Connect", RetryAfter: time.Nanosecond * 10})
		}
		r.volley(15, v)
		sum += r.Next(r.now).Sub(r.now) - time.Minute
	}
	if mean := sum / n; mean < 4*time.Second || mean > 8*time.Second {
		t.Errorf("got a mean jitter of %v over many runs, want about 6s", mean)
	}
}
