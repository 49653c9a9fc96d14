package broker

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// largeResponse is the size above which a fetch response needs room. kafka-go's connections read as many at once as
	// there are fetches, and each has whole batches, of which a topic may accept 16 MiB. Smaller ones do not wait: each
	// takes no more than this, and a broker that stops in the middle of one must not hold up fetches from others.
	largeResponse = 1 << 20
	// roomBytes is how many bytes of large responses a process holds at once. A larger one is read alone.
	roomBytes = 8 << 20
)

// room is one fetch response's part of roomBytes. The connection's goroutine takes it, between the response's size and
// its body. It is given back when both that goroutine and the fetching one are done, because both use the memory.
type room struct {
	of      *semaphore.Weighted
	mu      sync.Mutex
	taken   int64
	reading bool
	left    bool
}

// take waits for room for size bytes. Until then the body is not read from the connection. Call read afterwards.
func (r *room) take(ctx context.Context, size int64) error {
	if size <= largeResponse {
		return nil
	}
	size = min(size, roomBytes)
	if err := r.of.Acquire(ctx, size); err != nil {
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken, r.reading = size, true
	return nil
}

// read says that the connection is done with the body.
func (r *room) read() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading = false
	r.giveBack()
}

// leave says that the fetching goroutine is done with it.
func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = true
	r.giveBack()
}

func (r *room) giveBack() {
	if r.left && !r.reading {
		r.of.Release(r.taken)
		r.taken = 0
	}
}
