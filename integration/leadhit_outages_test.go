package integration_test

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	outageRate = 20 // events per second that arrive
	budget     = 50 // calls per second that LeadHit can take afterwards
	// slowStart is how long the worker may need to reach the rate that LeadHit can take, because it starts with few
	// calls.
	slowStart = 5 * time.Second
)

// testOutages: an outage of OUTAGE seconds causes no letter and hardly any calls. The worker soon notices that the
// outage is over, and works through the backlog at the rate that LeadHit can take.
func (s *suite) testOutages(t *testing.T, brokers []string) {
	t.Helper()
	for _, test := range []struct {
		name  string
		begin func(*sandbox.Faults)
		calls int // the maximum, however long the outage lasts
	}{
		{"an outage of closed connections", func(f *sandbox.Faults) { f.Closed = true }, 100},
		{"an outage of 503", func(f *sandbox.Faults) { f.Status = 503 }, 100},
		// By the time the first call times out, as many calls as may be in flight have been sent. No second round follows.
		{"an outage in which calls time out", func(f *sandbox.Faults) { f.Latency = time.Hour }, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 20 * time.Millisecond})
			orders := shop.NewOrders("order", 1000, 11)
			w := r.newWorker(t)
			w.start(t)
			stop := r.trickle(t, outageRate, orders.Next)
			w.calling(t, outageRate)

			length := seconds(t, "OUTAGE", 20)
			r.leadhit.Change(test.begin)
			before, began := r.leadhit.Count(), time.Now()
			until(t, began.Add(length))
			calls := r.leadhit.Count() - before
			w.showsOutage(t)
			t.Logf("%d calls in an outage of %v", calls, length)
			if calls > test.calls {
				t.Errorf("got %d calls in an outage of %v, want at most %d", calls, length, test.calls)
			}
			stop()
			r.topUp(t, orders)
			r.recover(t)
			linger(t, slowStart)
			r.workOff(t, "at 20 ms", len(r.events)-(len(r.events)-r.accepted())/2)
			r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = 300 * time.Millisecond })
			r.workOff(t, "at 300 ms", len(r.events)-budget)
			r.finish(t, time.Minute)
			if got := w.lines("calls resumed"); got != 1 {
				t.Errorf("got %d lines about resumed calls, want one", got)
			}
			w.stop(t)
			r.audit(t)
			if got := len(r.broker.letters(t, "dlq."+r.group)); got != 0 {
				t.Errorf("got %d letters, want none", got)
			}
		})
	}
}

// showsOutage requires that /readyz and the metrics show the outage, and that the log has one line about it.
func (w *worker) showsOutage(t *testing.T) {
	t.Helper()
	if status, body := w.page(t, "/readyz"); status != 200 || !strings.Contains(body, "paused: outage") {
		t.Errorf("got %d %q from /readyz in an outage, want 200 and the pause", status, body)
	}
	if w.metric(t, `leadhit_sync_paused{reason="outage"}`) != 1 {
		t.Error("got no metric of the pause")
	}
	if got := w.lines("calls paused: LeadHit is down"); got != 1 {
		t.Errorf("got %d lines about the outage, want one", got)
	}
}

// topUp adds events after a short outage, until the backlog is large enough for a measurement: work for DRAIN seconds.
func (r *run) topUp(t *testing.T, orders *shop.Orders) {
	t.Helper()
	enough := number(t, "DRAIN", 24) * budget
	var more []audit.Event
	for n := len(r.events) - r.accepted(); n < enough; n++ {
		more = append(more, orders.Next())
	}
	if len(more) > 0 {
		r.write(t, more)
	}
}

// recover ends the outage. From then on, LeadHit serves at most budget calls per second. The function returns after the
// first call that is served.
func (r *run) recover(t *testing.T) {
	t.Helper()
	r.leadhit.Change(func(f *sandbox.Faults) {
		*f = sandbox.Faults{Latency: 20 * time.Millisecond, PerSecond: budget, Burst: budget / 5}
	})
	end := time.Now()
	const soon = 35 * time.Second
	eventually(t, soon+5*time.Second, "a first success", func() string {
		return unless(r.servedSince(end) > 0, "none yet")
	})
	withinSlack(t, "the first success after the outage", time.Since(end), soon)
}

// workOff waits until the given number of events have been accepted, and judges how much of LeadHit's budget was used
// in that time.
func (r *run) workOff(t *testing.T, name string, accepted int) {
	t.Helper()
	begin := time.Now()
	eventually(t, 15*time.Minute, "the end of the backlog", func() string {
		if why := r.died(); why != "" {
			t.Fatal(why)
		}
		return unless(r.accepted() >= accepted, "%d of %d events are accepted", r.accepted(), accepted)
	})
	length := time.Since(begin).Seconds()
	served, refused := 0, 0
	for _, call := range r.leadhit.Calls() {
		switch {
		case call.Arrived.Before(begin):
		case call.Answer == sandbox.Overloaded:
			refused++
		case call.Executed:
			served++
		}
	}
	share, used := float64(refused)/float64(served+refused), float64(served)/length/budget
	t.Logf("%s: %d calls served in %.1f s, %.0f %% of the budget; %d refused, %.1f %% of all", name, served, length, 100*used, refused, 100*share)
	most, least := 0.15*float64(slack()), 0.80/float64(slack())
	if share > most {
		t.Errorf("%s: got %.1f %% of the calls refused, want at most %.0f %%", name, 100*share, 100*most)
	}
	if length < 60 { // the slow start weighs more
		least *= 0.75
	}
	if used < least {
		t.Errorf("%s: got %.0f %% of the budget used, want at least %.0f %%", name, 100*used, 100*least)
	}
}

// accepted counts the events whose calls LeadHit has executed and responded to.
func (r *run) accepted() int {
	done := make(map[string]bool)
	for _, call := range r.leadhit.Calls() {
		if call.Answer == sandbox.Accepted {
			done[call.ID] = true
		}
	}
	return len(done)
}

// servedSince counts the calls that arrived after the given time and were executed.
func (r *run) servedSince(moment time.Time) int {
	served := 0
	for _, call := range r.leadhit.Calls() {
		if call.Arrived.After(moment) && call.Executed {
			served++
		}
	}
	return served
}
