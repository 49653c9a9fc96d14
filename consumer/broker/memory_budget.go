package broker

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// largeResponse is the size above which a fetch response needs a share of the memory budget. kafka-go's connections
	// read as many responses at once as there are fetches, and each response contains whole batches; a topic may accept
	// batches of 16 MiB. Smaller responses do not wait: each takes at most largeResponse bytes, and a broker that stops
	// in the middle of a response must not delay fetches from other brokers.
	largeResponse = 1 << 20
	// memoryBudget is how many bytes of large responses a process holds at once. A response that is larger is read
	// alone.
	memoryBudget = 8 << 20
)

// memoryShare is the part of the memory budget that one fetch response takes. Two goroutines use that memory: the
// connection's, which reads the body, and the caller's, which decodes it. Either may be the last to need the memory: a
// caller that gives up leaves while the connection is still reading. So the share returns to the budget only when both
// have released it.
type memoryShare struct {
	budget *semaphore.Weighted

	mu    sync.Mutex
	taken int64
	users int // goroutines that use the memory; the caller is counted from the start
}

func newMemoryShare(budget *semaphore.Weighted) *memoryShare {
	return &memoryShare{budget: budget, users: 1}
}

// take waits until there is memory for size bytes. The connection calls take after it has read the response's size and
// before it reads the body, so the body stays in the network while take waits. Call release afterwards.
func (s *memoryShare) take(ctx context.Context, size int64) error {
	share := int64(0)
	if size > largeResponse {
		share = min(size, memoryBudget)
		if err := s.budget.Acquire(ctx, share); err != nil {
			return context.Cause(ctx)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = share
	s.users++
	return nil
}

// release removes one user. When no user is left, the memory returns to the budget.
func (s *memoryShare) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.budget.Release(s.taken)
	}
}
