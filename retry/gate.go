package retry

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// gateFailures in a row, over gateOrders different orders, are an outage: fewer orders may be at fault themselves.
	gateFailures = 20
	gateOrders   = 5
	// narrowOrders whose calls fail in a row keep freed slots empty: one alone may be at fault itself, and slows nobody down.
	narrowOrders = 2
	// gateWaitMin and gateWaitMax bound the ceiling of the time between two probes, from beginning to beginning. The upper one
	// is also the longest that the end of an outage goes unnoticed, where a call may not take longer than that.
	gateWaitMin = time.Second
	gateWaitMax = 30 * time.Second
)

// gate closes in an outage and lets one probe through at a time. While it is closed nothing counts against any order. The
// zero value with a source of jitter is ready and open.
type gate struct {
	random  *rand.Rand
	closed  bool
	since   time.Time
	probing bool
	probeAt time.Time
	ceiling time.Duration
	// epoch counts the closings and openings. An answer to a call that began before the last of them is old news: a crowd of
	// late failures must not close the gate that was just opened, nor a late success open it.
	epoch  uint64
	row    int
	orders []string
}

// start marks a call that begins now. The wait for the next probe runs from here, not from this one's answer: a probe may
// take as long as a call may take, and that would come on top.
func (g *gate) start(now time.Time) (epoch uint64, probe bool) {
	if g.closed {
		g.probing = true
		g.wait(now)
	}
	return g.epoch, g.closed
}

// wait draws the time of the next probe: from half of the ceiling on, since a draw just after the last probe would cost a call
// and tell next to nothing. It is no later than the outage has lasted so far: the ceiling grows faster than that where the
// draws were short, and a hiccup of seconds should not cost half a minute.
func (g *gate) wait(now time.Time) {
	half := min(g.ceiling, max(gateWaitMin, now.Sub(g.since))) / 2
	g.probeAt = now.Add(half + Jitter(g.random, half))
	g.ceiling = min(2*g.ceiling, gateWaitMax)
}

// narrow returns what is left of a limit of calls in flight while an outage may have begun: the slots of calls that failed in
// a row stay empty until one succeeds. Else an outage in which calls time out would cost a second round of them before the gate
// closes. Some slots remain, so that the others are called beside a few orders that always fail.
func (g *gate) narrow(limit int) int {
	if len(g.orders) < narrowOrders {
		return limit
	}
	return max(min(gateOrders, limit), limit-g.row)
}

// nextProbe returns when a probe may start; the zero time if one is in the air or none is needed.
func (g *gate) nextProbe() time.Time {
	if !g.closed || g.probing {
		return time.Time{}
	}
	return g.probeAt
}

// answered takes what a call said about LeadHit.
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
	case g.closed: // the probe failed, or said nothing: the next one is due at its time
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
