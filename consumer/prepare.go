package consumer

import (
	"context"
	"time"
)

// prepareLimit is how long a generation waits for the topics that the first call needs. After it the worker leaves the group,
// so that others may have the partitions, and waits outside.
const prepareLimit = 10 * time.Second

// prepare creates the topics that do not exist yet, and reads the ledger if that was not done before the join. It blocks until
// both succeed, so that the first event is fetched afterwards. False: ctx has ended.
func (c *Consumer) prepare(ctx context.Context) bool {
	if c.prepared {
		return true
	}
	if !c.prepareStore(ctx) {
		return false
	}
	if l := c.ledger; l != nil && !l.started {
		ensure := func(ctx context.Context) (bool, error) { return true, c.options.Ledger.Ensure(ctx) }
		if !l.readAll(ctx, ensure) {
			return false
		}
	}
	c.prepared = true
	return true
}

// prepareStore waits until letters can be stored.
func (c *Consumer) prepareStore(ctx context.Context) bool {
	if c.options.Prepare == nil {
		return true
	}
	for {
		err := c.options.Prepare(ctx)
		switch {
		case err == nil:
			c.waits.end(waitPrepared)
			c.preparing.Over(c.log, "the dead-letter topic can store letters again")
			return true
		case ctx.Err() != nil:
			return false
		}
		c.enter(Waiting)
		c.waits.begin(waitPrepared, "the dead-letter topic cannot store letters: "+withoutPorts(err.Error()))
		c.preparing.tell(c.log, "the dead-letter topic cannot store letters, so nothing is called; trying again", err)
		if !c.preparing.Wait(ctx) {
			return false
		}
	}
}

// prepareHere prepares inside a generation, for a while. False: it could not, or ctx has ended.
func (c *Consumer) prepareHere(ctx context.Context) bool {
	c.mayCreate.Store(true)
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	return c.prepare(ctx)
}
