package broker

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

// slotPatience limits the wait for a slot, because a slot's holder may be looking up a schema, and that must not stop
// the other partitions. In 100 ms, a holder can decode a whole window of events at the default WINDOW_BYTES.
const slotPatience = 100 * time.Millisecond

// newDecodeSlots returns one slot fewer than there are processors now, but at least one.
//
// In a backlog, all partitions need their next events at about the same time. Go's scheduler polls the network when a
// processor has no other work, and otherwise every 10 ms. If all processors decoded, the responses from LeadHit would
// wait that long, several times in a row.
func newDecodeSlots() *semaphore.Weighted {
	return semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)-1)))
}

// DecodeSlot waits until the caller may decode fetched events, and returns a function that releases the slot. With
// several processors, the slots leave one processor free for the calls. [Cluster.Fetch] takes a slot itself while it
// decodes records; take another one afterwards to process the records. DecodeSlot returns without a slot after 100 ms,
// or when ctx ends.
func (c *Cluster) DecodeSlot(ctx context.Context) (release func()) {
	ctx, cancel := context.WithTimeout(ctx, slotPatience)
	defer cancel()
	if c.slots.Acquire(ctx, 1) != nil {
		return func() {}
	}
	return func() { c.slots.Release(1) }
}
