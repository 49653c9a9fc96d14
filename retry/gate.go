package retry

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// gateFailures failures in a row, across at least gateOrders orders, are an outage. Fewer orders may be at fault
	// themselves.
	gateFailures = 20
	gateOrders   = 5
	// narrowOrders is how many orders must fail in a row before freed slots stay empty. A single order may be at fault
	// itself and must not slow down the others.
	narrowOrders = 2
	// gateWaitMin and gateWaitMax bound the ceiling of the time between two probes, from start to start. gateWaitMax
	// is also how long the end of an outage may go unnoticed.
	gateWaitMin = time.Second
	gateWaitMax = 30 * time.Second
)

// gate closes in an outage and lets one probe through at a time. While it is closed, no failure counts against an
// order. It needs a source of jitter; the zero value is otherwise ready and open.
type gate struct {
	random  *rand.Rand
	closed  bool
	since   time.Time
	probing bool
	probeAt time.Time
	ceiling time.Duration
	// epoch counts how often the gate has closed or opened. A response to a call that began before the latest change is
	// stale: many late failures must not close a gate that has just opened, and a late success must not open a gate.
	epoch  uint64
	row    int // failures in a row
	orders []string
}

// start records that a call starts now. While the gate is closed, the call is a probe, and the wait for the next probe
// begins now. If the wait began at the end of the call, it would be longer by the duration of the call.
func (g *gate) start(now time.Time) (epoch uint64, probe bool) {
	if g.closed {
		g.probing = true
		g.wait(now)
	}
	return g.epoch, g.closed
}

// wait draws the time of the next probe. The wait is at least half of the ceiling, because a probe just after the last
// one costs a call and shows almost nothing. The ceiling is at most the age of the outage, so that an outage of seconds
// does not cost half a minute. Doubling alone would let the ceiling exceed that age after short draws.
func (g *gate) wait(now time.Time) {
	half := min(g.ceiling, max(gateWaitMin, now.Sub(g.since))) / 2
	g.probeAt = now.Add(half + jitter(g.random, half))
	g.ceiling = min(2*g.ceiling, gateWaitMax)
}

// narrow reduces the limit on calls in flight when an outage may have begun: the slots of calls that failed in a row
// stay empty until a call succeeds. Otherwise an outage in which calls time out would cost a second round of timeouts
// before the gate closes. Some slots remain in use, so that a few orders that always fail do not stop the others.
func (g *gate) narrow(limit int) int {
	if len(g.orders) < narrowOrders {
		return limit
	}
	return max(min(gateOrders, limit), limit-g.row)
}

// nextProbe returns the time at which a probe may start. It is zero if a probe is in flight or the gate is open.
func (g *gate) nextProbe() time.Time {
	if !g.closed || g.probing {
		return time.Time{}
	}
	return g.probeAt
}

// answered records the evidence about LeadHit that a call gave, and opens or closes the gate accordingly.
func (g *gate) answered(now time.Time, order string, p Pass, e evidence) {
	if p.gateProbe {
		g.probing = false
	}
	if p.epoch != g.epoch {
		return
	}
	switch {
	case g.closed && e == served:
		g.closed = false
		g.turn()
	case g.closed: // the probe failed or gave no evidence; the next probe is already scheduled
	case e == served:
		g.row, g.orders = 0, g.orders[:0]
	case e == failed:
		g.failure(now, order)
	}
}

func (g *gate) failure(now time.Time, order string) {
	g.row++
	if len(g.orders) < gateOrders && !slices.Contains(g.orders, order) {
		g.orders = append(g.orders, order)
	}
	if g.row < gateFailures || len(g.orders) < gateOrders {
		return
	}
	g.closed, g.since, g.ceiling = true, now, gateWaitMin
	g.turn()
	g.wait(now)
}

func (g *gate) turn() {
	g.epoch++
	g.row, g.orders = 0, g.orders[:0]
}
