package retry

const (
	// shrinkBy is what a sign of overload leaves of the limit.
	shrinkBy = 0.9
	// slowStart is how many calls may be in flight when the gate opens.
	slowStart = 5
)

// limit is how many calls may be in flight, found by trying: additive increase, multiplicative decrease. It belongs to the
// process: what LeadHit can bear does not change with our rebalances.
//
// After an outage it grows from slowStart by one a round trip, never by doubling: a server that comes back cold serves,
// say, 50 calls a second, so that 100 in flight wait for 2 s and time out, although it does the work; each is a repeat. By
// one a round trip n successes give a limit of about √(2n): 3,000 of them, a minute at 50/s, 77.
type limit struct {
	configured int
	value      float64
	// mark is the last call that began before the limit shrank. Those up to it were sent under the old limit and say
	// nothing about the new one: so it shrinks at most once a round trip.
	mark uint64
}

// whole returns the number of calls that may be in flight: 1 up to the configured limit.
func (l *limit) whole() int { return max(1, int(l.value)) }

// served grows the limit by one a round trip, if it was in use: a success of a call that flew nearly alone says nothing about
// what happens with many.
func (l *limit) served(inFlight int) {
	if 2*float64(inFlight) >= l.value {
		l.value = min(l.value+1/l.value, float64(l.configured))
	}
}

// overload shrinks the limit on a sign that came with call seq; last is the latest call that has begun.
func (l *limit) overload(seq, last uint64) {
	if seq <= l.mark {
		return
	}
	l.mark = last
	l.value = max(1, l.value*shrinkBy)
}

// restart begins anew, from few calls.
func (l *limit) restart() { l.value = float64(min(slowStart, l.configured)) }
