package dispatch

import "time"

const (
	// lateFor is how long LeadHit may still apply a call that ended without a response: the call may wait in a proxy, or
	// in a queue at LeadHit. No specification limits this time, but proxies give up after a minute or less.
	lateFor = 5 * time.Minute
	// mostLate is the maximum number of calls in lateCalls. It takes 333 lost responses per second to reach it.
	mostLate = 100_000
)

// lateCalls holds the orders with a call that LeadHit may still apply, even after later calls that it accepted. A
// repeat for such an order is not skipped, because the repeat's call corrects the status.
type lateCalls struct {
	until map[digest]time.Time
	queue []lateCall // by time
	all   time.Time  // until this time, any order may have such a call
}

type lateCall struct {
	order digest
	until time.Time
}

// add records a call that ended without a response.
func (l *lateCalls) add(now time.Time, order digest) {
	l.pass(now)
	until := now.Add(lateFor)
	if len(l.queue) >= mostLate {
		*l = lateCalls{all: until}
		return
	}
	if l.until == nil {
		l.until = map[digest]time.Time{}
	}
	l.until[order] = until
	l.queue = append(l.queue, lateCall{order, until})
}

// has reports whether LeadHit may still apply a call for an order.
func (l *lateCalls) has(now time.Time, order digest) bool {
	l.pass(now)
	_, late := l.until[order]
	return late || now.Before(l.all)
}

// pass drops the calls that can no longer be applied.
func (l *lateCalls) pass(now time.Time) {
	for len(l.queue) > 0 && !now.Before(l.queue[0].until) {
		if first := l.queue[0]; l.until[first.order].Equal(first.until) {
			delete(l.until, first.order)
		}
		l.queue = l.queue[1:]
	}
}
