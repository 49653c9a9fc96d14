package main

import (
	"cmp"
	"container/heap"
	"hash/fnv"
	"slices"
)

// orders keeps what is known of single orders, in bounded memory. Up to limit orders it knows all of them. With more it
// keeps a sample: those whose id's hash ends in shift zero bits, each of which stands for 2^shift orders (Wegman's adaptive
// sampling).
type orders struct {
	limit  int
	shift  uint
	sample map[string]*order
	busy   busy
}

// order is one order that calls were about.
type order struct {
	calls, repeats int
	status         string
	at             place
	// also is another partition that it was seen in.
	also place
}

func newOrders(limit int) *orders {
	return &orders{limit: limit, sample: make(map[string]*order), busy: busy{index: make(map[string]int)}}
}

// exact tells whether every order is known.
func (o *orders) exact() bool { return o.shift == 0 }

// estimate is how many orders there are for so many in the sample.
func (o *orders) estimate(sampled int) int { return sampled << o.shift }

// call notes a call.
func (o *orders) call(id, status string, at place) {
	o.busy.add(id)
	if !o.samples(id) {
		return
	}
	known := o.sample[id]
	if known == nil {
		o.sample[id] = &order{calls: 1, status: status, at: at}
		o.shrink()
		return
	}
	known.calls++
	switch {
	case known.at != at:
		// Which of two partitions' events came first nobody can tell, so no repeat is either.
		known.also = at
	case known.status == status:
		known.repeats++
	}
	known.status = status
}

func (o *orders) samples(id string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return h.Sum64()&(1<<o.shift-1) == 0
}

// shrink halves the sample until it fits.
func (o *orders) shrink() {
	for len(o.sample) > o.limit {
		o.shift++
		for id := range o.sample {
			if !o.samples(id) {
				delete(o.sample, id)
			}
		}
	}
}

// repeats is how many calls told an order the status that it had.
func (o *orders) repeats() int {
	n := 0
	for _, known := range o.sample {
		n += known.repeats
	}
	return o.estimate(n)
}

// spread is how many orders were seen in two partitions, with a few examples in order.
func (o *orders) spread() (n int, examples []spreadOrder) {
	for id, known := range o.sample {
		if known.also != (place{}) {
			n++
			examples = append(examples, spreadOrder{id, []string{known.at.String(), known.also.String()}})
		}
	}
	slices.SortFunc(examples, func(a, b spreadOrder) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return o.estimate(n), examples[:min(len(examples), mostExamples)]
}

// busiest are the orders with the most calls.
func (o *orders) busiest() []busyOrder {
	var all []busyOrder
	if o.exact() {
		for id, known := range o.sample {
			all = append(all, busyOrder{OrderID: id, Calls: known.calls})
		}
	} else {
		for _, c := range o.busy.heap {
			all = append(all, busyOrder{OrderID: c.id, Calls: c.calls})
		}
	}
	slices.SortFunc(all, func(a, b busyOrder) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.OrderID, b.OrderID))
	})
	return all[:min(len(all), mostExamples)]
}

// mostBusy is how many orders are counted to find the busiest.
const mostBusy = 2000

// busy finds the busiest orders among any number (the space-saving algorithm of Metwally and others): a newcomer takes the
// place of the least busy and its count. So a count may be too high, by all calls divided by mostBusy at most, never too
// low, and an order with more calls than that is never missed.
type busy struct {
	heap  []busyCount // the least busy first
	index map[string]int
}

type busyCount struct {
	id    string
	calls int
}

func (b *busy) add(id string) {
	i, known := b.index[id]
	switch {
	case known:
		b.heap[i].calls++
		heap.Fix(b, i)
	case len(b.heap) < mostBusy:
		heap.Push(b, busyCount{id, 1})
	default:
		delete(b.index, b.heap[0].id)
		b.heap[0] = busyCount{id, b.heap[0].calls + 1}
		b.index[id] = 0
		heap.Fix(b, 0)
	}
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (b *busy) Len() int           { return len(b.heap) }
func (b *busy) Less(i, j int) bool { return b.heap[i].calls < b.heap[j].calls }

func (b *busy) Swap(i, j int) {
	b.heap[i], b.heap[j] = b.heap[j], b.heap[i]
	b.index[b.heap[i].id], b.index[b.heap[j].id] = i, j
}

func (b *busy) Push(x any) {
	c, _ := x.(busyCount)
	b.index[c.id] = len(b.heap)
	b.heap = append(b.heap, c)
}

func (b *busy) Pop() any {
	last := b.heap[len(b.heap)-1]
	delete(b.index, last.id)
	b.heap = b.heap[:len(b.heap)-1]
	return last
}
