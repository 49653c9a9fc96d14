package dispatch_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// skipping returns settings of a dispatcher that skips repeats.
func skipping() dispatch.Config {
	c := settings()
	c.SkipRepeats = true
	return c
}

// says returns an event that reports a status of one order.
func says(offset int64, order, status string) turn.Event {
	e := eventOf(offset, order)
	e.Items[0].Status = status
	return keyed(e, order)
}

func keyed(e turn.Event, key string) turn.Event {
	e.Key = []byte(key)
	return e
}

// wantRepeats checks which offsets were finished without a call since the last check.
func (h *harness) wantRepeats(why string, want ...int64) {
	h.tb.Helper()
	got := []int64{}
	for _, r := range h.repeats {
		got = append(got, r.Offset)
	}
	h.repeats = nil
	if !slices.Equal(got, want) {
		h.tb.Fatalf("%s: got repeats %v, want %v", why, got, want)
	}
}

func TestARepeatIsFinishedWithoutACall(t *testing.T) {
	t.Parallel()
	h := started(t, skipping(), orders(0))
	h.read(orders(0), says(0, "A", "paid"), says(1, "A", "paid"), says(2, "A", "submitted"))
	h.wantRepeats("nothing is accepted yet")
	h.accept(orders(0), 0)
	h.wantRepeats("its turn comes when the commit of the first event is acknowledged")
	h.pass(time.Second)
	h.ack()
	h.wantRepeats("the same status", 1)
	h.wantInFlight("no commit covers the repeat")
	h.settle()
	h.wantInFlight("another status", 2)
	s := h.d.Snapshot()
	if s.Repeats != 1 || s.Finished != 2 || s.Partitions[0].Committed != 2 {
		t.Errorf("got %d repeats, %d finished, committed %d", s.Repeats, s.Finished, s.Partitions[0].Committed)
	}
}

func TestWithoutTheSettingARepeatIsCalled(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), says(0, "A", "paid"), says(1, "A", "paid"))
	h.acceptAndCommit(orders(0), 0)
	h.wantInFlight("skipping is off", 1)
}

// acceptAndCommit accepts an event's call, and commits the event.
func (h *harness) acceptAndCommit(of event.Partition, offset int64) {
	h.tb.Helper()
	h.accept(of, offset)
	h.settle()
}

// paid returns a harness that skips repeats and knows from the first event that order A is paid.
func paid(t *testing.T, c dispatch.Config, all ...event.Partition) *harness {
	t.Helper()
	h := started(t, c, all...)
	h.read(orders(0), says(0, "A", "paid"))
	h.acceptAndCommit(orders(0), 0)
	return h
}

func TestTheStatusOfAnOrderIsForgotten(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(h *harness){
		"by a new generation": func(h *harness) {
			h.d.Lost()
			h.d.Assigned(h.now, []turn.Position{{Partition: orders(0), Next: 1}}, true)
			h.ask()
			h.pass(2100 * time.Millisecond) // the lease begins with a commit
			h.ack()
		},
		"by another API key": func(h *harness) { h.d.KeyChanged(h.now) },
		"by a manual pause": func(h *harness) {
			h.d.Followed(h.now, ledger.Entry{Event: ledger.GuardPause, By: "alice", At: h.now})
			h.d.Followed(h.now, ledger.Entry{Event: ledger.GuardResume, By: "alice", At: h.now})
		},
		"by a refusal": func(h *harness) {
			h.read(orders(0), says(1, "A", "bogus"))
			h.answer(orders(0), 1, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError"})
			h.d.Stored(h.now, h.stores[0].ID, true)
			h.settle()
		},
		"by a call with an unknown outcome": func(h *harness) {
			h.read(orders(1), says(0, "A", "submitted"))
			h.answer(orders(1), 0, retry.Verdict{Cause: "Timeout"})
		},
		"by a pause for the key": func(h *harness) {
			h.read(orders(0), says(1, "B", "paid"))
			h.answer(orders(0), 1, retry.Verdict{Kind: retry.Unauthorised, Cause: "HTTP 403"})
			for len(h.calls) == 0 {
				h.settle() // the probe needs a lease
			}
			h.acceptAndCommit(orders(0), 1)
		},
		"by a recreated partition": func(h *harness) {
			h.d.Restarted(h.now, orders(0), 0, 10)
			h.ask()
			h.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := paid(t, skipping(), orders(0), orders(1))
			forget(h)
			next := h.fetches[orders(0)].Offset
			h.read(orders(0), says(next, "A", "paid"))
			h.wantRepeats("forgotten")
			h.wantInFlight("forgotten", next)
		})
	}
}

