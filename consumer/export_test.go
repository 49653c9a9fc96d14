package consumer

import (
	"runtime"
	"time"
)

// Waits returns the current waits without taking a turn.
func (c *Consumer) Waits() []Wait { return c.waits.list() }

// Phase returns the current phase and its start, without taking a turn.
func (c *Consumer) Phase() (name string, since time.Time) {
	p := c.phase.Load()
	return p.name, p.since
}

// JoinAfterWait ends the wait outside the group as Run does: it changes the phase first, and then ends the wait. Before
// these two steps, it yields to readers of the state, which see the old phase and then wait for the lock.
func (c *Consumer) JoinAfterWait() {
	c.waits.mu.Lock()
	defer c.waits.mu.Unlock()
	runtime.Gosched()
	c.enter(Joining)
	delete(c.waits.all, waitOutside)
}
