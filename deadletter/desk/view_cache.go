package desk

import (
	"sync"

	"leadhit-sync/deadletter/view"
)

// mostKept limits the results of one reading that are kept. People look at a few filters at once.
const mostKept = 32

// cache keeps what was computed from one reading of the topics. So a reading of 200,000 letters is searched once for
// each filter, not once for each page view.
type cache struct {
	mu     sync.Mutex
	number uint64
	kept   map[string]any
}

// look returns what compute makes of the view. The result must not be changed: others share it.
func look[T any](d *desk, key string, compute func(*view.View, Reading) T) (T, Reading) {
	var is T
	var found bool
	read := d.Source.Look(func(*view.View) {})
	if is, found = kept[T](&d.cache, key, read.Number); found {
		return is, read
	}
	read = d.Source.Look(func(v *view.View) { is = compute(v, read) })
	d.cache.keep(key, read.Number, is)
	return is, read
}

// kept returns a result of the view with this number. A result of an older view does not count.
func kept[T any](c *cache, key string, number uint64) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var none T
	if c.number != number {
		return none, false
	}
	is, found := c.kept[key].(T)
	return is, found
}

// keep drops everything when the view has changed or too much is kept. Dropping single results would need a record of
// their use, and a view of busy topics changes every few seconds anyway.
func (c *cache) keep(key string, number uint64, is any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || c.number != number || len(c.kept) >= mostKept {
		c.number, c.kept = number, map[string]any{}
	}
	c.kept[key] = is
}
