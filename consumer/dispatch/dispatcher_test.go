package dispatch_test

import (
	"slices"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

func TestNothingIsCalledBeforeTheFirstCommitIsAcknowledged(t *testing.T) {
	t.Parallel()
	h := unstarted(t, settings())
	h.assign(true, orders(0), orders(1))
	if got := len(h.commit.Offsets); got != 2 {
		t.Fatalf("first commit: got %d partitions, want both", got)
	}
	h.read(orders(0), eventOf(0, "a"))
	h.wantInFlight("before the first commit's response")
	h.ack()
	h.wantInFlight("after it", 0)
}

func TestTheNextEventOfAnOrderWaitsForAnAcknowledgedCommit(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "a"), eventOf(2, "b"))
	h.wantInFlight("the first of each order", 0, 2)
	h.accept(orders(0), 0)
	h.wantInFlight("accepted, not committed", 2)
	h.pass(20 * time.Millisecond)
	if h.commit == nil {
		t.Fatal("an order waits, but no commit went out within 20 ms")
	}
	h.wantInFlight("the commit is in flight", 2)
	h.answerCommit(turn.CommitAnswer{Outcome: turn.NotSent})
	h.wantInFlight("the commit was not sent", 2)
	h.pass(time.Second)
	h.ack()
	h.wantInFlight("the commit is acknowledged", 2, 1)
}

func TestAnEventAboutSeveralOrdersWaitsForAllAndAllWaitForIt(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "a", "b", "c"), eventOf(3, "c"))
	h.wantInFlight("the first of a and b", 0, 1)
	h.accept(orders(0), 0)
	h.settle()
	h.wantInFlight("b is not yet free", 1)
	h.accept(orders(0), 1)
	h.settle()
	h.wantInFlight("one call for each order", 2, 2, 2)
	h.accept(orders(0), 2)
	h.accept(orders(0), 2)
	h.settle()
	h.wantInFlight("c waits for the rest of the event", 2)
	h.accept(orders(0), 2)
	h.settle()
	h.wantInFlight("all accepted and committed", 3)
}

func TestOfTheItemsForOneOrderOnlyTheLastIsCalled(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	e := eventOf(0, "a", "b", "a")
	e.Items[0].Status, e.Items[2].Status = "submitted", "paid"
	h.read(orders(0), e)
	h.wantInFlight("two orders", 0, 0)
	for _, c := range h.calls {
		if c.Order == "a" && (c.Item != 2 || c.Status != "paid") {
			t.Errorf("order a: got item %d (%s), want item 2", c.Item, c.Status)
		}
	}
}

func TestOrdersOfTwoTopicsShareALaneWherePartitionNumbersAgree(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0), returns(0))
	h.read(orders(0), eventOf(0, "a"))
	h.read(returns(0), eventOf(7, "a"))
	h.wantInFlight("one call of order a", 0)
}

func TestARefusedEventIsFinishedOnlyWhenItsLetterIsStored(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"))
	h.answer(orders(0), 0, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true})
	if len(h.stores) != 1 || h.stores[0].Verdict.Cause != "ValidationError" || h.stores[0].Attempts != 1 {
		t.Fatalf("stores: got %+v, want one for ValidationError after one call", h.stores)
	}
	h.d.Stored(h.now, h.stores[0].ID, false)
	h.ask()
	h.pass(2 * time.Second)
	if got := h.commitNext(orders(0)); got != 0 {
		t.Fatalf("the letter is not stored: got commit %d, want 0", got)
	}
	if len(h.stores) != 2 {
		t.Fatalf("got %d attempts to store, want 2", len(h.stores))
	}
	h.d.Stored(h.now, h.stores[1].ID, true)
	h.ask()
	h.pass(time.Second)
	if got := h.commitNext(orders(0)); got != 1 {
		t.Fatalf("the letter is stored: got commit %d, want 1", got)
	}
}

// commitNext acknowledges the commits in flight, and returns the committed offset of a partition.
func (h *harness) commitNext(p event.Partition) int64 {
	for h.commit != nil {
		h.ack()
	}
	for _, s := range h.d.Snapshot().Partitions {
		if s.Partition == p {
			return s.Committed
		}
	}
	return -1
}

func TestRetryAfterHoldsBackAllOrders(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	h.answer(orders(0), 0, retry.Verdict{Cause: "HTTP 503", RetryAfter: 5 * time.Second})
	h.accept(orders(0), 1)
	h.read(orders(0), eventOf(2, "c"))
	h.wantInFlight("LeadHit asked for 5 s")
	h.settle()
	h.pass(4500 * time.Millisecond)
	h.wantInFlight("after 4.8 s")
	for range 3 {
		h.settle()
		h.pass(400 * time.Millisecond)
	}
	h.wantInFlight("after 6 s at the latest: a fifth more", 0, 2)
}

func TestAnOrderThatFailsWhileOthersSucceedEndsAsALetter(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Retry.MaxElapsed, c.Retry.Max = time.Minute, 5*time.Second
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "bad"))
	began := h.now
	for offset := int64(1); len(h.stores) == 0 && offset < 1000; offset++ {
		h.read(orders(0), eventOf(offset, "good"))
		for len(h.calls) > 0 {
			if c := h.calls[0]; c.Order == "bad" {
				h.answer(orders(0), c.Offset, retry.Verdict{Cause: "ServerError", Answered: true})
			} else {
				h.accept(orders(0), c.Offset)
			}
		}
		h.settle()
	}
	if len(h.stores) != 1 || h.stores[0].Verdict.Cause != "RetriesExhausted" {
		t.Fatalf("got %+v, want a letter for RetriesExhausted", h.stores)
	}
	if took := h.now.Sub(began); took < time.Minute {
		t.Errorf("given up after %v, want at least a minute", took)
	}
}

