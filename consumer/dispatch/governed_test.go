package dispatch_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

func send(order string) event.Item {
	return event.Item{Action: event.Call, OrderID: order, Status: "paid"}
}

// besideStuck runs 6,000 events for 1,000 good orders, and the given number of events for an order that always fails.
func besideStuck(t *testing.T, events int, takes time.Duration, v retry.Verdict) *flow {
	t.Helper()
	c := flowSettings()
	c.Retry.MaxElapsed = 0
	f := newFlow(t, c)
	f.leadhit = func(_ time.Duration, c turn.Call) (time.Duration, retry.Verdict) {
		if c.Order == "stuck" {
			return takes, v
		}
		return 20 * time.Millisecond, accepted()
	}
	for i := range events {
		f.write(time.Duration(i)*time.Second, 0, send("stuck")) // queued before the good event at the same moment
	}
	f.writeEach(5*time.Millisecond, 0, 30*time.Second, 1000, send(""))
	f.until(10 * time.Minute)
	return f
}

func TestOneStuckOrderBesideAThousandGoodOnesSlowsNobodyDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		v     retry.Verdict
	}{
		"a server error":   {20 * time.Millisecond, retry.Verdict{Cause: "ServerError", Code: -32000, Answered: true}},
		"a bad gateway":    {20 * time.Millisecond, retry.Verdict{Cause: "HTTP 502", Code: 502}},
		"a 503":            {20 * time.Millisecond, retry.Verdict{Cause: "HTTP 503", Code: 503}},
		"always a timeout": {3 * time.Second, retry.Verdict{Cause: "Timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			without, with := besideStuck(t, 0, c.takes, c.v), besideStuck(t, 20, c.takes, c.v)
			if len(without.accepted) != 6000 {
				t.Fatalf("got %d events accepted, want 6000", len(without.accepted))
			}
			if !maps.Equal(with.accepted, without.accepted) {
				t.Error("the latencies of the other orders differ from those in a run without the stuck order")
			}
			if tries := len(with.begun) - len(without.begun); tries < 10 {
				t.Errorf("got %d attempts for the stuck order, want at least 10", tries)
			}
			if s := with.d.Snapshot(); s.Blocked != 19 {
				t.Errorf("got %d events behind the stuck order's first, want 19", s.Blocked)
			}
		})
	}
}

// These are the bounds of a ten-minute outage. Before, during and after it, 20 events arrive per second.
const outageFrom, outageTo = 2 * time.Minute, 12 * time.Minute

func outage(t *testing.T, takes time.Duration, v retry.Verdict) *flow {
	t.Helper()
	c := flowSettings()
	c.Retry.MaxElapsed = time.Minute
	f := newFlow(t, c)
	f.leadhit = func(now time.Duration, _ turn.Call) (time.Duration, retry.Verdict) {
		if now >= outageFrom && now < outageTo {
			return takes, v
		}
		return 20 * time.Millisecond, accepted()
	}
	f.writeEach(50*time.Millisecond, 0, 20*time.Minute, 3000, send(""))
	f.until(outageTo - time.Second)
	if s := f.d.Snapshot(); s.Pause.Kind != retry.Outage || s.Limit != 1 || s.Pause.Since.Before(f.clock().Add(outageFrom-outageTo)) {
		t.Errorf("got %q since %v, limit %d, want an outage", s.Pause.Kind, s.Pause.Since, s.Limit)
	}
	f.until(40 * time.Minute)
	return f
}

func TestAnOutageCostsFewCallsAndNoLetter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		v     retry.Verdict
		most  int
	}{
		"connections refused": {time.Millisecond, retry.Verdict{Cause: "Connect"}, 100},
		"bad gateway":         {30 * time.Millisecond, retry.Verdict{Cause: "HTTP 502", Code: 502}, 100},
		"overloaded":          {30 * time.Millisecond, retry.Verdict{Cause: "HTTP 503", Code: 503}, 100},
		// The outage cannot be detected before the first call times out. By then, 60 calls have been sent.
		"no response": {3 * time.Second, retry.Verdict{Cause: "Timeout"}, 160},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := outage(t, c.takes, c.v)
			if n := within(f.begun, outageFrom, outageTo); n > c.most {
				t.Errorf("got %d calls in the outage, want at most %d", n, c.most)
			}
			if within(f.done, outageTo, outageTo+35*time.Second) == 0 {
				t.Error("got no success within 35 s of the end")
			}
			if len(f.stores) > 0 {
				t.Errorf("got letters: %+v", f.stores[0])
			}
			if len(f.done) != 24_000 {
				t.Errorf("got %d events accepted, want 24,000", len(f.done))
			}
			f.wantAnotherOrderEachProbe()
		})
	}
}

