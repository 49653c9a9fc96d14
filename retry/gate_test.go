package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

func TestTheGateClosesOnAnOutageOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*rig)
		want string
	}{
		"20 failures across 5 orders": {func(r *rig) { r.calls(20, 5, connect()) }, retry.Outage},
		"19 failures":                 {func(r *rig) { r.calls(19, 19, connect()) }, ""},
		"100 failures of 4 orders":    {func(r *rig) { r.calls(100, 4, connect()) }, ""},
		"a success in between": {func(r *rig) {
			r.calls(19, 19, connect())
			r.call("good", done())
			r.calls(19, 19, connect())
		}, ""},
		"a refusal of the node in between": {func(r *rig) {
			r.calls(19, 19, connect())
			r.call("bad", retry.Verdict{Kind: retry.DeadLetter, Answered: true})
			r.calls(19, 19, connect())
		}, ""},
		"responses of the node that mean again": {func(r *rig) {
			r.calls(100, 100, retry.Verdict{Code: -32000, Answered: true})
		}, ""},
		"503 for all orders": {func(r *rig) { r.calls(20, 20, status(503)) }, retry.Outage},
		"calls that were not sent in between": {func(r *rig) {
			r.calls(10, 10, connect())
			r.calls(50, 50, retry.Verdict{Cause: "NotSent"})
			r.calls(9, 10, connect())
		}, ""},
		"silence does not end a row": {func(r *rig) {
			r.calls(10, 10, connect())
			r.call("unsendable", retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable"})
			r.calls(10, 10, connect())
		}, retry.Outage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c.do(r)
			r.wantProbing(c.want)
		})
	}
}

func TestOnlyAnAnsweredProbeOpensTheGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict retry.Verdict
		opens   bool
	}{
		"done":                       {done(), true},
		"a dead letter":              {retry.Verdict{Kind: retry.DeadLetter, Answered: true}, true},
		"HTTP 400":                   {retry.Verdict{Kind: retry.DeadLetter, Code: 400}, true},
		"the node fails":             {retry.Verdict{Code: -32000, Answered: true}, true},
		"the node knows no method":   {retry.Verdict{Kind: retry.Misconfigured, Code: -32601, Answered: true}, true},
		"a letter of our own making": {retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable"}, false},
		"no connection":              {connect(), false},
		"503":                        {status(503), false},
		"404 from any server":        {retry.Verdict{Kind: retry.Misconfigured, Code: 404}, false},
		"not sent":                   {retry.Verdict{Cause: "NotSent"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.calls(20, 5, connect())
			r.probe("order 9", c.verdict)
			if got := r.probing() == ""; got != c.opens {
				t.Errorf("got the gate open: %v, want %v", got, c.opens)
			}
			if !c.opens {
				r.probe("order 8", done()) // another probe falls due
				r.wantProbing("")
			}
			if got := r.Limit(); got != 5 {
				t.Errorf("got a limit of %d, want 5", got)
			}
		})
	}
}

func TestProbesAreAtMost30sApartAndSpread(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.calls(20, 5, connect())
	ceiling, longest, began := time.Second, time.Duration(0), r.now
	for n := range 200 {
		last := r.now
		r.probe("order 1", connect())
		wait := r.now.Sub(last)
		if wait < min(ceiling, last.Sub(began))/2 || wait > ceiling {
			t.Errorf("probe %d: got a wait of %v, want at most %v and at least half of that", n, wait, ceiling)
		}
		ceiling, longest = min(2*ceiling, 30*time.Second), max(longest, wait)
	}
	if mean := r.now.Sub(began) / 200; mean < 21*time.Second || mean > 24*time.Second || longest < 29*time.Second {
		t.Errorf("got waits of %v on average and of up to %v, want about 22s and 30s", mean, longest)
	}
}

func TestProbesThatTimeOutBeginAtMost30sApart(t *testing.T) {
	t.Parallel()
	const took = 10 * time.Second
	r := newRig(t)
	r.calls(20, 5, connect())
	var began []time.Time
	for range 200 {
		r.toProbe()
		began = append(began, r.now)
		probe := r.Start(r.now)
		r.pass(took)
		r.Answered(r.now, "order 1", probe, timeout())
	}
	for n, at := range began[1:] {
		if wait := at.Sub(began[n]); wait < took || wait > 30*time.Second {
			t.Errorf("probe %d: got %v since the start of the last one, want %v to 30s", n+2, wait, took)
		}
	}
	if mean := began[199].Sub(began[0]) / 199; mean < 20*time.Second || mean > 24*time.Second {
		t.Errorf("got %v between two probes on average, want about 22s", mean)
	}
}

