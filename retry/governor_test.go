package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// Verdicts as LeadHit's judge gives them.
func done() retry.Verdict         { return retry.Verdict{Kind: retry.Done, Answered: true} }
func connect() retry.Verdict      { return retry.Verdict{Cause: "Connect"} }
func timeout() retry.Verdict      { return retry.Verdict{Cause: "Timeout"} }
func status(n int) retry.Verdict  { return retry.Verdict{Cause: fmt.Sprint("HTTP ", n), Code: n} }
func unauthorised() retry.Verdict { return retry.Verdict{Kind: retry.Unauthorised, Code: 403} }

// rig is a Governor at a moment that its test moves.
type rig struct {
	*retry.Governor
	t   *testing.T
	now time.Time
}

func newRig(t *testing.T, change ...func(*retry.Settings)) *rig {
	t.Helper()
	s := retry.Settings{CallsInFlight: 64, Random: rand.New(rand.NewPCG(7, 7)), Worker: "worker-1", Build: "1.0+plain"}
	for _, c := range change {
		c(&s)
	}
	return &rig{Governor: retry.NewGovernor(s), t: t, now: time.Unix(1_800_000_000, 0)}
}

func (r *rig) pass(d time.Duration) { r.now = r.now.Add(d) }

// call makes one call of an order.
func (r *rig) call(order string, v retry.Verdict) {
	r.t.Helper()
	p := r.Start(r.now)
	r.pass(10 * time.Millisecond)
	r.Answered(r.now, order, p, v)
}

// calls makes n calls, of so many orders in turn.
func (r *rig) calls(n, orders int, v retry.Verdict) {
	r.t.Helper()
	for i := range n {
		r.call(fmt.Sprint("order ", i%orders), v)
	}
}

// toProbe goes to the moment at which the next probe is due.
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
	if !p.Probe() {
		r.t.Error("got a call that is no probe")
	}
	r.Answered(r.now, order, p, v)
}

func (r *rig) held() string { return r.State(r.now).Held }

func (r *rig) wantHeld(want string) {
	r.t.Helper()
	if got := r.held(); got != want {
		r.t.Fatalf("got calls held by %q, want %q", got, want)
	}
}

func TestPauseAndGateTogetherLetOneProbeThrough(t *testing.T) {
	t.Parallel()
	t.Run("a 403 while the gate's probe is in the air", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.calls(20, 5, connect())
		r.toProbe()
		probe := r.Start(r.now)
		r.Answered(r.now, "order 1", probe, unauthorised()) // the server is back, the key is not
		r.wantHeld("unauthorised")
		r.toProbe()
		probe = r.Start(r.now)
		r.pass(time.Hour)
		if r.MayCall(r.now) {
			t.Error("a second probe may start")
		}
		r.Answered(r.now, "order 2", probe, done())
		r.wantHeld("")
		if got := r.Limit(); got != 5 {
			t.Errorf("got %d calls in flight after both, want 5", got)
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
		r.wantHeld("unauthorised")
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
			t.Error("a probe is due before a new key came")
		}
		r.KeyChanged(r.now)
		if !r.MayCall(r.now) {
			t.Error("no probe is due with a new key")
		}
	})
}

func TestTimeIsHeldOnceWhateverHoldsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got := r.Paused(r.now); got != 0 {
		t.Errorf("got %v before anything happened, want 0", got)
	}
	r.calls(20, 5, connect())
	began := r.now
	r.Follow(r.now, retry.Entry{At: r.now, By: "alice"})
	r.pass(time.Minute)
	r.Follow(r.now, retry.Entry{Resume: true, At: r.now, By: "alice"})
	r.probe("order 1", unauthorised())
	r.probe("order 1", done())
	want := r.now.Sub(began)
	r.pass(time.Hour)
	if got := r.Paused(r.now); got != want {
		t.Errorf("got %v held, want %v", got, want)
	}
}

// TestTimeUnderAClosedGateCountsAgainstNoOrder shows that an order that fails on both sides of an outage is not older for it.
func TestTimeUnderAClosedGateCountsAgainstNoOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	trial := retry.Trial{}
	tally := retry.Tally{Paused: r.Paused(r.now)}
	trial.Failed(r.now, 0, tally)
	r.calls(20, 5, connect())
	for r.now.Sub(time.Unix(1_800_000_000, 0)) < time.Hour {
		r.probe("order 1", connect())
	}
	r.probe("order 1", done())
	tally = retry.Tally{Done: 100, Again: 20, Paused: r.Paused(r.now)}
	if got := trial.Failed(r.now, time.Hour, tally); got > time.Second {
		t.Errorf("got %v of failing of its own, want less than 1s", got)
	}
}