func (f *flow) wantAnotherOrderEachProbe() {
	f.tb.Helper()
	slices.Sort(f.probed)
	if all, different := len(f.probed), len(slices.Compact(f.probed)); different < all || all < 10 {
		f.tb.Errorf("got %d orders in %d probes, want at least 10 probes, each about another order", different, all)
	}
}

// bucket is a LeadHit that accepts perSecond calls a second on average, in bursts of at most ten.
type bucket struct {
	latency        time.Duration
	perSecond      float64
	tokens         float64
	filled         time.Duration
	taken, refused int
}

func (b *bucket) take(now time.Duration, _ turn.Call) (time.Duration, retry.Verdict) {
	b.tokens = min(10, b.tokens+(now-b.filled).Seconds()*b.perSecond)
	b.filled = now
	if b.tokens < 1 {
		b.refused++
		return b.latency, retry.Verdict{Cause: "HTTP 503", Code: 503}
	}
	b.tokens--
	b.taken++
	return b.latency, accepted()
}

func TestABacklogUsesABudgetOfCallsASecond(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			t.Parallel()
			f := newFlow(t, flowSettings())
			b := &bucket{latency: latency, perSecond: 50, tokens: 10}
			f.leadhit = b.take
			f.writeEach(time.Microsecond, 0, 30*time.Millisecond, 30_000, send(""))
			const lasts = 5 * time.Minute
			f.until(lasts)
			if used := float64(b.taken) / (50 * lasts.Seconds()); used < 0.8 {
				t.Errorf("got %.0f %% of the budget used, want at least 80 %%", 100*used)
			}
			if share := float64(b.refused) / float64(b.refused+b.taken); share > 0.1 {
				t.Errorf("got %.1f %% of the calls refused, want at most 10 %%", 100*share)
			}
		})
	}
}

func TestNoMoreCallsASecondThanTheSetting(t *testing.T) {
	t.Parallel()
	c := flowSettings()
	c.CallsPerSecond = 10
	f := newFlow(t, c)
	f.writeEach(time.Microsecond, 0, time.Millisecond, 1000, send(""))
	f.until(time.Minute)
	for from := time.Duration(0); from < time.Minute; from += 100 * time.Millisecond {
		if n := within(f.begun, from, from+time.Second); n > 11 {
			t.Fatalf("got %d calls within a second of %v, want 10", n, from)
		}
	}
	if len(f.begun) < 590 {
		t.Errorf("got %d calls in a minute, want about 600", len(f.begun))
	}
	if got := f.d.Snapshot().PerSecond; got != 10 {
		t.Errorf("got a limit of %v calls per second, want 10", got)
	}
}

func TestABadDeployStopsAndGoesOnAfterAResume(t *testing.T) {
	t.Parallel()
	badMapping := event.Item{Action: event.Refuse, Cause: "NoRule"}
	for name, item := range map[string]event.Item{"the mapping refuses": badMapping, "LeadHit refuses": send("")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := flowSettings()
			c.FloodGuard, c.Worker, c.Build = true, "worker-1", "1.0+bad"
			f := newFlow(t, c)
			cause := "ValidationError"
			f.leadhit = func(time.Duration, turn.Call) (time.Duration, retry.Verdict) {
				return 20 * time.Millisecond, retry.Verdict{
					Kind: retry.DeadLetter, Cause: cause, Code: -32000, Answered: true,
				}
			}
			f.writeEach(10*time.Millisecond, 0, 10*time.Second, 500, item)
			f.until(time.Minute)
			f.wantFlood("a bad deploy", 0, 1)

			f.d.Followed(f.clock(), f.announce[0])
			f.d.Followed(f.clock(), ledger.Entry{Event: ledger.GuardResume, At: f.clock(), By: "alice"})
			f.ask()
			f.until(2 * time.Minute)
			if len(f.stores) != 1000 || f.d.Snapshot().Pause.Kind != "" {
				t.Fatalf("got %d letters after the resume, want 1000", len(f.stores))
			}

			cause, item.Cause = "KeyError", "NotJSON"
			f.writeEach(10*time.Millisecond, f.now, f.now+10*time.Second, 500, item)
			f.until(4 * time.Minute)
			f.wantFlood("another cause", 1000, 2)
		})
	}
}

