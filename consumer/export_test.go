package consumer

import (
	"runtime"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/event"
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

// KeepsLog reports whether a worker that consumes p in one generation, and the partitions own in its next one, still
// knows which topic its position belongs to.
func KeepsLog(p event.Partition, generation, next int, own ...event.Partition) bool {
	topics := newCommitTopics(nil)
	topics.assigned(generation, []event.Partition{p})
	topics.bind(p, groups.TopicID{})
	topics.assigned(next, own)
	_, ok := topics.bound(p)
	return ok
}
