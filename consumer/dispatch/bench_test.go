package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// BenchmarkCore moves events through the core alone: they are fetched, sent, accepted and committed. There are 1,000
// orders, 12 partitions and 64 calls in flight. Each iteration is one event.
func BenchmarkCore(b *testing.B) {
	const partitions, batch = 12, 100
	c := settings()
	c.CallsInFlight, c.WindowEvents = 64, 10_000
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := dispatch.New(c)
	positions := []turn.Position{}
	for i := range partitions {
		positions = append(positions, turn.Position{Partition: event.Partition{Topic: "orders", Number: i}})
	}
	d.Assigned(now, positions, true)
	items := make([][]event.Item, 1000)
	for i := range items {
		items[i] = []event.Item{{Action: event.Call, OrderID: fmt.Sprintf("order-%d", i), Status: "paid"}}
	}
	events := make([]turn.Event, batch)
	calls := []uint64{}
	b.ReportAllocs()
	for n, fed := 0, 0; n < b.N; {
		now = now.Add(20 * time.Microsecond)
		e := d.Next(now)
		for _, call := range e.Calls {
			calls = append(calls, call.ID)
		}
		for _, f := range e.Fetches {
			for i := range events {
				fed++
				events[i] = turn.Event{
					Offset: f.Offset + int64(i), Time: now, Bytes: 200, Items: items[fed%len(items)],
				}
			}
			d.Fetched(now, f, events, f.Offset+batch)
		}
		if e.Commit != nil {
			d.Committed(now, e.Commit.ID, turn.CommitAnswer{})
		}
		if len(calls) > 0 {
			d.Answered(now, calls[0], retry.Verdict{Kind: retry.Done, Answered: true})
			calls = append(calls[:0], calls[1:]...)
			n++
		}
	}
}