// wantFlood fails unless a flood of letters was detected in time. The parameter before is the number of letters before
// the flood, and n is the number of floods so far.
func (f *flow) wantFlood(why string, before, n int) {
	f.tb.Helper()
	letters, most := len(f.stores)-before, 100+flowSettings().CallsInFlight
	if letters < 100 || letters > most {
		f.tb.Fatalf("%s: got %d letters, want 100 to %d", why, letters, most)
	}
	if s := f.d.Snapshot().Pause; s.Kind != ledger.Flood || len(f.announce) != n || s.By != "worker-1" {
		f.tb.Fatalf("%s: got %q by %q and %d entries to announce, want a flood and %d", why, s.Kind, s.By,
			len(f.announce), n)
	}
}

func TestWithoutTheFloodGuardLettersPauseNothing(t *testing.T) {
	t.Parallel()
	f := newFlow(t, flowSettings())
	f.writeEach(10*time.Millisecond, 0, 10*time.Second, 500, event.Item{Action: event.Refuse, Cause: "NoRule"})
	f.until(time.Minute)
	if len(f.stores) != 1000 || len(f.announce) != 0 || f.d.Snapshot().Pause.Kind != "" {
		t.Errorf("got %d letters, %d entries, pause %q, want 1000 letters and no pause", len(f.stores), len(f.announce),
			f.d.Snapshot().Pause.Kind)
	}
}

// TestTheFloodGuardCountsAcceptedCallsButNotFailures: a third of the calls are refused, and the others are accepted, or
// fail and are retried.
func TestTheFloodGuardCountsAcceptedCallsButNotFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		others retry.Verdict
		want   string
	}{
		"the others are accepted": {accepted(), ""},
		"the others fail":         {retry.Verdict{Cause: "ServerError", Code: -32000, Answered: true}, ledger.Flood},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := flowSettings()
			config.FloodGuard = true
			f := newFlow(t, config)
			f.leadhit = func(_ time.Duration, call turn.Call) (time.Duration, retry.Verdict) {
				if strings.ContainsAny(call.Order[len(call.Order)-1:], "147") {
					return 20 * time.Millisecond, retry.Verdict{
						Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true,
					}
				}
				return 20 * time.Millisecond, c.others
			}
			f.writeEach(10*time.Millisecond, 0, 10*time.Second, 1000, send(""))
			f.until(20 * time.Second)
			if got := f.d.Pause().Kind; got != c.want {
				t.Errorf("got calls paused by %q, want %q", got, c.want)
			}
		})
	}
}

