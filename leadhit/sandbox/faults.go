package sandbox

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Faults says how the sandbox misbehaves. The zero value is a healthy LeadHit. The first field that applies, in the
// order below, decides the outcome of a call.
type Faults struct {
	// Closed closes every connection without a response, as in an outage.
	Closed bool
	// Status, if not 0, is the HTTP status of every response: 503 for an outage, 403 for a rejected key.
	Status int
	// RetryAfter is the Retry-After header in responses with Status, and in responses to calls beyond PerSecond.
	RetryAfter string
	// PerSecond, if not 0, limits the calls per second. Calls beyond this limit get a 503. Burst is how many calls may
	// arrive at once; less than 1 means 1.
	PerSecond float64
	Burst     int
	// Orders has the faults of individual orders, by order id.
	Orders map[string]OrderFault
	// Statuses are accepted besides submitted and paid, as if LeadHit had been extended to support them. Until a status
	// is added here, its events become letters; afterwards, replays of these letters succeed.
	Statuses []string

	// The shares are fractions of the calls, each from 0 to 1, with a sum of at most 1. Calls in the first three shares
	// are not executed; calls in the other shares are.
	Errors float64 // answered with HTTP 503
	Resets float64 // the connection is reset
	HTML   float64 // a page with status 200
	// Lost calls are executed, but get no response: the connection stays open until the client hangs up.
	Lost       float64
	LostResets float64 // executed, then the connection is reset
	Cuts       float64 // executed, then the connection is reset in the middle of the response
	WrongID    float64 // executed, and answered with the id of another call

	// Latency delays each response from the node itself. Jitter is the maximum random delay added to Latency.
	Latency, Jitter time.Duration
}

// OrderFault is the fault of one order. The first field after Latency that is set decides the outcome of the order's
// calls.
type OrderFault struct {
	// Latency delays every response for the order, in addition to any delay from Faults.
	Latency time.Duration
	// Refuse makes the response a ValidationError.
	Refuse bool
	// Status, if not 0, is the HTTP status of the response.
	Status int
	// Code, if not 0, is the code of a JSON-RPC error, and Type is its data.type.
	Code int
	Type string
}

// Change changes the faults at run time. change edits a copy, including the map of orders. Calls whose outcome has
// already been decided keep it.
func (s *Sandbox) Change(change func(*Faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Calls read the faults without a lock, so a change replaces them as a whole.
	next := *s.faults.Load()
	next.Orders = maps.Clone(next.Orders)
	if next.Orders == nil {
		next.Orders = make(map[string]OrderFault)
	}
	change(&next)
	s.faults.Store(&next)
}

// SetKey changes the key that calls must carry. Empty means that any key will do.
func (s *Sandbox) SetKey(key string) { s.key.Store(&key) }

// admits reports whether a key is accepted.
func (s *Sandbox) admits(key string) bool {
	want := *s.key.Load()
	return key != "" && (want == "" || key == want)
}

// plan is the outcome that was decided for one call.
type plan struct {
	answer Answer
	status int // HTTP, for Failed, Forbidden and Overloaded
	retry  string
	fault  *rpcError // for Refused and Invalid
	wait   time.Duration
}

// decide plans the outcome of a call. It checks the fields of Faults in their order.
func (s *Sandbox) decide(key string, c *request) plan {
	f := s.faults.Load()
	order := f.Orders[c.order]
	p := plan{wait: order.Latency}
	switch {
	case f.Closed:
		p.answer = Closed
	case f.Status != 0:
		p.answer, p.status, p.retry = Failed, f.Status, f.RetryAfter
	case !s.admits(key):
		p.answer, p.status = Forbidden, 403
	case f.PerSecond > 0 && !s.admit(f):
		p.answer, p.status, p.retry = Overloaded, 503, f.RetryAfter
	default:
		p.answer = s.draw(f, &p.wait)
		p.serve(f, order, c)
	}
	return p
}

// serve decides what the node itself does: the random plan applies unless the order or the request has its own fault.
func (p *plan) serve(f *Faults, order OrderFault, c *request) {
	switch {
	case order.Refuse:
		p.answer, p.fault = Refused, validationError("Order can not be changed")
	case order.Status != 0:
		p.answer, p.status = Failed, order.Status
	case order.Code != 0:
		p.answer, p.fault = Failed, &rpcError{Code: order.Code, Message: "Server error", Data: &errorData{
			Type: order.Type, Message: "out of order", Args: []string{},
		}}
	case p.answer == Failed: // drawn from the share Errors
		p.status = 503
	case p.answer.Executed() && c.answer == Refused && slices.Contains(f.Statuses, c.status):
	case p.answer.Executed() && c.fault != nil:
		// The node would execute this call, but the request itself is wrong.
		p.answer, p.fault = c.answer, c.fault
	}
}

// draw picks a share and a latency at random.
func (s *Sandbox) draw(f *Faults, wait *time.Duration) Answer {
	*wait += f.Latency
	shares := [...]struct {
		share  float64
		answer Answer
	}{
		{f.Errors, Failed},
		{f.Resets, Reset},
		{f.HTML, HTML},
		{f.Lost, Lost},
		{f.LostResets, LostReset},
		{f.Cuts, Cut},
		{f.WrongID, WrongID},
	}
	sum := 0.0
	for _, s := range shares {
		sum += s.share
	}
	// A healthy sandbox draws no random number, so it need not take the lock, for which all calls in a benchmark would
	// contend.
	if sum == 0 && f.Jitter <= 0 {
		return Accepted
	}
	s.mu.Lock()
	at := s.dice.Float64()
	if f.Jitter > 0 {
		*wait += time.Duration(s.dice.Int64N(int64(f.Jitter) + 1))
	}
	s.mu.Unlock()
	for _, s := range shares {
		if at < s.share {
			return s.answer
		}
		at -= s.share
	}
	return Accepted
}

// admit takes a token from PerSecond's bucket, and reports whether there was one.
func (s *Sandbox) admit(f *Faults) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	burst := max(float64(f.Burst), 1)
	now := time.Now()
	if s.filled.IsZero() {
		s.tokens = burst
	} else {
		s.tokens = min(burst, s.tokens+now.Sub(s.filled).Seconds()*f.PerSecond)
	}
	s.filled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// newDice returns a source of random numbers that depends only on the seed, so that a failed run can be repeated.
func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