func TestACallUnderAnotherAPIKeyIsNoProof(t *testing.T) {
	t.Parallel()
	h := started(t, skipping(), orders(0))
	h.read(orders(0), says(0, "A", "paid"))
	h.d.KeyChanged(h.now)
	h.acceptAndCommit(orders(0), 0)
	h.read(orders(0), says(1, "A", "paid"))
	h.wantRepeats("accepted under the old key")
	h.acceptAndCommit(orders(0), 1)
	h.read(orders(0), says(2, "A", "paid"))
	h.wantRepeats("accepted under the new key", 2)
}

// An order whose events are in two partitions has two lanes, which may both have a call in flight.
func TestACallInAnotherLaneForgetsTheStatus(t *testing.T) {
	t.Parallel()
	h := paid(t, skipping(), orders(0), orders(1))
	h.read(orders(1), says(0, "A", "submitted"))
	h.wantInFlight("another status", 0)
	h.read(orders(0), says(1, "A", "paid"))
	h.wantInFlight("the other lane's call may be applied at any time", 0, 1)
	h.acceptAndCommit(orders(0), 1)
	h.acceptAndCommit(orders(1), 0)
	h.read(orders(0), says(2, "A", "paid"))
	h.wantRepeats("two calls were in flight at once")
}

// If an order's events may be in two partitions, other workers may have made a call for the order in between.
func TestNothingIsARepeatOnceKeysDoNotKeepOrdersInOnePartition(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]struct {
		of            event.Partition
		key, order    string
		newGeneration bool
	}{
		"two partitions, as when producers hash keys differently": {of: orders(1), key: "A", order: "A"},
		"another key":                {of: orders(0), key: "order.submitted", order: "A"},
		"the key of another order":   {of: orders(0), key: "B", order: "C"},
		"no key":                     {of: orders(0), order: "C"},
		"no key, before a rebalance": {of: orders(0), order: "C", newGeneration: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := paid(t, skipping(), orders(0), orders(1))
			h.read(orders(0), says(1, "B", "paid"))
			h.acceptAndCommit(orders(0), 1)
			h.read(orders(0), says(2, "B", "paid"))
			h.wantRepeats("one key for each order", 2)
			at := h.fetches[second.of].Offset
			h.read(second.of, keyed(says(at, second.order, "submitted"), second.key))
			h.acceptAndCommit(second.of, at)
			want := turn.Spread{Place: event.Place{Topic: "orders", Partition: second.of.Number, Offset: at}}
			if h.spread == nil || *h.spread != want {
				t.Errorf("got %v as the event that ended the skipping, want %v", h.spread, want)
			}
			if second.newGeneration {
				h.d.Lost()
				h.d.Assigned(h.now, []turn.Position{{Partition: orders(0), Next: 4}}, true)
				h.ask()
				h.pass(2100 * time.Millisecond) // the lease begins with a commit
				h.ack()
			}
			for range 2 {
				next := h.fetches[orders(0)].Offset
				h.read(orders(0), says(next, "B", "paid"))
				h.wantRepeats("other workers may have this worker's orders")
				h.acceptAndCommit(orders(0), next)
			}
		})
	}
}

func TestOnlyAnEventWithTheSameKeyIsARepeat(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][2]string{
		"two keys":                            {"1", "2"},
		"two keys with one FNV-1a sum":        {"8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"},
		"a key that ends with the status":     {"1", "1paid"},
		"a key that is the other's beginning": {"12", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := started(t, skipping(), orders(0))
			h.read(orders(0), keyed(says(0, "A", "paid"), keys[0]))
			h.acceptAndCommit(orders(0), 0)
			h.read(orders(0), keyed(says(1, "A", "paid"), keys[1]))
			h.wantRepeats("the keys differ")
			h.wantInFlight("the keys differ", 1)
		})
	}
}

