package shop

import (
	"fmt"
	"math/rand/v2"

	"leadhit-sync/integration/audit"
)

// Orders generates events of random orders. The status of an order alternates between submitted and paid. So if a
// worker swaps any two events of an order, the last status is wrong. The same seed gives the same events. Its methods
// must not be called concurrently.
type Orders struct {
	name   string
	random *rand.Rand
	events []int // of each order, so far
	made   int
}

// NewOrders returns count orders. Their ids begin with name.
func NewOrders(name string, count int, seed uint64) *Orders {
	return &Orders{name: name, random: rand.New(rand.NewPCG(seed, seed)), events: make([]int, count)}
}

// Next returns the next event of a random order, with the order id as its key.
func (o *Orders) Next() audit.Event { return o.NextOf(o.random.IntN(len(o.events))) }

// NextOf returns the next event of the order with this number, counted from 0.
func (o *Orders) NextOf(order int) audit.Event {
	status := "submitted"
	if o.events[order]%2 == 1 {
		status = "paid"
	}
	return o.event(order, status, audit.Called)
}

// Refused returns an event of a random order with a status that LeadHit refuses.
func (o *Orders) Refused() audit.Event { return o.RefusedOf(o.random.IntN(len(o.events))) }

// RefusedOf returns such an event of the order with this number.
func (o *Orders) RefusedOf(order int) audit.Event {
	event := o.event(order, "on-hold", audit.Refused)
	event.Cause = "ValidationError"
	return event
}

// ID returns the id of the order with this number.
func (o *Orders) ID(order int) string { return fmt.Sprintf("%s-%d", o.name, order) }

func (o *Orders) event(order int, status string, want audit.Want) audit.Event {
	o.events[order]++
	o.made++
	id := o.ID(order)
	value := fmt.Appendf(nil, `{"event":%d,"order_id":%q,"status":%q,"total":"%d.%02d","currency":"RUB",`+
		`"customer":{"id":%d,"email":"buyer@example.com"},"items":[{"sku":"SKU-%05d","quantity":%d}]}`,
		o.made, id, status, o.random.IntN(90000), o.random.IntN(100),
		o.random.IntN(1<<30), o.random.IntN(90000), 1+o.random.IntN(3))
	return audit.Event{
		Key: []byte(id), Value: value, Want: want, Order: id, Status: status,
		Headers: []audit.Header{{Key: "source", Value: []byte("shop")}, {Key: "trace", Value: []byte{0, 0xff, byte(o.made)}}},
	}
}
