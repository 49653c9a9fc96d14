package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// harness drives a dispatcher step by step. It keeps the effects that have started but not ended.
type harness struct {
	tb      testing.TB
	d       *dispatch.Dispatcher
	now     time.Time
	calls   []turn.Call
	stores  []turn.Store
	fetches map[event.Partition]turn.Fetch
	commit  *turn.Commit
	takes   []turn.Take
	repeats []turn.Repeat
	spread  *turn.Spread
	append  *turn.Append
	last    turn.Effects
	// partitions is the topic's partition count, as passed to the dispatcher; 0 if it is unknown.
	partitions int
}

func orders(number int) event.Partition {
	return event.Partition{Topic: "orders", Number: number}
}

func returns(number int) event.Partition {
	return event.Partition{Topic: "returns", Number: number}
}

func settings() dispatch.Config {
	return dispatch.Config{
		CallsInFlight: 4, WindowEvents: 100, WindowBytes: 1 << 20, FetchBytes: 1 << 16,
		Session: 12 * time.Second, CallTimeout: 3 * time.Second, MetadataBytes: 4096,
		Retry: retry.Policy{
			Initial: time.Second, Max: time.Minute, MaxElapsed: 15 * time.Minute, Random: rand.New(rand.NewPCG(1, 2)),
		},
	}
}

// unstarted returns a harness without a generation.
func unstarted(tb testing.TB, c dispatch.Config) *harness {
	tb.Helper()
	return &harness{
		tb: tb, d: dispatch.New(c), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		fetches: map[event.Partition]turn.Fetch{},
	}
}

// started returns a harness whose generation owns the given partitions, from offset 0 on, and whose first commit is
// acknowledged.
func started(tb testing.TB, c dispatch.Config, owned ...event.Partition) *harness {
	tb.Helper()
	h := unstarted(tb, c)
	h.assign(true, owned...)
	h.ack()
	return h
}

func (h *harness) assign(newMember bool, owned ...event.Partition) {
	positions := []turn.Position{}
	for _, p := range owned {
		positions = append(positions, turn.Position{Partition: p, Uncommitted: true, Partitions: h.partitions})
	}
	h.commit = nil
	clear(h.fetches)
	h.d.Assigned(h.now, positions, newMember)
	h.ask()
}

// ask calls Next and records the effects.
func (h *harness) ask() {
	e := h.d.Next(h.now)
	h.last = e
	h.calls = append(h.calls, e.Calls...)
	h.stores = append(h.stores, e.Stores...)
	h.takes = append(h.takes, e.Takes...)
	h.repeats = append(h.repeats, e.Repeats...)
	if e.Spread != nil {
		h.spread = e.Spread
	}
	if e.Append != nil {
		if h.append != nil {
			h.tb.Fatal("two appends in flight")
		}
		h.append = e.Append
	}
	for _, f := range e.Fetches {
		h.fetches[f.Partition] = f
	}
	if e.Commit != nil {
		if h.commit != nil {
			h.tb.Fatal("two commits in flight")
		}
		h.commit = e.Commit
	}
}

// pass advances the time by d, and calls Next whenever a Wake is due.
func (h *harness) pass(d time.Duration) {
	end := h.now.Add(d)
	for !h.last.Wake.IsZero() && !h.last.Wake.After(end) {
		h.now = h.last.Wake
		h.ask()
	}
	h.now = end
}

func (h *harness) answerCommit(a turn.CommitAnswer) {
	h.tb.Helper()
	if h.commit == nil {
		h.tb.Fatal("no commit in flight")
	}
	id := h.commit.ID
	h.commit = nil
	h.d.Committed(h.now, id, a)
	h.ask()
}

func (h *harness) ack() {
	h.tb.Helper()
	h.answerCommit(turn.CommitAnswer{})
}

// settle waits 300 ms, and acknowledges commits until none is in flight.
func (h *harness) settle() {
	h.pass(300 * time.Millisecond)
	for h.commit != nil {
		h.ack()
	}
}

// read ends the fetch of a partition with the given events. The next offset is the one after the last event.
func (h *harness) read(p event.Partition, events ...turn.Event) {
	h.tb.Helper()
	f, ok := h.fetches[p]
	if !ok {
		h.tb.Fatalf("%v is not being fetched", p)
	}
	delete(h.fetches, p)
	h.d.Fetched(h.now, f, events, events[len(events)-1].Offset+1)
	h.ask()
}

// call returns the call for the event at the given offset, and removes it from those in flight.
func (h *harness) call(p event.Partition, offset int64) turn.Call {
	h.tb.Helper()
	for i, c := range h.calls {
		if c.Partition == p && c.Offset == offset {
			h.calls = slices.Delete(h.calls, i, i+1)
			return c
		}
	}
	h.tb.Fatalf("no call about %v/%d in flight: %v", p, offset, h.inFlight())
	return turn.Call{}
}

func (h *harness) answer(p event.Partition, offset int64, v retry.Verdict) {
	h.tb.Helper()
	h.d.Answered(h.now, h.call(p, offset).ID, v)
	h.ask()
}

func (h *harness) accept(p event.Partition, offset int64) {
	h.tb.Helper()
	h.answer(p, offset, retry.Verdict{Kind: retry.Done, Answered: true})
}

// inFlight lists the offsets of the calls in flight.
func (h *harness) inFlight() []int64 {
	offsets := []int64{}
	for _, c := range h.calls {
		offsets = append(offsets, c.Offset)
	}
	return offsets
}

func (h *harness) wantInFlight(why string, want ...int64) {
	h.tb.Helper()
	if got := h.inFlight(); !slices.Equal(got, want) {
		h.tb.Fatalf("%s: got calls about %v, want %v", why, got, want)
	}
}

// eventOf returns an event that asks for one call for each of the given orders.
func eventOf(offset int64, orders ...string) turn.Event {
	e := turn.Event{Offset: offset, Time: time.UnixMilli(1_700_000_000_000 + offset), Bytes: 100}
	for _, o := range orders {
		e.Items = append(e.Items, event.Item{Action: event.Call, OrderID: o, Status: "paid"})
	}
	return e
}