// A replay does not have the key of its event, so it shows nothing about how the shop uses keys.
func TestAReplayDoesNotEndTheSkipping(t *testing.T) {
	t.Parallel()
	c := skipping()
	c.Replays, c.Worker = true, "worker"
	c.Explain = func(key []byte, _, _ int) bool { return len(key) > 0 }
	h := started(t, c, orders(0))
	h.d.CaughtUp()
	h.ask()
	h.read(orders(0), says(0, "a", "bogus"))
	h.answer(orders(0), 0, refusal())
	h.store()
	h.settle()
	h.follow(ledger.LetterReplay, 0, 1)
	h.take(0, "a")
	h.accept(orders(0), 0)
	h.appended(true, ledger.LetterResolved, 0)
	h.read(orders(0), says(1, "a", "paid"))
	h.accept(orders(0), 1)
	h.appended(true, ledger.LetterOvertaken, 0)
	h.settle()
	h.read(orders(0), says(2, "a", "paid"))
	h.wantRepeats("the order's events have one key", 2)
}

// LeadHit may apply a call after it has accepted later ones. In that case, the next event about the order corrects the
// status.
func TestAnOrderWhoseCallHadNoResponseIsCalledForAWhile(t *testing.T) {
	t.Parallel()
	h := started(t, skipping(), orders(0))
	h.read(orders(0), says(0, "A", "submitted"))
	h.answer(orders(0), 0, retry.Verdict{Kind: retry.Again, Cause: "Timeout"})
	h.pass(time.Minute)
	h.acceptAndCommit(orders(0), 0)
	next := int64(1)
	for _, test := range []struct {
		after  time.Duration
		repeat bool
	}{{0, false}, {2 * time.Minute, false}, {2 * time.Minute, false}, {0, true}} {
		h.pass(test.after)
		h.settle()
		before := len(h.repeats)
		h.read(orders(0), says(next, "A", "submitted"))
		if repeat := len(h.repeats) > before; repeat != test.repeat {
			t.Fatalf("offset %d: got a repeat: %v, want %v", next, repeat, test.repeat)
		}
		if !test.repeat {
			h.acceptAndCommit(orders(0), next)
		}
		next++
	}
}

