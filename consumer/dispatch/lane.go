package dispatch

import "leadhit-sync/consumer/event"

// laneKey names a lane by the partition's number, without its topic. In topics with equal partition counts, an order
// has the same partition number everywhere, so its events from all these topics share a lane.
type laneKey struct {
	number int
	order  string
}

// longLane is the minimum number of events in a long lane.
const longLane = 10

// lane holds the unfinished events of one order, in the sequence in which they were fetched. Only the first may run.
type lane struct {
	key    laneKey
	events []*pending
	// unacked is the last event that had a call or was skipped, until an acknowledged commit covers its outcome.
	unacked *pending
	// orphans counts the calls for this order that were dropped and are still in flight.
	orphans int
}

func (l *lane) blocked() bool { return l.unacked != nil || l.orphans > 0 }

// enqueue puts an event at the end of the lane of each order for which it needs a call.
func (d *Dispatcher) enqueue(e *pending) {
	e.lanes = e.oneLane[:0] // append allocates if there are several
	for i := range e.items {
		it := &e.items[i]
		if it.Action != event.Call || it.state == done {
			continue
		}
		key := laneKey{e.of.Number, it.OrderID}
		l := d.lanes[key]
		if l == nil {
			l = &lane{key: key, orphans: d.orphans[key]}
			d.lanes[key] = l
		}
		if len(l.events) > 0 || l.blocked() {
			e.waits++
		}
		if len(l.events) == 0 && l.unacked != nil {
			d.laneWaits++
		}
		l.events = append(l.events, e)
		e.lanes = append(e.lanes, l)
	}
	if e.waits == 0 {
		d.makeReady(e)
	}
}

// advance removes a finished event from the front of its lanes. The lanes stay blocked until a commit covers the event.
func (d *Dispatcher) advance(e *pending) {
	for _, l := range e.lanes {
		l.events[0] = nil
		l.events = l.events[1:]
		l.unacked = e
		if len(l.events) > 0 {
			d.laneWaits++
		}
		d.longWaits = d.longWaits || d.long(l)
	}
}

// long reports whether a lane has at least longLane events, and at least half of all unfinished ones. Such a lane is
// likely to end last, because its calls are made one after the other.
func (d *Dispatcher) long(l *lane) bool {
	if len(l.events) < longLane {
		return false
	}
	others := -len(l.events)
	for _, p := range d.order {
		others += p.window.unfinished
	}
	return len(l.events) >= others
}

// release opens the lanes of an event whose outcome is covered by an acknowledged commit.
func (d *Dispatcher) release(e *pending) {
	for _, l := range e.lanes {
		if l.unacked != e {
			continue
		}
		l.unacked = nil
		if len(l.events) > 0 {
			d.laneWaits--
		}
		d.open(l)
	}
}

// open allows the first event of a lane to run, unless the lane is blocked.
func (d *Dispatcher) open(l *lane) {
	if l.blocked() {
		return
	}
	if len(l.events) == 0 {
		delete(d.lanes, l.key)
		return
	}
	e := l.events[0]
	if e.waits--; e.waits == 0 {
		d.makeReady(e)
	}
}

// orphaned records a dropped call: its order must get no other call until the dropped one ends.
func (d *Dispatcher) orphaned(key laneKey) {
	d.orphans[key]++
	if l := d.lanes[key]; l != nil {
		l.orphans++
	}
}

func (d *Dispatcher) orphanEnded(key laneKey) {
	if d.orphans[key]--; d.orphans[key] == 0 {
		delete(d.orphans, key)
	}
	if l := d.lanes[key]; l != nil {
		l.orphans--
		d.open(l)
	}
}

// detach removes an event from its lanes, whatever its position. It is for events that do not pass through finish:
// dropped events, and replays that have ended.
func (d *Dispatcher) detach(e *pending) {
	for _, l := range e.lanes {
		for i, other := range l.events {
			if other != e {
				continue
			}
			l.events = append(l.events[:i:i], l.events[i+1:]...)
			if len(l.events) == 0 && l.unacked != nil {
				d.laneWaits--
			}
			if i == 0 {
				d.open(l)
			}
			break
		}
	}
}
