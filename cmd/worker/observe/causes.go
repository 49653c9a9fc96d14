package observe

import "sync"

// otherCause stands for all causes beyond the first mostCauses: LeadHit's exception classes are its own, and a metric
// must not grow with them.
const (
	otherCause = "other"
	mostCauses = 100
)

// callCauses are those that the letter of a call can have from the start, of leadhit.Judge and dispatch beside
// DEAD_LETTER_TYPES: so its first letter is an increase.
func callCauses(types []string) []string {
	return append([]string{
		"RetriesExhausted", "InvalidParams", "Unsendable", "HTTP 400", "HTTP 413", "HTTP 422", "HTTP 431",
	}, types...)
}

// causes keeps a label within bounds. It may be used by several goroutines.
type causes struct {
	mu    sync.Mutex
	known map[string]bool
}

// label returns the cause, or "other" for one that has no room any more.
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
