package broker

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// roomBytes is how much of fetch responses a process holds at once. A response comes with whole batches, and a topic may take
// batches of 16 MiB: from twelve partitions at once they would be more than the worker is given in all. A larger one comes
// alone.
const roomBytes = 8 << 20

// room is what the response to one fetch takes of the process's room for responses. The connection's goroutine takes it,
// between the response's size and its body, and the one that fetches gives it back: whichever of them comes first.
type room struct {
	of    *semaphore.Weighted
	mu    sync.Mutex
	taken int64
	left  bool
}

// take waits for room for so many bytes. Until then the broker's bytes stay where they are.
func (r *room) take(ctx context.Context, size int64) error {
	size = min(size, roomBytes)
	if err := r.of.Acquire(ctx, size); err != nil {
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left {
		r.of.Release(size)
		return errGivenUp
	}
	r.taken = size
	return nil
}

// leave gives back what was taken, and lets nobody take any more.
func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of.Release(r.taken)
	r.taken, r.left = 0, true
}
