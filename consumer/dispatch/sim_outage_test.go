package dispatch_test

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

// These are the rules about outages that every worker must obey, written independently of the worker's code.
const (
	outageFailures = 20
	outageOrders   = 5
	slowStart      = 5
)

// outageWatch counts the responses that one worker gets. They show when the worker must consider LeadHit down.
type outageWatch struct {
	down    bool
	epoch   int // counts the changes to down
	row     int
	orders  map[string]bool // by name
	since   time.Duration
	probes  int
	probing bool          // a probe is in flight
	quiet   time.Duration // LeadHit requested that no call start before this time
}

// checkHeld checks, at the moment when the worker decides on a call, whether any call may start.
func (k *worker) checkHeld(c turn.Call) {
	o := &k.outage
	limit := k.d.Limit()
	switch {
	case k.now < o.quiet:
		k.failed("worker %d: calls %v/%d before %v, despite Retry-After", k.place, c.Partition, c.Offset, o.quiet)
	case c.Probe && o.probing:
		k.failed("worker %d: two probes in flight", k.place)
	case o.down && !c.Probe:
		k.failed("worker %d: calls %v/%d in an outage since %v, and it is not a probe", k.place, c.Partition, c.Offset,
			o.since)
	case !c.Probe && k.inFlight > limit:
		k.failed("worker %d: %d calls in flight, limit %d of %d", k.place, k.inFlight, limit, k.plan.calls)
	}
	if !c.Probe {
		return
	}
	o.probing = true
	if o.probes++; !o.down {
		return
	}
	// The wait between two probes grows until it is between 15 and 30 s. In one measurement, a ten-minute outage took 92
	// calls.
	if allowed := 25 + int((k.now-o.since)/(6*time.Second)) + k.watch.keyChanges; o.probes > allowed {
		k.failed("worker %d: %d probes in an outage since %v, allowed %d", k.place, o.probes, o.since, allowed)
	}
}

// heard records a response at the moment when the worker gets it.
func (o *outageWatch) heard(now time.Duration, f *flight, v retry.Verdict) {
	if f.call.Probe {
		o.probing = false
	}
	o.quiet = max(o.quiet, now+v.RetryAfter)
	if f.epoch != o.epoch {
		return // the call began before down last changed
	}
	served := v.Kind == retry.Done || v.Answered || v.Kind == retry.DeadLetter
	failed := v.Kind == retry.Again && v.Cause != "NotSent" && !served
	switch {
	case served && o.down:
		o.turn(now)
	case served:
		o.row, o.orders = 0, nil
	case failed && !o.down:
		if o.row++; o.orders == nil {
			o.orders = map[string]bool{}
		}
		o.orders[f.change.order.name] = true
		if o.row >= outageFailures && len(o.orders) >= outageOrders {
			o.turn(now)
		}
	}
}

func (o *outageWatch) turn(now time.Duration) {
	o.down = !o.down
	o.epoch++
	o.row, o.orders, o.since, o.probes = 0, nil, now, 0
}

// hearOutage passes a verdict to the watch and to the dispatcher, and requires a slow start after an outage.
func (k *worker) hearOutage(f *flight, v retry.Verdict) {
	epoch := k.outage.epoch
	k.outage.heard(k.now, f, v)
	k.d.Answered(k.clock(), f.call.ID, v)
	if k.outage.epoch == epoch {
		return
	}
	if k.outage.down {
		k.figures.outages++
		return
	}
	if limit := k.d.Limit(); limit > slowStart {
		k.failed("worker %d: an outage is over, and %d calls may be in flight at once", k.place, limit)
	}
}
