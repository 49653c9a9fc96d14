package consumer

import "runtime"

// JoinAfterWait ends the wait from outside as Run does, the phase first, and lets those who read the state get in between.
func (c *Consumer) JoinAfterWait() {
	c.waits.mu.Lock()
	defer c.waits.mu.Unlock()
	runtime.Gosched()
	c.enter(Joining)
	delete(c.waits.all, waitOutside)
}