func TestADrainEndsWhileTheFloodGuardWithholdsLetters(t *testing.T) {
	t.Parallel()
	c := flowSettings()
	c.FloodGuard = true
	h := started(t, c, orders(0))
	refused := func(from, to int64) (events []turn.Event) {
		for offset := from; offset < to; offset++ {
			events = append(events, turn.Event{Offset: offset, Bytes: 100, Items: []event.Item{
				{Action: event.Refuse, OrderID: fmt.Sprint("bad ", offset%10), Cause: "NoRule"},
			}})
		}
		return events
	}
	h.read(orders(0), refused(0, 300)...) // too many to be stored at once, but for too few orders to be a flood
	both := eventOf(300, "half")
	both.Items = append(both.Items, event.Item{Action: event.Refuse, OrderID: "other half", Cause: "NoRule"})
	events := []turn.Event{both}
	for offset := int64(301); offset < 330; offset++ {
		events = append(events, eventOf(offset, fmt.Sprint("order ", offset)))
	}
	h.read(orders(0), events...)
	h.read(orders(0), refused(330, 340)...)
	for offset := int64(301); offset < 330; offset++ {
		h.answer(orders(0), offset, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true})
	}
	if got := h.d.Snapshot().Pause.Kind; got != ledger.Flood {
		t.Fatalf("got %q, want a flood", got)
	}
	h.d.Revoked()
	h.accept(orders(0), 300)
	stored := map[int64]bool{}
	for len(h.stores) > 0 {
		s := h.stores[0]
		h.stores = h.stores[1:]
		stored[s.Offset] = true
		h.d.Stored(h.now, s.ID, true)
		h.ask()
	}
	h.settle()
	if !stored[300] || h.last.Ended != turn.Drained {
		t.Errorf("got the letter of the sent event stored: %v, end %d, want it stored, and Drained", stored[300],
			h.last.Ended)
	}
	if stored[335] {
		t.Error("a letter about an event that had no call was stored in the flood")
	}
}

func TestAPauseByHandCountsOnceItIsInTheLedger(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.d.Followed(h.now, ledger.Entry{Event: ledger.GuardPause, At: h.now, By: "alice", Reason: "migration"})
	h.read(orders(0), eventOf(0, "a"))
	h.settle()
	h.wantInFlight("paused by hand")
	if s := h.d.Snapshot().Pause; s.Kind != ledger.ByHand || s.Reason != "migration" || s.By != "alice" || h.d.Paused() {
		t.Errorf("got %+v, want a pause by alice", s)
	}
	h.d.Lost()
	h.assign(true, orders(0))
	h.ack()
	h.read(orders(0), eventOf(0, "a"))
	h.wantInFlight("a rebalance does not lift it")
	h.d.Followed(h.now, ledger.Entry{Event: ledger.GuardResume, At: h.now, By: "alice"})
	h.ask()
	h.wantInFlight("resumed", 0)
}

func TestTheLimitOutlivesAGeneration(t *testing.T) {
	t.Parallel()
	c := settings()
	c.CallsInFlight = 20
	h := started(t, c, orders(0))
	events := []turn.Event{}
	for offset := range int64(20) {
		events = append(events, eventOf(offset, fmt.Sprint("order ", offset)))
	}
	h.read(orders(0), events...)
	h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
	h.answer(orders(0), 1, retry.Verdict{Cause: "Timeout"})
	limit := h.d.Snapshot().Limit
	if limit >= 20 || limit < 1 {
		t.Fatalf("got a limit of %d after two timeouts, want less than 20", limit)
	}
	h.d.Lost()
	h.assign(true, orders(0))
	if got := h.d.Snapshot().Limit; got != limit {
		t.Errorf("got a limit of %d in the next generation, want %d as before", got, limit)
	}
}

func TestTimeInWhichCallsArePausedCountsAgainstNoOrder(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Retry.Initial, c.Retry.Max, c.Retry.MaxElapsed = time.Hour, time.Hour, time.Minute
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "c"))
	h.answer(orders(0), 0, retry.Verdict{Cause: "HTTP 502", Code: 502})
	h.accept(orders(0), 1)
	h.answer(orders(0), 2, retry.Verdict{Kind: retry.Unauthorised, Code: 403})
	for paused := h.now; h.now.Sub(paused) < 2*time.Hour; h.settle() {
		for len(h.calls) > 0 {
			h.answer(orders(0), h.calls[0].Offset, retry.Verdict{Kind: retry.Unauthorised, Code: 403})
		}
	}
	for h.d.Snapshot().Pause.Kind != "" {
		for len(h.calls) > 0 && h.calls[0].Order != "c" {
			h.answer(orders(0), h.calls[0].Offset, retry.Verdict{Kind: retry.Unauthorised, Code: 403})
		}
		if len(h.calls) > 0 {
			h.accept(orders(0), 2)
			break
		}
		h.settle()
	}
	h.answer(orders(0), 0, retry.Verdict{Cause: "HTTP 502", Code: 502})
	if len(h.stores) > 0 {
		t.Errorf("got %+v, want no letter: the time of a pause does not count", h.stores[0])
	}
}
