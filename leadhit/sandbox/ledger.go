package sandbox

import (
	"slices"
	"sync"
	"time"
)

// Answer is how a call ended, as the sandbox sees it.
type Answer uint8

// The answers. Accepted, Lost, LostReset, Cut and WrongID have been executed, the others have not.
const (
	Pending    Answer = iota // not answered yet
	Accepted                 // executed and told so
	Refused                  // ValidationError
	Invalid                  // the request was at fault: -32700, -32600, -32601, -32602
	Forbidden                // 403: no key, or a wrong one
	Failed                   // an HTTP status, or an order's JSON-RPC error
	Overloaded               // 503: over the calls per second
	HTML                     // a page with status 200
	Reset                    // the connection was reset
	Closed                   // the connection was closed: an outage
	Lost                     // executed, never answered
	LostReset                // executed, then the connection was reset
	Cut                      // executed, then the connection was reset in the middle of the answer
	WrongID                  // executed, answered with another id
	Abandoned                // the client left before the answer; Call.Executed tells whether it was executed
)

// String returns the answer's name.
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

// Executed says whether a call that ends so has changed its order.
func (a Answer) Executed() bool {
	return a == Accepted || a == Lost || a == LostReset || a == Cut || a == WrongID
}

// Call is one line of the ledger.
type Call struct {
	// Seq counts arrivals from 1, since New or Reset.
	Seq int
	// Arrived is when the call's head had been read; Ended when the answer was about to leave, zero while it is Pending.
	Arrived, Ended time.Time
	// ID, OrderID and Status are empty if the request could not be read that far.
	ID, OrderID, Status string
	// Path is where it was sent: callers that are given paths of their own can be told apart.
	Path   string
	Answer Answer
	// Executed says that the order has the status now, whatever the client was told.
	Executed bool

	stray bool // of another method: left out of what the ledger shows
}

// chunk is how many calls are stored together: the ledger grows without moving what it holds.
const chunk = 4096

// ledger holds the calls in order of arrival.
type ledger struct {
	lock        sync.Mutex
	chunks      []*[chunk]Call
	count       int
	strays      int
	inFlight    int
	maxInFlight int
}

// Calls returns a copy of the ledger, calls in the air included.
func (l *ledger) Calls() []Call {
	l.lock.Lock()
	defer l.lock.Unlock()
	calls := make([]Call, 0, l.count)
	for i, c := range l.chunks {
		calls = append(calls, c[:min(l.count-i*chunk, chunk)]...)
	}
	return slices.DeleteFunc(calls, func(c Call) bool { return c.stray })
}

// Strays returns how many calls of methods that do not exist were read.
func (l *ledger) Strays() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.strays
}

// OrderCalls returns the calls of one order, in order of arrival.
func (l *ledger) OrderCalls(order string) []Call {
	var calls []Call
	l.each(func(c *Call) {
		if c.OrderID == order {
			calls = append(calls, *c)
		}
	})
	return calls
}

// Statuses returns the status of each order that has one: the last that was executed.
func (l *ledger) Statuses() map[string]string {
	statuses := make(map[string]string)
	l.each(func(c *Call) {
		if c.Executed {
			statuses[c.OrderID] = c.Status
		}
	})
	return statuses
}

// Count returns how many calls have arrived.
func (l *ledger) Count() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.count - l.strays
}

// InFlight returns how many calls are in the air, and how many there were at most.
func (l *ledger) InFlight() (now, most int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.inFlight, l.maxInFlight
}

// Reset empties the ledger. Calls in the air stay counted in InFlight, but their ends are not recorded.
func (l *ledger) Reset() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.chunks, l.count, l.strays, l.maxInFlight = nil, 0, 0, l.inFlight
}

func (l *ledger) each(look func(*Call)) {
	l.lock.Lock()
	defer l.lock.Unlock()
	for i := range l.count {
		if c := &l.chunks[i/chunk][i%chunk]; !c.stray {
			look(c)
		}
	}
}

// begin notes an arrival.
func (l *ledger) begin(path string) *Call {
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

// name notes what the call is about, and whether it is executed.
func (l *ledger) name(entry *Call, c *request, executed bool) {
	l.lock.Lock()
	defer l.lock.Unlock()
	entry.ID, entry.OrderID, entry.Status, entry.Executed, entry.stray = c.name, c.order, c.status, executed, c.stray
	if c.stray {
		l.strays++
	}
}

// end notes what became of the call.
func (l *ledger) end(entry *Call, answer Answer) {
	l.lock.Lock()
	defer l.lock.Unlock()
	entry.Answer, entry.Ended = answer, time.Now()
	l.inFlight--
}