func TestSlotsOfCallsThatFailedInARowStayEmpty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inFlight int
		do       func(*rig)
		want     int
	}{
		"one order":                 {64, func(r *rig) { r.calls(19, 1, connect()) }, 64},
		"two orders":                {64, func(r *rig) { r.calls(2, 2, connect()) }, 62},
		"two orders, many times":    {64, func(r *rig) { r.calls(200, 2, connect()) }, 5},
		"a success ends it":         {64, func(r *rig) { r.calls(10, 2, connect()); r.call("good", done()) }, 64},
		"silence says nothing":      {64, func(r *rig) { r.calls(10, 10, retry.Verdict{Cause: "NotSent"}) }, 64},
		"a setting below the floor": {3, func(r *rig) { r.calls(10, 2, connect()) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(s *settings) { s.CallsInFlight = c.inFlight })
			c.do(r)
			if got := r.Limit(); got != c.inFlight {
				t.Errorf("got a limit of %d, want %d: the limit is about what LeadHit can serve", got, c.inFlight)
			}
			free := 0
			for ; r.MayCall(r.now); free++ {
				r.Start(r.now)
			}
			if free != c.want {
				t.Errorf("got %d calls that may start, want %d", free, c.want)
			}
		})
	}
}

func TestTheEndOfAnOutageIsNoticedWithinItsLength(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := newRig(t, func(s *settings) { s.Random = rand.New(rand.NewPCG(seed, 1)) })
		r.calls(20, 5, connect())
		const outage = 7 * time.Second
		began := r.now
		for n := 0; ; n++ {
			r.toProbe()
			if r.now.Sub(began) >= outage {
				break
			}
			r.call(fmt.Sprint("order ", n), connect())
		}
		if got, limit := r.now.Sub(began), 2*outage; got > limit {
			t.Fatalf("seed %d: got the first call after an outage of %v at %v from its start, want at most %v", seed,
				outage, got, limit)
		}
	}
}

func TestOneProbeAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.calls(20, 5, connect())
	r.toProbe()
	probe := r.Start(r.now)
	r.pass(time.Hour)
	if r.MayCall(r.now) || !r.Next(r.now).IsZero() {
		t.Error("a second probe may start, or falls due")
	}
	if got := r.Limit(); got != 1 {
		t.Errorf("got a limit of %d, want 1", got)
	}
	r.Answered(r.now, "order 1", probe, timeout())
	if !r.MayCall(r.now) {
		t.Error("the next probe may not start after the first one's outcome, though it is overdue")
	}
}

func TestLateResponsesNeitherCloseNorOpenTheGate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	passes := make([]retry.Pass, 60)
	for i := range passes {
		passes[i] = r.Start(r.now)
	}
	late := func(n int, v retry.Verdict) {
		for i := range n {
			r.Answered(r.now, fmt.Sprint("late ", i), passes[0], v)
			passes = passes[1:]
		}
	}
	late(20, connect())
	r.wantProbing(retry.Outage)
	late(1, done())
	r.wantProbing(retry.Outage)
	r.probe("order 1", done())
	late(30, connect())
	r.wantProbing("")
	if got := r.Limit(); got != 5 {
		t.Errorf("got a limit of %d after late failures, want 5", got)
	}
	// A late success does not end a row of failures either.
	r.calls(10, 10, connect())
	late(1, done())
	r.calls(10, 10, connect())
	r.wantProbing(retry.Outage)
}

func TestAProbeIsNoEvidenceAboutLimitOrRate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.calls(20, 5, connect())
	for range 5 {
		r.probe("order 1", status(503))
		r.probe("order 2", status(503))
	}
	if got := r.pace(); got != 0 {
		t.Errorf("got a pace of %v calls a second from probes, want none", got)
	}
	r.probe("order 3", done())
	if got := r.Limit(); got != 5 {
		t.Errorf("got a limit of %d, want 5", got)
	}
}
