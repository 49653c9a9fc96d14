package consumer

import (
	"context"
	"time"
)

// prepareLimit is how long a generation waits for what must be there before the first call. After it the worker leaves the group,
// so that others may have the partitions, and waits outside.
const prepareLimit = 10 * time.Second

// prepare does what must be done before the first event is fetched, for as long as it takes: it creates the topics that do not
// exist yet, and reads the ledger if it was not read before the group was joined. False: ctx has ended.
func (c *Consumer) prepare(ctx context.Context) bool {
	if c.prepared {
		return true
	}
	if !c.prepareStore(ctx) {
		return false
	}
	if f := c.follower; f != nil && !f.followed {
		ensure := func(ctx context.Context) (bool, error) { return true, c.options.Ledger.Ensure(ctx) }
		if !f.readAll(ctx, ensure) {
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
			c.preparing.over(c.log, "the dead-letter topic can keep letters")
			return true
		case ctx.Err() != nil:
			return false
		}
		c.enter(Waiting)
		c.waits.begin(waitPrepared, "the dead-letter topic cannot keep letters: "+withoutPorts(err.Error()))
		c.preparing.tell(c.log, "the dead-letter topic cannot keep letters, so nothing is called; trying again", err)
		if !c.preparing.wait(ctx) {
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
