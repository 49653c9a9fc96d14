package retry

import (
	"slices"
	"time"
)

const (
	// ProbeEvery is the time between two probes of a pause.
	ProbeEvery = 30 * time.Second
	// suspectOrders is how many orders must say "no such method", without a success between, before all calls pause:
	// one alone may be a fault of its own.
	suspectOrders = 3
)

// pause stops all calls while nothing is wrong with any order. It belongs to the process: a rebalance does not lift
// it, a retry that falls due does not, only the answer to a probe does. The zero value is ready and not paused.
type pause struct {
	kind    Kind // Unauthorised or Misconfigured; Again when calls flow
	since   time.Time
	probeAt time.Time
	probing bool
	// epoch counts the ends of pauses and the changes of the key. A refusal of a call that began before the last of them
	// speaks of a key that is gone; it is void once a call of this epoch was proved.
	epoch    uint64
	proved   bool
	suspects []string
}

// ticket marks a call with the moment of its start. Give it back with the call's verdict.
type ticket struct {
	epoch uint64
	probe bool // it is the one that a pause lets through
}

// active returns the pause's kind, Unauthorised or Misconfigured, and since when; false when calls flow.
func (p *pause) active() (Kind, time.Time, bool) {
	return p.kind, p.since, p.kind != Again
}

// nextProbe returns when a probe may start; the zero time if none may: no pause, or one is in the air.
func (p *pause) nextProbe() time.Time {
	if p.kind == Again || p.probing {
		return time.Time{}
	}
	return p.probeAt
}

// start marks a call that starts now.
func (p *pause) start(now time.Time) ticket {
	if p.kind == Again {
		return ticket{epoch: p.epoch}
	}
	p.probing = true
	p.probeAt = now.Add(ProbeEvery)
	return ticket{epoch: p.epoch, probe: true}
}

// keyChanged makes the next probe due: another key may be taken. A refusal of a call that went out with the old key
// no longer counts once the new key was taken; until then it pauses the calls, for one probe with the new key.
func (p *pause) keyChanged(now time.Time) {
	p.epoch++
	p.proved = false
	if p.kind == Unauthorised {
		p.probeAt = now
	}
}

// answered takes the verdict of a call, late answers of ended generations included.
func (p *pause) answered(now time.Time, order string, t ticket, v Verdict) {
	if t.probe {
		p.probing = false
	}
	works := v.Kind == Done || v.Answered // a letter may be of our own making: what could not even be sent proves nothing
	p.proved = p.proved || works && t.epoch == p.epoch
	switch {
	case p.kind == Again:
		p.suspect(now, order, t, v)
	case !t.probe: // began before the pause: proves nothing about now
	case v.Kind == Unauthorised || v.Kind == Misconfigured:
		p.kind = v.Kind // what is broken may change; since when we are paused does not
	case works:
		p.kind, p.suspects = Again, nil
		p.epoch++
		p.proved = true
	}
}

func (p *pause) suspect(now time.Time, order string, t ticket, v Verdict) {
	switch v.Kind {
	case Done:
		p.suspects = p.suspects[:0]
	case DeadLetter:
		if v.Answered { // to refuse a status the node must know the method
			p.suspects = p.suspects[:0]
		}
	case Unauthorised:
		switch {
		case t.epoch == p.epoch:
			p.begin(now, Unauthorised)
		case !p.proved:
			p.begin(now, Unauthorised)
			p.probeAt = now
		}
	case Misconfigured:
		if t.epoch != p.epoch {
			return
		}
		if slices.Contains(p.suspects, order) {
			return
		}
		if p.suspects = append(p.suspects, order); len(p.suspects) >= suspectOrders {
			p.begin(now, Misconfigured)
		}
	case Again: // neither accuses the key or the address, nor clears it
	}
}

func (p *pause) begin(now time.Time, kind Kind) {
	p.kind, p.since, p.probeAt = kind, now, now.Add(ProbeEvery)
}
