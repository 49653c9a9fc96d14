package dispatch

import "time"

type timer struct {
	at  time.Time
	seq uint64
	task
}

// fire queues the tasks whose wait is over.
func (d *Dispatcher) fire(now time.Time) {
	for d.timers.len() > 0 && !d.timers.peek().at.After(now) {
		t := d.timers.pop().task
		switch {
		case t.dropped:
		case t.item().state == storing:
			d.urgent = append(d.urgent, t)
		default:
			d.push(t)
		}
	}
}

func (d *Dispatcher) wait(at time.Time, t task) {
	d.lastID++
	d.timers.push(timer{at: at, seq: d.lastID, task: t})
}

// wake returns the next time at which something that no input announces is due. A due task that could not start waits
// for an input.
func (d *Dispatcher) wake(now time.Time) time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if d.timers.len() > 0 {
		sooner(d.timers.peek().at)
	}
	if d.commit == nil {
		sooner(d.commitAt())
	}
	sooner(d.governor.Next(now))
	sooner(d.writes.wake(now))
	if d.draining {
		sooner(d.lease.Add(d.config.Session))
	}
	return at
}
