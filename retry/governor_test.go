package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// Verdicts as leadhit.Judge gives them.
func done() retry.Verdict         { return retry.Verdict{Kind: retry.Done, Answered: true} }
func connect() retry.Verdict      { return retry.Verdict{Cause: "Connect"} }
func timeout() retry.Verdict      { return retry.Verdict{Cause: "Timeout"} }
func status(n int) retry.Verdict  { return retry.Verdict{Cause: fmt.Sprint("HTTP ", n), Code: n} }
func unauthorised() retry.Verdict { return retry.Verdict{Kind: retry.Unauthorised, Code: 403} }

// rig is a Governor with a clock that the test sets.
type rig struct {
	*retry.Governor
	t   *testing.T
	now time.Time
}

// settings configures a rig's Governor.
type settings struct {
	CallsInFlight  int
	CallsPerSecond float64
	Random         *rand.Rand
}

func newRig(t *testing.T, change ...func(*settings)) *rig {
	t.Helper()
	s := settings{CallsInFlight: 64, Random: rand.New(rand.NewPCG(7, 7))}
	for _, c := range change {
		c(&s)
	}
	return &rig{
		Governor: retry.NewGovernor(s.CallsInFlight, s.CallsPerSecond, s.Random), t: t,
		now: time.Unix(1_800_000_000, 0),
	}
}

func (r *rig) pass(d time.Duration) { r.now = r.now.Add(d) }

// call makes one call for an order.
func (r *rig) call(order string, v retry.Verdict) {
	r.t.Helper()
	p := r.Start(r.now)
	r.pass(10 * time.Millisecond)
	r.Answered(r.now, order, p, v)
}

// calls makes n calls, for the given number of orders in rotation.
func (r *rig) calls(n, orders int, v retry.Verdict) {
	r.t.Helper()
	for i := range n {
		r.call(fmt.Sprint("order ", i%orders), v)
	}
}

// toProbe advances the clock to the next probe.
func (r *rig) toProbe() {
	r.t.Helper()
	at := r.Next(r.now)
	if at.IsZero() && !r.MayCall(r.now) {
		r.t.Fatal("no probe falls due")
	}
	if !at.IsZero() {
		if r.MayCall(at.Add(-time.Nanosecond)) {
			r.t.Errorf("a call may start before %v, when the next probe is due", at)
		}
		r.now = at
	}
	if !r.MayCall(r.now) {
		r.t.Fatal("the probe that is due may not start")
	}
}

// probe makes the next probe.
func (r *rig) probe(order string, v retry.Verdict) {
	r.t.Helper()
	r.toProbe()
	p := r.Start(r.now)
	if !p.Probe {
		r.t.Error("got a call that is not a probe")
	}
	r.Answered(r.now, order, p, v)
}

// Limit returns how many calls may be in flight.
func (r *rig) Limit() int {
	limit, _, _ := r.Limits(r.now)
	return limit
}

// pace returns how many calls may start per second; 0 means any number.
func (r *rig) pace() float64 {
	_, pace, _ := r.Limits(r.now)
	return pace
}

func (r *rig) probing() string {
	reason, _ := r.Probing()
	return reason
}

func (r *rig) wantProbing(want string) {
	r.t.Helper()
	if got := r.probing(); got != want {
		r.t.Fatalf("got only probes because of %q, want %q", got, want)
	}
}

func TestPauseAndGateTogetherLetOneProbeThrough(t *testing.T) {
	t.Parallel()
	t.Run("a 403 while the gate's probe is in flight", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.calls(20, 5, connect())
		r.toProbe()
		probe := r.Start(r.now)
		r.Answered(r.now, "order 1", probe, unauthorised()) // the server works again, but it rejects the key
		r.wantProbing("unauthorised")
		r.toProbe()
		probe = r.Start(r.now)
		r.pass(time.Hour)
		if r.MayCall(r.now) {
			t.Error("a second probe may start")
		}
		r.Answered(r.now, "order 2", probe, done())
		r.wantProbing("")
		if got := r.Limit(); got != 5 {
			t.Errorf("got a limit of %d after both, want 5", got)
		}
	})
	t.Run("a late 403 of a call that began before the gate closed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		late := r.Start(r.now)
		r.calls(20, 5, connect())
		r.toProbe()
		probe := r.Start(r.now)
		r.Answered(r.now, "late", late, unauthorised())
		r.wantProbing("unauthorised")
		r.pass(time.Hour)
		if r.MayCall(r.now) {
			t.Error("the pause's probe may start beside the gate's")
		}
		r.Answered(r.now, "order 1", probe, connect())
		if !r.MayCall(r.now) {
			t.Error("the pause's probe may not start after the gate's")
		}
	})
	t.Run("a new key is tried at once, whatever the gate waits for", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.calls(20, 5, connect())
		for range 8 {
			r.probe("order 1", connect())
		}
		r.probe("order 1", unauthorised())
		if r.MayCall(r.now) {
			t.Error("a probe is due before there is a new key")
		}
		r.KeyChanged(r.now)
		if !r.MayCall(r.now) {
			t.Error("no probe is due with a new key")
		}
	})
}

func TestOverlappingPausesCountOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got := r.PausedFor(r.now); got != 0 {
		t.Errorf("got %v before anything happened, want 0", got)
	}
	r.calls(20, 5, connect())
	began := r.now
	r.Pause(r.now, true)
	r.pass(time.Minute)
	r.Pause(r.now, false)
	r.probe("order 1", unauthorised())
	r.probe("order 1", done())
	want := r.now.Sub(began)
	r.pass(time.Hour)
	if got := r.PausedFor(r.now); got != want {
		t.Errorf("got %v paused, want %v", got, want)
	}
}

func TestAPauseOfTheGroupStopsProbesToo(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*rig){
		"calls flow":    func(*rig) {},
		"an outage":     func(r *rig) { r.calls(20, 5, connect()) },
		"a bad API key": func(r *rig) { r.call("order 1", unauthorised()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			before(r)
			want := r.probing()
			r.Pause(r.now, true)
			r.pass(time.Hour)
			if r.MayCall(r.now) || !r.Next(r.now).IsZero() {
				t.Error("a call may start, or falls due, during the pause")
			}
			r.Pause(r.now, false)
			r.wantProbing(want)
			if !r.MayCall(r.now) {
				t.Error("no call may start after the pause")
			}
		})
	}
}

// TestTimeUnderAClosedGateCountsAgainstNoOrder makes an order fail before and after an outage of an hour.
func TestTimeUnderAClosedGateCountsAgainstNoOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stuck := retry.Policy{
		Initial: time.Hour, Max: time.Hour, MaxElapsed: time.Second, Random: rand.New(rand.NewPCG(1, 1)),
	}.Backoff()
	r.call("stuck", connect())
	stuck.Exhausted(r.now, 0, r.Governor)
	r.calls(20, 5, connect())
	for r.now.Sub(time.Unix(1_800_000_000, 0)) < time.Hour {
		r.probe("order 1", connect())
	}
	r.probe("order 1", done())
	outage := r.now
	for range 100 {
		r.volley(5, done()) // in total, more successes than failed probes
	}
	r.now = outage
	r.call("stuck", connect())
	if stuck.Exhausted(r.now, time.Hour, r.Governor) {
		t.Error("got exhausted, want less than a second that counts")
	}
}
