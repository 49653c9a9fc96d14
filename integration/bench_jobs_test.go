package integration_test

import (
	"crypto/rand"
	random "math/rand/v2"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
)

// job is one kind of work for the worker.
type job struct {
	name             string
	inFlight, events int
	leastCalls       int  // the number of calls by a worker that makes none for repeats
	bare             bool // the bare loop, which knows nothing about orders, can do it too
	write            func(events int) []audit.Event
}

func jobs() []job {
	all := []job{
		{name: "uniform", inFlight: 64, events: 40_000, bare: true, write: inTurn},
		{name: "long", inFlight: 256, events: 120_000, bare: true, write: inTurn},
		{name: "hot", inFlight: 64, events: 5_000, write: hotOrders},
		{name: "repeats", inFlight: 64, events: 40_000, write: repeated},
	}
	for i := range all {
		j := &all[i]
		j.leastCalls = changes(j.write(j.events))
	}
	return all
}

// changes counts the events that are not repeats.
func changes(events []audit.Event) (n int) {
	last := map[string]string{}
	for _, e := range events {
		if last[e.Order] != e.Status {
			n++
		}
		last[e.Order] = e.Status
	}
	return n
}

// newName returns a name that keeps the orders of one run separate from those of other runs.
func newName() string { return "order-" + rand.Text()[:4] }

// inTurn returns events for 1,000 orders in rotation.
func inTurn(events int) []audit.Event {
	orders := shop.NewOrders(newName(), 1000, 1)
	all := make([]audit.Event, events)
	for i := range all {
		all[i] = orders.NextOf(i % 1000)
	}
	return all
}

// hotOrders returns events for 100 orders, distributed by Zipf's law: the second order has half as many events as the
// first, the third a third as many, and so on. About every fifth event is for the first order, so its lane takes the
// longest.
func hotOrders(events int) []audit.Event {
	const among = 100
	var sums [among]float64 // cumulative shares
	sum := 0.0
	for i := range sums {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	orders, draw := shop.NewOrders(newName(), among, 1), random.New(random.NewPCG(1, 1))
	all := make([]audit.Event, events)
	for i := range all {
		at, order := draw.Float64()*sum, 0
		for sums[order] <= at {
			order++
		}
		all[i] = orders.NextOf(order)
	}
	return all
}

// repeated returns events of which 60 % repeat their order's status: four events per order, for 1,000 orders in
// rotation.
func repeated(events int) []audit.Event {
	const each, together = 4, 1000
	orders := shop.NewOrders(newName(), events/each+1, 1).Repeat(0.8)
	all := make([]audit.Event, events)
	for i := range all {
		all[i] = orders.NextOf(i/(each*together)*together + i%together)
	}
	return all
}
