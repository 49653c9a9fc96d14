package sandbox

import (
	"slices"
	"sync"
	"time"
)

// Answer is the outcome of a call, as the sandbox sees it.
type Answer uint8

// The outcomes. The sandbox executes calls that end as Accepted, Lost, LostReset, Cut or WrongID, and perhaps calls
// that end as Abandoned, but no others.
const (
	Pending    Answer = iota // not answered yet
	Accepted                 // executed, with a response that says so
	Refused                  // ValidationError
	Invalid                  // the request was at fault: -32700, -32600, -32601, -32602
	Forbidden                // 403: no key, or a wrong one
	Failed                   // an HTTP status, or an order's JSON-RPC error
	Overloaded               // 503: beyond the limit on calls per second
	HTML                     // a page with status 200
	Reset                    // the connection was reset
	Closed                   // the connection was closed: an outage
	Lost                     // executed, without a response
	LostReset                // executed, then the connection was reset
	Cut                      // executed, then the connection was reset in the middle of the response
	WrongID                  // executed, but the response has another id
	Abandoned                // the client hung up before the response; Call.Executed says whether it was executed
)

// String returns the outcome's name.
func (a Answer) String() string {
	names := [...]string{
		"pending", "accepted", "refused", "invalid", "forbidden", "failed", "overloaded", "html",
		"reset", "closed", "lost", "lost reset", "cut", "wrong id", "abandoned",
	}
	if int(a) < len(names) {
		return names[a]
	}
	return "unknown"
}

// Executed reports whether a call with this outcome has changed its order. For Abandoned, see [Call.Executed].
func (a Answer) Executed() bool {
	return a == Accepted || a == Lost || a == LostReset || a == Cut || a == WrongID
}

// Call is one line of the call log.
type Call struct {
	// Seq counts arrivals from 1, since New or Reset.
	Seq int
	// Arrived is the time right after the request's headers were read. Ended is the time right before the response is
	// written; it is zero while the call is Pending.
	Arrived, Ended time.Time
	// ID, OrderID and Status are empty if the request could not be read that far.
	ID, OrderID, Status string
	// Path is the request's path. It distinguishes callers that use different paths.
	Path   string
	Answer Answer
	// Executed reports whether the call has changed its order, whatever the response says.
	Executed bool

	stray bool // a call to an unknown method: not shown in the call log
}

// chunk is how many calls are stored together, so that the log grows without copying.
const chunk = 4096

// callLog holds the calls in order of arrival.
type callLog struct {
	lock        sync.Mutex
	chunks      []*[chunk]Call
	count       int
	strays      int
	inFlight    int
	maxInFlight int
}

// Calls returns a copy of the call log, including calls in flight.
func (l *callLog) Calls() []Call {
	l.lock.Lock()
	defer l.lock.Unlock()
	calls := make([]Call, 0, l.count)
	for i, c := range l.chunks {
		calls = append(calls, c[:min(l.count-i*chunk, chunk)]...)
	}
	return slices.DeleteFunc(calls, func(c Call) bool { return c.stray })
}

// Strays returns how many calls to unknown methods have arrived.
func (l *callLog) Strays() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.strays
}

// Count returns how many calls have arrived.
func (l *callLog) Count() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.count - l.strays
}

// InFlight returns how many calls are in flight now, and the highest number since New or Reset.
func (l *callLog) InFlight() (now, most int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.inFlight, l.maxInFlight
}

// Reset empties the call log. InFlight still counts calls in flight, but their ends are not recorded.
func (l *callLog) Reset() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.chunks, l.count, l.strays, l.maxInFlight = nil, 0, 0, l.inFlight
}

func (l *callLog) each(look func(*Call)) {
	l.lock.Lock()
	defer l.lock.Unlock()
	for i := range l.count {
		if c := &l.chunks[i/chunk][i%chunk]; !c.stray {
			look(c)
		}
	}
}

// begin records an arrival.
func (l *callLog) begin(path string) *Call {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.count == len(l.chunks)*chunk {
		l.chunks = append(l.chunks, new([chunk]Call))
	}
	entry := &l.chunks[l.count/chunk][l.count%chunk]
	l.count++
	entry.Seq, entry.Path, entry.Arrived = l.count, path, time.Now()
	l.inFlight++
	l.maxInFlight = max(l.maxInFlight, l.inFlight)
	return entry
}

// name records which order and status the call names, and whether it is executed.
func (l *callLog) name(entry *Call, c *request, executed bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	entry.ID, entry.OrderID, entry.Status, entry.Executed, entry.stray = c.name, c.order, c.status, executed, c.stray
	if c.stray {
		l.strays++
	}
}

// end records the outcome of the call.
func (l *callLog) end(entry *Call, answer Answer) {
	l.lock.Lock()
	defer l.lock.Unlock()
	entry.Answer, entry.Ended = answer, time.Now()
	l.inFlight--
}
