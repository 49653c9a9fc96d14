package dispatch_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// acceptEach reads a "paid" event for each order, accepts the calls, and commits.
func (h *harness) acceptEach(orders ...string) {
	h.tb.Helper()
	at := h.fetches[ordersZero].Offset
	events := []turn.Event{}
	for i, o := range orders {
		events = append(events, says(at+int64(i), o, "paid"))
	}
	h.read(ordersZero, events...)
	for len(h.calls) > 0 {
		h.accept(ordersZero, h.calls[0].Offset)
	}
	h.settle()
}

var ordersZero = orders(0)

func TestTheLeastRecentlyUsedOrderIsForgotten(t *testing.T) {
	t.Parallel()
	h := started(t, skipping(), ordersZero)
	h.d.RememberOrders(3)
	h.acceptEach("A", "B", "C")
	h.acceptEach("A") // a repeat counts as a use of the order, too
	h.wantRepeats("still known", 3)
	h.acceptEach("D") // replaces B
	h.acceptEach("C", "A", "D")
	h.wantRepeats("the three that were used last", 5, 6, 7)
	h.acceptEach("B") // replaces C
	h.acceptEach("C") // replaces A
	h.wantRepeats("forgotten")
	h.acceptEach("B", "D", "C")
	h.wantRepeats("the three that were used last", 10, 11, 12)
	if got := h.d.Snapshot().Remembered; got != 3 {
		t.Errorf("got %d orders in memory, want 3", got)
	}
}

// A worker that remembers the maximum number of orders must stay small. The test measures the heap, so it does not run
// in parallel.
func TestAHundredThousandOrdersTakeLittleMemory(t *testing.T) {
	const many = 100_000
	c := skipping()
	c.CallsInFlight, c.WindowEvents, c.WindowBytes, c.FetchBytes = 256, 1000, 1<<30, 1<<20
	d := dispatch.New(c)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d.Assigned(now, []turn.Position{{Partition: ordersZero}}, true)
	before := heapBytes()
	for done, fed := 0, 0; done < many+1000; {
		now = now.Add(time.Millisecond)
		e := d.Next(now)
		for _, f := range e.Fetches {
			events := make([]turn.Event, 256)
			for i := range events {
				events[i] = says(f.Offset+int64(i), fmt.Sprint("order-", fed), "paid")
				fed++
			}
			d.Fetched(now, f, events, f.Offset+256)
		}
		if e.Commit != nil {
			d.Committed(now, e.Commit.ID, turn.CommitAnswer{})
		}
		for _, call := range e.Calls {
			d.Answered(now, call.ID, retry.Verdict{Kind: retry.Done, Answered: true})
			done++
		}
	}
	if got := d.Snapshot().Remembered; got != many {
		t.Errorf("got %d orders in memory, want %d", got, many)
	}
	each := float64(heapBytes()-before) / many
	t.Logf("%.0f bytes per order", each)
	if each > 150 {
		t.Errorf("got %.0f bytes per order, want at most 150", each)
	}
	runtime.KeepAlive(d)
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
