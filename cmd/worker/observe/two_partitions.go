package observe

import (
	"hash/maphash"
	"sync"
)

// spreadSlots is how many orders are remembered, in 512 KiB.
const spreadSlots = 1 << 15

// spread finds orders with events in two partitions of one topic. Kafka guarantees no sequence across partitions.
// spread remembers only the latest orders, and does not see the partitions of other workers, so it misses some. It may
// be used by several goroutines.
type spread struct {
	seed  maphash.Seed
	mu    sync.Mutex
	slots []spreadSlot
	found int
}

// spreadSlot is one order in one topic. Of two orders with the same slot, the later one replaces the earlier.
type spreadSlot struct {
	order     uint64 // its hash
	partition int32
	counted   bool
}

func newSpread() *spread {
	return &spread{seed: maphash.MakeSeed(), slots: make([]spreadSlot, spreadSlots)}
}

// seen records an event of an order. found reports whether the order has already been seen in another partition and has
// not been counted yet; before is that partition. first reports whether this is the first such order.
func (s *spread) seen(topic string, partition int, order string) (before int, found, first bool) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(topic) // a hash's writes never fail
	_ = h.WriteByte(0)
	_, _ = h.WriteString(order)
	sum := h.Sum64()
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := &s.slots[sum%spreadSlots]
	switch {
	case slot.order != sum:
		*slot = spreadSlot{order: sum, partition: int32(partition)}
	case slot.partition != int32(partition) && !slot.counted:
		slot.counted = true
		s.found++
		return int(slot.partition), true, s.found == 1
	}
	return 0, false, false
}

// count returns how many orders were found.
func (s *spread) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found
}
