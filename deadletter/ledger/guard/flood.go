package guard

import (
	"cmp"
	"maps"
	"slices"
)

const (
	// floodWindow is the number of recent items that are examined. They are a flood when at least floodLetters of them
	// became letters, and these letters concern at least floodOrders orders. The alert in deploy/components/monitoring
	// and the documents repeat these numbers; search for "last 200".
	floodWindow  = 200
	floodLetters = floodWindow / 2
	floodOrders  = 20
)

// flood examines the most recent items. Many letters for many orders point to a bad deploy rather than to bad orders.
// The zero value is ready to use.
type flood struct {
	ring    [floodWindow]item
	next    int
	letters int
	orders  map[string]int // letters in the ring by order
	unnamed int            // letters in the ring without an order id; each counts as an order of its own
}

// item is an item that LeadHit accepted or that became a letter. The zero value is an accepted item, or an unused slot
// in the ring.
type item struct {
	letter             bool
	order, fingerprint string
}

// add takes an item and reports whether the recent items are a flood.
func (f *flood) add(i item) bool {
	f.count(f.ring[f.next], -1)
	f.count(i, 1)
	f.ring[f.next] = i
	f.next = (f.next + 1) % floodWindow
	return f.letters >= floodLetters && len(f.orders)+f.unnamed >= floodOrders
}

func (f *flood) count(i item, by int) {
	if !i.letter {
		return
	}
	f.letters += by
	if i.order == "" {
		f.unnamed += by
		return
	}
	if f.orders == nil {
		f.orders = map[string]int{}
	}
	if f.orders[i.order] += by; f.orders[i.order] == 0 {
		delete(f.orders, i.order)
	}
}

// fingerprints returns the fingerprints that cause the flood: the most frequent ones, which cover nine tenths of the
// letters. The rest are everyday letters. Accepting their fingerprints as well would hide a later flood of such
// letters.
func (f *flood) fingerprints() []string {
	counts := map[string]int{}
	for _, item := range f.ring {
		if item.letter {
			counts[item.fingerprint]++
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
