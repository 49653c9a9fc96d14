package desk

import (
	"sync"
	"time"

	"leadhit-sync/deadletter/view"
)

const (
	// mostKept limits how many results of one reading are kept. People look at a few filters at once.
	mostKept = 32
	// keptFor limits the age of a result, because trends, the chart of the last day and --since depend on the time too.
	keptFor = 30 * time.Second
)

// cache keeps what was computed from one reading of the topics. Thus a reading of 200,000 letters is searched once for
// each filter, not once for each page view.
type cache struct {
	mu     sync.Mutex
	number uint64
	until  time.Time
	kept   map[string]any
}

// holds reports whether the kept results come from the reading with this number, and are recent.
func (c *cache) holds(number uint64) bool { return c.number == number && time.Now().Before(c.until) }

// look returns the result of compute for the view, from the cache if possible. The caller must not change the result,
// because other requests share it.
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

// kept returns a result from the reading with this number, unless the result is too old.
func kept[T any](c *cache, key string, number uint64) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var none T
	if !c.holds(number) {
		return none, false
	}
	is, found := c.kept[key].(T)
	return is, found
}

// keep stores a result. It drops all others if the view has changed, if they are too old, or if too many are kept.
// Dropping individual results would need a record of their use, and a view of busy topics changes every few seconds
// anyway.
func (c *cache) keep(key string, number uint64, is any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holds(number) || len(c.kept) >= mostKept {
		c.number, c.until, c.kept = number, time.Now().Add(keptFor), map[string]any{}
	}
	c.kept[key] = is
}
