package dispatch_test

import (
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

func TestTheOrdersThatWaitAreListedWithTheirLastAnswer(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0), orders(1))
	h.read(orders(1), eventOf(1, "b"))
	h.read(orders(0), eventOf(5, "a"), eventOf(6, "a"), eventOf(7, "c"))
	h.answer(orders(0), 5, retry.Verdict{Cause: "HTTP 502", Code: 502, Message: "bad gateway"})
	h.answer(orders(1), 1, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true})
	if got := h.d.WaitingOrders(10); len(got) != 1 || got[0].Order != "a" {
		t.Errorf("got %+v, want order a alone while the letter is in flight", got)
	}
	h.d.Stored(h.now, h.stores[0].ID, false)
	h.ask()

	got := h.d.WaitingOrders(10)
	if len(got) != 2 {
		t.Fatalf("got %+v, want two: the event behind another of its order and the one in flight do not wait", got)
	}
	letter, call := got[0], got[1]
	if letter.Topic != "orders" || letter.Partition != 1 || letter.Offset != 1 || !letter.Letter || letter.Last.Cause != "ValidationError" ||
		!letter.Next.After(h.now) {
		t.Errorf("got %+v first, want the older event, whose letter is stored again later", letter)
	}
	if call.Order != "a" || call.Status != "paid" || call.Offset != 5 || call.Attempts != 1 || call.Letter ||
		call.Last.Code != 502 || call.Last.Message != "bad gateway" || call.Next.Before(h.now) ||
		call.Next.After(h.now.Add(time.Second)) || !call.Since.Equal(eventOf(5).Time) {
		t.Errorf("got %+v, want one attempt for order a, its response and the next attempt within a second", call)
	}
	if got := h.d.WaitingOrders(1); len(got) != 1 || got[0].Offset != 1 {
		t.Errorf("got %+v for a limit of one order, want the oldest", got)
	}
	if s := h.d.Snapshot(); s.Waiting != 1 || s.Blocked != 1 || s.Letters != 0 {
		t.Errorf("got %d waiting, %d blocked, %d letters; want 1, 1 and 0", s.Waiting, s.Blocked, s.Letters)
	}
}

func TestAnOrderThatWaitsForTheEndOfAPauseHasNoTimeOfItsNextTry(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	h.answer(orders(0), 0, retry.Verdict{Cause: "Timeout"})
	h.answer(orders(0), 1, retry.Verdict{Kind: retry.Unauthorised, Cause: "HTTP 403", Code: 403})
	h.pass(10 * time.Second) // its wait is over, but the pause is not
	got := h.d.WaitingOrders(10)
	if len(got) != 2 || !got[0].Next.IsZero() || got[0].Last.Cause != "Timeout" || !got[1].Next.IsZero() || got[1].Last.Cause != "HTTP 403" {
		t.Errorf("got %+v, want both orders, their outcomes, and no time", got)
	}
	if s := h.d.Snapshot(); s.Waiting != 2 {
		t.Errorf("got %d waiting, want 2", s.Waiting)
	}
}

func TestWhatNeedsNothingMoreIsCountedOverGenerations(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	ignored := turn.Event{Offset: 2, Items: []event.Item{{Action: event.Ignore}}}
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), ignored)
	h.accept(orders(0), 1)
	if s := h.d.Snapshot(); s.Finished != 2 || s.Passed != 0 {
		t.Errorf("got %d finished, %d passed over; want the accepted and the ignored one, and none", s.Finished,
			s.Passed)
	}
	h.pass(time.Second)
	metadata := h.commit.Offsets[0].Metadata
	h.d.Lost()
	h.d.Assigned(h.now, []turn.Position{{Partition: orders(0), Next: 0, Metadata: metadata}}, true)
	h.commit = nil
	h.ask()
	h.ack()
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"), ignored)
	if s := h.d.Snapshot(); s.Finished != 3 || s.Passed != 1 {
		t.Errorf("got %d finished, %d passed over; want 3 and 1: the commit's metadata names the sent event, not the ignored one",
			s.Finished, s.Passed)
	}
}

