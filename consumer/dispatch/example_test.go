package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// This example follows one event, which is fetched, sent, accepted and committed.
func Example() {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := dispatch.New(dispatch.Config{
		CallsInFlight: 64, WindowEvents: 10_000, WindowBytes: 16 << 20, FetchBytes: 1 << 20,
		Session: 10 * time.Second, CallTimeout: 3 * time.Second, MetadataBytes: 4096,
		Retry: retry.Policy{Initial: 500 * time.Millisecond, Max: time.Minute, Random: rand.New(rand.NewPCG(1, 2))},
	})
	orders := event.Partition{Topic: "orders", Number: 3}

	d.Assigned(now, []turn.Position{{Partition: orders, Next: 42}}, true)
	e := d.Next(now)
	fetch, first := e.Fetches[0], *e.Commit
	fmt.Println("fetch from", fetch.Offset)

	// No call starts before a commit has shown that the partition is ours.
	d.Committed(now, first.ID, turn.CommitAnswer{Outcome: turn.Acked})
	d.Fetched(now, fetch, []turn.Event{
		{Offset: 42, Time: now, Items: []event.Item{{Action: event.Call, OrderID: "A-17", Status: "paid"}}},
	}, 43)
	call := d.Next(now).Calls[0]
	fmt.Println("call", call.Order, call.Status, "for", call.Offset)

	now = now.Add(20 * time.Millisecond)
	d.Answered(now, call.ID, retry.Verdict{Kind: retry.Done, Answered: true})
	now = d.Next(now).Wake // nothing is due before then
	commit := d.Next(now).Commit
	fmt.Println("commit", commit.Offsets[0].Next)
	// Output:
	// fetch from 42
	// call A-17 paid for 42
	// commit 43
}
