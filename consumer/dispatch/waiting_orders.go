package dispatch

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/event"
)

// toTryAgain counts the orders of an event whose call failed and will be retried.
func (e *pending) toTryAgain() int {
	n := 0
	for i := range e.items {
		if e.items[i].toTryAgain() {
			n++
		}
	}
	return n
}

func (it *item) toTryAgain() bool {
	return it.attempts > 0 && (it.state == waiting || it.state == parked || it.state == ready)
}

// unstored reports whether storing the item's letter has failed and will be retried.
func (it *item) unstored() bool {
	return it.state == storing && it.failures != nil && it.backoff != nil
}

// WaitingOrders returns up to limit orders that wait for their next attempt, those of the oldest events first. It
// visits all unfinished events.
func (d *Dispatcher) WaitingOrders(limit int) []snapshot.WaitingOrder {
	next := make(map[task]time.Time, d.timers.len())
	for i := range d.timers.inner.items {
		t := d.timers.inner.items[i]
		next[t.task] = t.at
	}
	var all []snapshot.WaitingOrder
	for _, p := range d.order {
		for e := p.window.first; e != nil; e = e.next {
			for i := range e.items {
				it := &e.items[i]
				if !it.toTryAgain() && !it.unstored() {
					continue
				}
				all = append(all, snapshot.WaitingOrder{
					Place: event.Place{Topic: p.Topic, Partition: p.Number, Offset: e.offset},
					Order: it.OrderID, Status: it.Status, Since: e.since, Attempts: it.attempts,
					Next: next[task{e, i}], Letter: it.state == storing, Last: it.last(),
				})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b snapshot.WaitingOrder) int {
		return cmp.Or(a.Since.Compare(b.Since),
			cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return all[:min(len(all), max(limit, 0))]
}
