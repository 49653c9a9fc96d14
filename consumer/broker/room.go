package broker

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// largeResponse is from which size on a response to a fetch needs room: kafka-go's connections read as many at once
	// as there are fetches, and one comes with whole batches, of which a topic may take 16 MiB. Smaller ones wait for
	// nobody, for they take no more than this each, and a broker that falls silent in the middle of one must not hold
	// up the fetches from others.
	largeResponse = 1 << 20
	// roomBytes is how much of large responses a process holds at once. A larger one comes alone.
	roomBytes = 8 << 20
)

// room is what the response to one fetch takes of the process's room for large responses. The connection's goroutine
// takes it, between the response's size and its body. It is given back when that one is done with the body and the one
// that fetches has left, whichever comes last: both hold the memory.
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

// leave says that the one that fetches is done with it.
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