func TestTheTimeInWhichTheWindowIsFullAddsUpOverGenerations(t *testing.T) {
	t.Parallel()
	c := settings()
	c.WindowEvents = 2
	h := started(t, c, orders(0), orders(1))
	if got := h.d.Snapshot().Rested; len(got) != 2 || got[orders(0)] != 0 {
		t.Errorf("got %v, want a zero for each partition from the start", got)
	}
	h.read(orders(0), eventOf(0, "a"), eventOf(1, "b"))
	h.pass(3 * time.Second)
	h.ask()
	s := h.d.Snapshot()
	if got := s.Rested[orders(0)]; got != 3*time.Second || !s.Partitions[0].Resting || s.Partitions[1].Resting {
		t.Errorf("got %v and %+v, want three seconds of the first partition", got, s.Partitions)
	}
	h.accept(orders(0), 0)
	h.accept(orders(0), 1)
	h.pass(5 * time.Second)
	if s = h.d.Snapshot(); s.Rested[orders(0)] != 3*time.Second || s.Partitions[0].Resting {
		t.Errorf("got %v, want three seconds still: the window is no longer full", s.Rested)
	}
	h.read(orders(0), eventOf(2, "a"), eventOf(3, "b"))
	h.pass(time.Second)
	h.ask()
	h.d.Lost()
	h.assign(true, orders(0))
	if got := h.d.Snapshot().Rested[orders(0)]; got != 4*time.Second {
		t.Errorf("got %v in the next generation, want four seconds", got)
	}
}

// TestAPartitionWithASmallShareOfTheWindowGoesOnBesideAnUnfinishedEvent: with many partitions, a share is smaller than
// the maximum size of a fetch.
func TestAPartitionWithASmallShareOfTheWindowGoesOnBesideAnUnfinishedEvent(t *testing.T) {
	t.Parallel()
	c := settings()
	c.WindowBytes, c.FetchBytes = 2000, 1<<20
	h := started(t, c, orders(0), orders(1))
	h.read(orders(0), eventOf(0, "a"))
	f, ok := h.fetches[orders(0)]
	if held := h.d.Snapshot().Partitions[0].Bytes; !ok || held+int64(f.Bytes) > 1000 {
		t.Errorf("got %+v, %v beside %d bytes, want a fetch that fits into 1000 bytes with them", f, ok, held)
	}
}

// TestTheAgeOfAPartitionIsThatOfItsOldestEvent: producers' timestamps need not be in order.
func TestTheAgeOfAPartitionIsThatOfItsOldestEvent(t *testing.T) {
	t.Parallel()
	c := settings()
	c.CallsInFlight = 1
	h := started(t, c, orders(0))
	since := func(e turn.Event, seconds int) turn.Event {
		e.Since = h.now.Add(time.Duration(seconds) * time.Second)
		return e
	}
	h.read(orders(0), since(eventOf(0, "a"), -1), since(eventOf(1, "b"), -2), since(eventOf(2, "c"), -90),
		since(eventOf(3, "d"), -30))
	oldest := h.now.Add(-90 * time.Second)
	s := h.d.Snapshot().Partitions[0]
	if !s.Oldest.Equal(oldest) || !s.Untried.Equal(oldest) || s.OldestOffset != 0 {
		t.Errorf("got %+v, want the age of the third event, and the first one's offset", s)
	}
	h.accept(orders(0), 0)
	h.pass(time.Second)
	h.accept(orders(0), 1)
	h.ack()
	h.accept(orders(0), 2)
	s = h.d.Snapshot().Partitions[0]
	if !s.Oldest.Equal(oldest.Add(time.Minute)) || !s.Untried.Equal(s.Oldest) || s.OldestOffset != 3 {
		t.Errorf("got %+v, want the last event's age", s)
	}
}
