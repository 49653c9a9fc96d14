package retry

const (
	// shrinkBy is the share of the limit that remains after a sign of overload.
	shrinkBy = 0.9
	// slowStart is the limit after an outage.
	slowStart = 5
)

// limit bounds the calls in flight. It searches for the number that LeadHit can serve, by additive increase and
// multiplicative decrease. It belongs to the process, because a rebalance does not change what LeadHit can serve.
//
// After an outage the limit grows from slowStart by one per round trip, and never doubles. A server that starts cold
// serves perhaps 50 calls a second. With 200 in flight, each would take 4 s and time out although the server does the
// work, so each would be repeated. With this growth, n successes raise the limit to about √(2n). So 3,000 successes,
// which take a minute at 50/s, raise it to 77.
type limit struct {
	configured int
	value      float64
	// mark is the number of the last call that began before the limit shrank. Calls up to that number were sent under
	// the old limit and say nothing about the new one, so the limit shrinks at most once per round trip.
	mark uint64
}

// whole returns how many calls may be in flight, from 1 to the configured limit.
func (l *limit) whole() int { return max(1, int(l.value)) }

// served grows the limit by one per round trip while at least half of it is in use. A call that succeeds with few
// others in flight does not show that LeadHit can serve many at once.
func (l *limit) served(inFlight int) {
	if 2*float64(inFlight) >= l.value {
		l.value = min(l.value+1/l.value, float64(l.configured))
	}
}

// overload shrinks the limit after a sign of overload from the call with the given number. last is the number of the
// latest call that has begun.
func (l *limit) overload(number, last uint64) {
	if number <= l.mark {
		return
	}
	l.mark = last
	l.value = max(1, l.value*shrinkBy)
}

// restart sets the limit to slowStart, or to the configured limit if that is lower.
func (l *limit) restart() { l.value = float64(min(slowStart, l.configured)) }
