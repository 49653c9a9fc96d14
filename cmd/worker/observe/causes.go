package observe

import "sync"

// otherCause replaces all causes after the first mostCauses, because LeadHit chooses its exception classes, and a
// metric must not grow with them.
const (
	otherCause = "other"
	mostCauses = 100
)

// callCauses returns the foreseeable causes of a call's letter: those of leadhit.Judge and dispatch, and
// DEAD_LETTER_TYPES. Their counters start at 0, so that the first letter shows as an increase.
func callCauses(types []string) []string {
	return append([]string{
		"RetriesExhausted", "InvalidParams", "Unsendable", "HTTP 400", "HTTP 413", "HTTP 422", "HTTP 431",
	}, types...)
}

// causes limits the number of values of a label. It may be used by several goroutines.
type causes struct {
	mu    sync.Mutex
	known map[string]bool
}

// label returns the cause, or "other" if there are too many causes.
func (c *causes) label(cause string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.known[cause]:
		return cause
	case len(c.known) >= mostCauses:
		return otherCause
	}
	if c.known == nil {
		c.known = make(map[string]bool)
	}
	c.known[cause] = true
	return cause
}
