package retry

import (
	"cmp"
	"maps"
	"slices"
)

const (
	// floodWindow is how many outcomes are looked at; floodLetters of them, over floodOrders orders, are a flood.
	floodWindow  = 200
	floodLetters = floodWindow / 2
	floodOrders  = 20
)

// flood looks at the last outcomes: so many dead letters, of so many orders, are no fault of the orders. The zero value is
// ready.
type flood struct {
	ring    [floodWindow]outcome
	next    int
	letters int
	orders  map[string]int // letters in the ring by order
	unnamed int            // letters in the ring whose order is not known: each counts as one of its own
}

// outcome of a status change; the zero value is one that was accepted, or has not been yet.
type outcome struct {
	letter             bool
	order, fingerprint string
}

// add takes an outcome and says whether the last ones are a flood.
func (f *flood) add(o outcome) bool {
	f.count(f.ring[f.next], -1)
	f.count(o, 1)
	f.ring[f.next] = o
	f.next = (f.next + 1) % floodWindow
	return f.letters >= floodLetters && len(f.orders)+f.unnamed >= floodOrders
}

func (f *flood) count(o outcome, by int) {
	if !o.letter {
		return
	}
	f.letters += by
	if o.order == "" {
		f.unnamed += by
		return
	}
	if f.orders == nil {
		f.orders = map[string]int{}
	}
	if f.orders[o.order] += by; f.orders[o.order] == 0 {
		delete(f.orders, o.order)
	}
}

// fingerprints returns those that make the flood: the most frequent ones, up to nine tenths of the letters. The rare
// letters between them are everyday ones; to accept them too would leave us blind to a flood of theirs.
func (f *flood) fingerprints() []string {
	counts := map[string]int{}
	for _, o := range f.ring {
		if o.letter {
			counts[o.fingerprint]++
		}
	}
	prints := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	covered := 0
	for i, p := range prints {
		if covered += counts[p]; 10*covered >= 9*f.letters {
			return prints[:i+1]
		}
	}
	return prints
}