func TestTimeInWhichAnOrderCouldNotBeTriedDoesNotCountAgainstIt(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Retry.MaxElapsed = time.Minute
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	h.pass(2 * time.Second)
	h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
	h.pass(5 * time.Minute) // the commit gets no response: no lease, no calls
	h.accept(orders(0), 1)
	for len(h.calls) == 0 {
		h.pass(300 * time.Millisecond)
		for h.commit != nil {
			h.ack()
		}
	}
	h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
	if len(h.stores) != 0 {
		t.Fatalf("given up after two calls: %+v", h.stores)
	}
}

func TestAnOutageEndsNoOrderAsALetter(t *testing.T) {
	t.Parallel()
	c := settings()
	c.Retry.MaxElapsed, c.Retry.Max = time.Minute, 5*time.Second
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	for range 2000 {
		for len(h.calls) > 0 {
			h.answer(orders(0), h.calls[0].Offset, retry.Verdict{Cause: "Timeout"})
		}
		h.settle()
	}
	if len(h.stores) != 0 {
		t.Fatalf("got letters %+v in an outage", h.stores)
	}
}

func TestFullMetadataHoldsBackNewCallsButNoRetryAndNotTheLowestEvent(t *testing.T) {
	t.Parallel()
	c := settings()
	c.MetadataBytes = 43 // space for two gaps of two bytes
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "c"), eventOf(3, "d"), eventOf(4, "e"))
	h.wantInFlight("two gaps fit", 0, 1, 2)
	if s := h.d.Snapshot().Partitions[0]; !s.Full {
		t.Error("the partition is not shown as full")
	}
	h.answer(orders(0), 1, retry.Verdict{Cause: "Timeout"})
	h.pass(time.Second)
	h.wantInFlight("the retry needs no space", 0, 2, 1)
	h.accept(orders(0), 0)
	h.settle()
	h.wantInFlight("one gap less", 2, 1, 3)
}

func TestAFetchOfAnEndedGenerationIsIgnored(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"))
	late := h.fetches[orders(0)] // the second fetch
	h.d.Lost()
	h.assign(false, orders(0))
	h.d.Fetched(h.now, h.fetches[orders(0)], nil, 0)
	h.ask() // starts the second fetch of this generation
	h.d.Fetched(h.now, late, []turn.Event{eventOf(5, "b")}, 6)
	h.ask()
	if got := h.d.Snapshot().Partitions[0].Position; got != 0 {
		t.Fatalf("position: got %d, want 0", got)
	}
}

func TestCallsOfAnEndedGenerationKeepTheirSlotsAndOrders(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "c"))
	h.d.Lost()
	orphans := slices.Clone(h.calls)
	h.calls = nil
	h.assign(true, orders(0))
	h.ack()
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), eventOf(2, "c"), eventOf(3, "d"), eventOf(4, "e"))
	h.wantInFlight("one slot is free, and its order has no call", 3)
	h.d.Answered(h.now, orphans[0].ID, retry.Verdict{Kind: retry.Done, Answered: true})
	h.ask()
	h.wantInFlight("one more slot is free, and order a may be called", 3, 0)
	h.d.Answered(h.now, orphans[1].ID, retry.Verdict{Kind: retry.Unauthorised})
	h.ask()
	h.wantInFlight("an old call's verdict on the key counts", 3, 0)
	if got := h.d.Snapshot().Pause.Kind; got != retry.Unauthorised.String() {
		t.Errorf("paused: got %v, want %v", got, retry.Unauthorised)
	}
}

func TestADeferredEventBeginsWhenAnotherAboutSeveralOrdersHasEnded(t *testing.T) {
	t.Parallel()
	c := settings()
	c.CallsInFlight = 2
	h := started(t, c, orders(0))
	h.read(orders(0), eventOf(0, "stuck"), eventOf(1, "a", "b"), eventOf(2, "c", "d"), eventOf(3, "e", "f"))
	h.answer(orders(0), 0, retry.Verdict{Cause: "HTTP 502", Code: 502})
	h.wantInFlight("the first about two orders", 1, 1)
	h.accept(orders(0), 1)
	h.wantInFlight("the second about two orders", 1, 2)
	h.answer(orders(0), 2, retry.Verdict{Cause: "HTTP 502", Code: 502})
	h.wantInFlight("its other order", 1, 2)
	h.answer(orders(0), 2, retry.Verdict{Cause: "HTTP 502", Code: 502})
	h.wantInFlight("the third is deferred: two are partly done", 1)
	h.accept(orders(0), 1)
	h.wantInFlight("one has ended", 3, 3)
}

func TestASnapshotCountsWaitingAndBlockedEvents(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "a"), eventOf(2, "b"), eventOf(3, "c"), eventOf(4, "d"),
		eventOf(5, "e"))
	h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
	h.answer(orders(0), 2, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true})
	s := h.d.Snapshot()
	if s.InFlight != 3 || s.Waiting != 1 || s.Blocked != 1 || s.Letters != 1 {
		t.Errorf("got %d in flight, %d waiting, %d blocked, %d letters, want 3, 1, 1, 1", s.InFlight, s.Waiting,
			s.Blocked, s.Letters)
	}
	p := s.Partitions[0]
	if p.Unfinished != 6 || p.Bytes != 600 || p.OldestOffset != 0 || p.Position != 6 {
		t.Errorf("got %+v, want 6 unfinished events of 600 bytes, the oldest at 0", p)
	}
}
