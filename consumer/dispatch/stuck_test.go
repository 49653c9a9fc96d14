package dispatch_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// replayed drives a dispatcher in virtual time. The log is read as it grows. A call takes 40 ms, and a commit takes
// 5 ms.
type replayed struct {
	*harness
	due   map[time.Duration][]func() // by the time since the start, in the order in which they were added
	begin time.Time
	stuck string // this order's calls fail with fault
	fault retry.Verdict
	at    map[int64]time.Duration // when each event of the other orders was accepted
	tries int                     // attempts for the stuck order
}

func (r *replayed) since() time.Duration { return r.now.Sub(r.begin) }

func (r *replayed) after(d time.Duration, do func()) {
	at := r.since() + d
	r.due[at] = append(r.due[at], do)
}

// perform starts the calls and the commit that the dispatcher returned.
func (r *replayed) perform() {
	for _, c := range r.calls {
		r.after(40*time.Millisecond, func() { r.answered(c) })
	}
	r.calls = nil
	if c := r.commit; c != nil {
		r.commit = nil
		r.after(5*time.Millisecond, func() { r.d.Committed(r.now, c.ID, turn.CommitAnswer{}) })
	}
}

func (r *replayed) answered(c turn.Call) {
	if c.Order == r.stuck {
		r.tries++
		r.d.Answered(r.now, c.ID, r.fault)
		return
	}
	r.at[c.Offset] = r.since()
	r.d.Answered(r.now, c.ID, retry.Verdict{Kind: retry.Done, Answered: true})
}

// run advances the clock from one due time to the next until end.
func (r *replayed) run(end time.Duration) {
	for r.since() < end {
		next := end
		for at := range r.due {
			next = min(next, at)
		}
		if wake := r.last.Wake; !wake.IsZero() {
			next = min(next, wake.Sub(r.begin))
		}
		r.now = r.begin.Add(next)
		for _, do := range r.due[next] {
			do()
		}
		delete(r.due, next)
		r.ask()
		r.perform()
	}
}

// replay runs ten minutes with 20 events every 100 ms for 1,000 orders. If there is a fault, there is one more event
// per second, for an order that always fails. The other events have the same offsets either way.
func replay(t *testing.T, fault *retry.Verdict) *replayed {
	t.Helper()
	c := settings()
	c.CallsInFlight, c.WindowEvents, c.WindowBytes, c.Retry.MaxElapsed = 64, 10_000, 16<<20, 0
	r := &replayed{
		harness: started(t, c,
			orders(0)), due: map[time.Duration][]func(){}, at: map[int64]time.Duration{}, stuck: "stuck",
	}
	r.begin = r.now
	r.perform()
	offset, made := int64(0), 0
	for tick := time.Duration(0); tick < 10*time.Minute; tick += 100 * time.Millisecond {
		var batch []turn.Event
		if tick%time.Second == 0 && fault != nil {
			r.fault = *fault
			batch = append(batch, eventOf(offset, r.stuck))
		}
		offset++ // without the stuck order there is a gap, as in a compacted log
		for range 20 {
			batch = append(batch, eventOf(offset, fmt.Sprint("order-", made*7%1000)))
			offset, made = offset+1, made+1
		}
		r.after(tick, func() { r.read(orders(0), batch...) })
	}
	r.run(11 * time.Minute)
	return r
}

func TestAnOrderThatAlwaysFailsDelaysNoOther(t *testing.T) {
	t.Parallel()
	without := replay(t, nil)
	if len(without.at) != 120_000 {
		t.Fatalf("got %d events accepted, want all 120,000", len(without.at))
	}
	for name, fault := range map[string]retry.Verdict{
		"with an error from LeadHit": {Kind: retry.Again, Cause: "OperationalError", Code: -32000, Answered: true},
		"with a 500":                 {Kind: retry.Again, Cause: "HTTP 500", Code: 500},
		"with a 503":                 {Kind: retry.Again, Cause: "HTTP 503", Code: 503},
		"with a 429":                 {Kind: retry.Again, Cause: "HTTP 429", Code: 429},
		"with a timeout":             {Kind: retry.Again, Cause: "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			beside := replay(t, &fault)
			if beside.tries < 10 {
				t.Errorf("got %d attempts for the order that fails, want many", beside.tries)
			}
			if maps.Equal(beside.at, without.at) {
				return
			}
			later, longest := 0, time.Duration(0)
			for offset, at := range without.at {
				if got := beside.at[offset]; got != at {
					later++
					longest = max(longest, got-at)
				}
			}
			t.Errorf("%d of %d events of other orders were accepted at another time, by up to %v; want none", later,
				len(without.at), longest)
		})
	}
}