// LeadHit starts to refuse all calls, and six of ten events repeat statuses that LeadHit had already accepted.
func TestRepeatsHideNoFlood(t *testing.T) {
	t.Parallel()
	c := skipping()
	c.FloodGuard, c.Worker, c.Build, c.WindowEvents = true, "worker", "build", 10_000
	h := started(t, c, orders(0))
	next := int64(0)
	say := func(order string, v retry.Verdict) {
		h.read(orders(0), says(next, order, "paid"))
		if len(h.calls) > 0 {
			h.answer(orders(0), next, v)
		}
		for _, s := range h.stores {
			h.d.Stored(h.now, s.ID, true)
		}
		h.stores = nil
		h.settle()
		next++
	}
	for i := range 600 {
		say(fmt.Sprint("old ", i), accepted())
	}
	n := 0
	for ; n < 1000 && h.d.Pause().Kind == ""; n++ {
		order := fmt.Sprint("new ", n)
		if n%10 < 6 {
			order = fmt.Sprint("old ", n)
		}
		say(order, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError"})
	}
	if letters := 4 * n / 10; letters > 150 || len(h.repeats) < n/2 {
		t.Errorf("got %d letters and %d repeats in %d events, want a pause after 100 letters", letters, len(h.repeats), n)
	}
}

func TestACallOfAnEndedGenerationBesideAnotherIsNoProof(t *testing.T) {
	t.Parallel()
	h := started(t, skipping(), orders(0))
	h.read(orders(0), says(0, "A", "submitted"))
	late := h.call(orders(0), 0)
	h.assign(true, orders(1))
	h.ack()
	h.read(orders(1), says(0, "A", "paid"))
	h.acceptAndCommit(orders(1), 0)
	h.read(orders(1), says(1, "A", "paid"))
	h.wantRepeats("the old call may still be applied")
	h.d.Answered(h.now, late.ID, accepted())
	h.ask()
	h.acceptAndCommit(orders(1), 1)
	h.read(orders(1), says(2, "A", "paid"))
	h.wantRepeats("the two calls were in flight at once")
	h.acceptAndCommit(orders(1), 2)
	h.read(orders(1), says(3, "A", "paid"))
	h.wantRepeats("alone", 3)
}

// An event about several orders has the key of one of them, so the others may be in any partition.
func TestAnEventAboutSeveralOrdersEndsTheSkipping(t *testing.T) {
	t.Parallel()
	h := paid(t, skipping(), orders(0))
	h.read(orders(0), keyed(eventOf(1, "A", "B"), "A"))
	h.wantRepeats("A is paid", 1)
	h.wantInFlight("B has another key", 1)
	h.acceptAndCommit(orders(0), 1)
	h.read(orders(0), says(2, "A", "paid"))
	h.wantRepeats("A may be in other partitions, too")
}

// Each order has four events. Three in five events are repeats.
func TestCallsFallByTheShareOfRepeatsExactly(t *testing.T) {
	t.Parallel()
	const shop, rounds = 500, 4
	c := flowSettings()
	c.SkipRepeats = true
	f := newFlow(t, c)
	holds := map[string]string{}
	f.leadhit = func(_ time.Duration, c turn.Call) (time.Duration, retry.Verdict) {
		holds[c.Order] = c.Status
		return 20 * time.Millisecond, accepted()
	}
	dice := rand.New(rand.NewPCG(1, 2))
	said, changes := map[string]string{}, 0
	for round := range rounds {
		for i := range shop {
			order := fmt.Sprint("order ", i)
			if next := fmt.Sprint("status ", round); round == 0 || dice.Float64() >= 0.8 {
				said[order] = next
				changes++
			}
			f.write(0, i, event.Item{Action: event.Call, OrderID: order, Status: said[order]})
		}
	}
	f.until(30 * time.Second)
	s := f.d.Snapshot()
	if len(f.done) != changes || s.Repeats != uint64(shop*rounds-changes) || s.Finished != shop*rounds {
		t.Errorf("of %d events with %d changes of a status, got %d calls, %d repeats, %d finished",
			shop*rounds, changes, len(f.done), s.Repeats, s.Finished)
	}
	if share := float64(s.Repeats) / (shop * rounds); share < 0.55 || share > 0.65 {
		t.Errorf("got a share of %.2f repeats, want 0.55 to 0.65", share)
	}
	if !maps.Equal(holds, said) {
		t.Error("LeadHit holds an older status of some order")
	}
}

func TestARepeatIsListedUntilItIsCommitted(t *testing.T) {
	t.Parallel()
	h := paid(t, skipping(), orders(0))
	h.read(orders(0), says(1, "A", "paid"))
	items, _ := h.d.OrderItems("A")
	if len(items) != 1 || items[0].Doing != "commit" || !items[0].Repeat || items[0].Attempts != 0 {
		t.Errorf("got %+v, want a repeat that waits for its commit", items)
	}
}

func TestARepeatMarksOlderLetters(t *testing.T) {
	t.Parallel()
	c := skipping()
	c.Replays, c.Worker = true, "w1"
	h := started(t, c, orders(0))
	h.d.CaughtUp()
	h.read(orders(0), says(0, "A", "paid"))
	h.acceptAndCommit(orders(0), 0)
	bad := turn.Event{Offset: 1, Time: h.now, Bytes: 100, Items: []event.Item{{Action: event.Refuse, OrderID: "A", Cause: "NotJSON"}}}
	h.read(orders(0), bad)
	h.d.Stored(h.now, h.stores[0].ID, true)
	h.ask()
	h.read(orders(0), says(2, "A", "paid"))
	h.wantRepeats("the letter was never sent", 2)
	h.settle()
	if got := h.d.Snapshot().Partitions[0].Committed; got != 2 {
		t.Errorf("before the mark is stored: committed %d, want 2", got)
	}
	if h.append == nil || len(h.append.Entries) != 1 || h.append.Entries[0].Event != ledger.LetterOvertaken {
		t.Fatalf("got %+v, want the mark of the older letter", h.append)
	}
	h.d.Appended(h.now, h.append.ID, true)
	h.append = nil
	h.ask()
	h.settle()
	if got := h.d.Snapshot().Partitions[0].Committed; got != 3 {
		t.Errorf("committed %d, want 3", got)
	}
}
