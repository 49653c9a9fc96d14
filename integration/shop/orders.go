package shop

import (
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
)

// Orders generates events for random orders. The status of an order alternates between submitted and paid, so if a
// worker swaps the last two events of an order, the order's last status is wrong, unless one event repeats the other.
// The same seed gives the same events. The methods must not be called concurrently.
type Orders struct {
	name    string
	random  *rand.Rand
	changes []int // how many times each order's status has changed so far
	repeats float64
	made    int
}

// NewOrders returns count orders. Their ids start with name.
func NewOrders(name string, count int, seed uint64) *Orders {
	return &Orders{name: name, random: rand.New(rand.NewPCG(seed, seed)), changes: make([]int, count)}
}

// Repeat makes the given share of an order's later events repeat the order's current status. Shop platforms send such
// events when another field of an order changes. With four events per order, 0.8 makes 60 % of all events repeats.
func (o *Orders) Repeat(share float64) *Orders {
	o.repeats = share
	return o
}

// Next returns the next event of a random order, with the order id as its key.
func (o *Orders) Next() audit.Event { return o.NextOf(o.random.IntN(len(o.changes))) }

// NextOf returns the next event of the order with the given number, counted from 0.
func (o *Orders) NextOf(order int) audit.Event {
	// A share of 0 draws no random number, so that a seed gives the same events as without Repeat.
	if o.changes[order] == 0 || o.repeats == 0 || o.random.Float64() >= o.repeats {
		o.changes[order]++
	}
	status := "paid"
	if o.changes[order]%2 == 1 {
		status = "submitted"
	}
	return o.event(order, status, audit.Called)
}

// Refused returns an event of a random order with a status that LeadHit refuses.
func (o *Orders) Refused() audit.Event { return o.RefusedOf(o.random.IntN(len(o.changes))) }

// RefusedOf returns an event of the order with the given number, with a status that LeadHit refuses.
func (o *Orders) RefusedOf(order int) audit.Event {
	o.changes[order]++
	event := o.event(order, "on-hold", audit.Refused)
	event.Cause = "ValidationError"
	return event
}

// ID returns the id of the order with the given number.
func (o *Orders) ID(order int) string { return fmt.Sprintf("%s-%d", o.name, order) }

func (o *Orders) event(order int, status string, want audit.Want) audit.Event {
	o.made++
	id := o.ID(order)
	value := fmt.Appendf(nil, `{"event":%d,"order_id":%q,"status":%q,"total":"%d.%02d","currency":"RUB",`+
		`"customer":{"id":%d,"email":"buyer@example.com"},"items":[{"sku":"SKU-%05d","quantity":%d}]}`,
		o.made, id, status, o.random.IntN(90000), o.random.IntN(100),
		o.random.IntN(1<<30), o.random.IntN(90000), 1+o.random.IntN(3))
	return audit.Event{
		Key: []byte(id), Value: value, Want: want, Order: id, Status: status,
		Headers: []kgo.RecordHeader{
			{Key: "source", Value: []byte("shop")}, {Key: "trace", Value: []byte{0, 0xff, byte(o.made)}},
		},
	}
}
