package main

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"

	"leadhit-sync/consumer/broker/partitioner"
	"leadhit-sync/consumer/event"
)

// orders counts the calls for individual orders, in bounded memory. The counts are exact for the first orders, up to
// the limit. Calls for any other order are only counted together, so with too many orders each figure is a lower bound.
// The first orders are kept rather than the busiest, because finding the busiest would mean counting all.
type orders struct {
	limit  int
	seed   maphash.Seed
	known  map[string]*order
	beyond int               // calls for orders beyond the limit
	keys   map[uint64]*order // by hash
	// spreads says that an event has no key, that an order has two keys or two partition numbers, or that a key has two
	// orders. In any of these cases a worker skips nothing. Partitions with the same number belong to one worker,
	// whatever their topic.
	spreads bool
	// unexplained says that no usual partitioner maps all keys to their partitions. In that case, too, a worker skips
	// nothing.
	unexplained  bool
	partitioners *partitioner.Candidates
	partitions   map[string]int // number of partitions by topic; 0: unknown
}

// order is one order that had calls.
type order struct {
	calls, repeats int
	last           told
	at             event.Partition
	// also is another partition with events for the order; its zero value means that there is none.
	also event.Partition
}

// told is the content of the last call for an order.
type told struct {
	status   string
	accepted bool // LeadHit knows the status
	at       event.Partition
	key      uint64 // a hash of the record's key; 0: no key, so Kafka may put the order's next event elsewhere
}

func newOrders(limit int) *orders {
	return &orders{
		limit: limit, seed: maphash.MakeSeed(), known: make(map[string]*order), keys: make(map[uint64]*order),
		partitioners: partitioner.All(), partitions: make(map[string]int),
	}
}

// call counts a call, and reports whether it is a repeat by the workers' rule. Workers make no call if the last call
// that LeadHit accepted for the order had the same status, and was for an event in the same partition with the same
// key.
func (o *orders) call(id, status string, accepted bool, e seen) (repeat bool) {
	at := event.Partition{Topic: e.Topic, Number: e.Partition}
	now := told{status: status, accepted: accepted, at: at, key: o.hash(e.key)}
	known := o.known[id]
	other, used := o.keys[now.key]
	o.spreads = o.spreads || len(e.key) == 0 || used && other != known ||
		known != nil && (known.last.key != now.key || known.at.Number != now.at.Number)
	o.unexplained = o.unexplained ||
		len(e.key) > 0 && !o.partitioners.Explain(e.key, e.Partition, o.partitions[e.Topic])
	switch {
	case known == nil && len(o.known) == o.limit:
		o.beyond++
		return false
	case known == nil:
		known = &order{calls: 1, last: now, at: now.at}
		o.known[id], o.keys[now.key] = known, known
		return false
	}
	known.calls++
	// The partitions differ if a producer changes its record keys, or if a topic gets more partitions.
	if known.at != now.at {
		known.also = now.at
	}
	repeat = accepted && now.key != 0 && known.last == now
	known.last = now
	if repeat {
		known.repeats++
	}
	return repeat
}

// hash returns a hash of a record's key. It is 0 for null.
func (o *orders) hash(key []byte) uint64 {
	if key == nil {
		return 0
	}
	return max(1, maphash.Bytes(o.seed, key))
}

// repeats counts the calls that report a status that the order already has. If there are many, the shop sends events
// even when the status has not changed.
func (o *orders) repeats() int {
	n := 0
	for _, known := range o.known {
		n += known.repeats
	}
	return n
}

// spread counts the orders with events in two partitions, and names a few. LeadHit may get the older status last, so
// the summary warns about these orders.
func (o *orders) spread() (n int, examples []spreadOrder) {
	for id, known := range o.known {
		if known.also != (event.Partition{}) {
			examples = append(examples, spreadOrder{id, []string{nameOf(known.at), nameOf(known.also)}})
		}
	}
	slices.SortFunc(examples, func(a, b spreadOrder) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return len(examples), examples[:min(len(examples), mostExamples)]
}

// nameOf returns the name of a partition in the form topic/partition. The ids of its events start with this name.
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
