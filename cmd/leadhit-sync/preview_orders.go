package main

import (
	"cmp"
	"fmt"
	"slices"

	"leadhit-sync/consumer/event"
)

// orders counts the calls of single orders, in bounded memory: the first orders up to the limit, each exactly. Calls
// about any other order are only counted together, so with too many orders each figure is a lower bound. The first
// orders are kept rather than the busiest, because to know the busiest one would have to count all.
type orders struct {
	limit  int
	known  map[string]*order
	beyond int // calls about orders beyond the limit
}

// order is one order that calls were about.
type order struct {
	calls, repeats int
	status         string
	at             event.Partition
	// also is another partition with events of the order.
	also event.Partition
}

func newOrders(limit int) *orders {
	return &orders{limit: limit, known: make(map[string]*order)}
}

// call counts a call.
func (o *orders) call(id, status string, at event.Partition) {
	known := o.known[id]
	switch {
	case known == nil && len(o.known) == o.limit:
		o.beyond++
		return
	case known == nil:
		o.known[id] = &order{calls: 1, status: status, at: at}
		return
	}
	known.calls++
	switch {
	// A producer that changes its key, or a topic with more partitions than before, gives this picture.
	case known.at != at:
		// Events of two partitions have no order, so it is unknown whether this call repeats the status.
		known.also = at
	case known.status == status:
		known.repeats++
	}
	known.status = status
}

// repeats counts the calls that report a status which the order has already. A worker makes these calls too; many of
// them show that the shop sends events without a change of status.
func (o *orders) repeats() int {
	n := 0
	for _, known := range o.known {
		n += known.repeats
	}
	return n
}

// spread counts the orders with events in two partitions, and names a few. An order in two partitions can reach LeadHit
// with an old status last, so the summary warns of it.
func (o *orders) spread() (n int, examples []spreadOrder) {
	for id, known := range o.known {
		if known.also != (event.Partition{}) {
			examples = append(examples, spreadOrder{id, []string{nameOf(known.at), nameOf(known.also)}})
		}
	}
	slices.SortFunc(examples, func(a, b spreadOrder) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return len(examples), examples[:min(len(examples), mostExamples)]
}

// nameOf writes a partition as the beginning of its events' ids.
func nameOf(p event.Partition) string { return fmt.Sprintf("%s/%d", p.Topic, p.Number) }

// busiest returns the orders with the most calls.
func (o *orders) busiest() []busyOrder {
	var all []busyOrder
	for id, known := range o.known {
		all = append(all, busyOrder{OrderID: id, Calls: known.calls})
	}
	slices.SortFunc(all, func(a, b busyOrder) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.OrderID, b.OrderID))
	})
	return all[:min(len(all), mostExamples)]
}
