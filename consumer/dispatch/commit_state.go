package dispatch

import "time"

// commitState is what the group has stored about a partition, and what the next commit will say. A finished event that
// was sent or skipped moves from uncommitted to committing when a commit is sent. The event is removed once an
// acknowledged commit covers it:
//
//	finished → uncommitted → committing → covered
//	               ↑              │ no acknowledgement, or not covered
//	               └──────────────┘
type commitState struct {
	frontier int64 // one past the last finished event that was sent or skipped
	settled  int   // events that were sent, have no call left to make, and are not covered by an acknowledged commit

	uncommitted []*pending // sent or skipped, and finished; in no commit yet
	committing  []*pending // the same, in the commit in flight

	acked     mark      // the last acknowledged commit
	sent      mark      // the commit in flight
	coverage  int64     // events below it are covered by the commit in flight
	safe      int64     // highest coverage of an acknowledged commit: lanes were opened because of it
	named     time.Time // when a commit last named the partition
	dirty     bool      // acked may be out of date
	truncated bool      // the last commit did not cover all that was finished
	suspended bool      // the broker does not know the partition: no commits, calls or fetches
}

// mark is what a commit says about a partition.
type mark struct {
	next     int64
	metadata string
}

// finished adds an event that was sent or skipped.
func (c *commitState) finished(e *pending) {
	c.frontier = max(c.frontier, e.offset+1)
	c.uncommitted = append(c.uncommitted, e)
}

// send puts everything uncommitted into the commit that is sent now.
func (c *commitState) send(now time.Time) {
	c.named = now
	c.committing = append(c.committing, c.uncommitted...)
	c.uncommitted = c.uncommitted[:0]
}

// takeBack makes the events of a commit uncommitted again, because the commit does not count.
func (c *commitState) takeBack() {
	c.uncommitted = append(c.committing, c.uncommitted...)
	c.committing = nil
}

// cover records the acknowledgement of the commit in flight. It returns the events that the commit covers, and how many
// the commit had to leave out. The slice is valid until the next commit.
func (c *commitState) cover() (covered []*pending, left int) {
	c.safe = max(c.safe, c.coverage)
	var beyond []*pending
	covered = c.committing[:0]
	for _, e := range c.committing {
		if e.offset >= c.coverage {
			beyond = append(beyond, e)
			continue
		}
		covered = append(covered, e)
		if e.called {
			c.settled--
		}
	}
	c.committing = c.committing[:0]
	c.truncated = len(beyond) > 0
	if c.truncated {
		c.uncommitted = append(beyond, c.uncommitted...)
	}
	return covered, len(beyond)
}
