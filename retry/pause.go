package retry

import (
	"slices"
	"time"
)

const (
	// probeEvery is the time between two probes of a pause.
	probeEvery = 30 * time.Second
	// suspectOrders is how many orders must report "no such method", without a success between them, before all calls
	// pause. A single order may be at fault itself.
	suspectOrders = 3
)

// pause stops all calls because of the API key or the URL, when no order is at fault. It belongs to the process: only
// the response to a probe ends it. A rebalance does not, nor does a retry that falls due. The zero value is ready and
// not paused.
type pause struct {
	kind    Kind // Unauthorised or Misconfigured; Again while calls flow
	since   time.Time
	probeAt time.Time
	probing bool
	// epoch counts the ends of pauses and the changes to the key. The rejection of a call from an earlier epoch may
	// concern an old key, so it does not count once a call from the current epoch has proved the key valid.
	epoch    uint64
	proved   bool
	suspects []string
}

// ticket records the epoch in which a call started.
type ticket struct {
	epoch uint64
	probe bool // the call that the pause lets through
}

// active reports whether calls are paused.
func (p *pause) active() bool { return p.kind != Again }

// nextProbe returns the time at which a probe may start. It is zero if a probe is in flight or calls are not paused.
func (p *pause) nextProbe() time.Time {
	if !p.active() || p.probing {
		return time.Time{}
	}
	return p.probeAt
}

// start records that a call starts now.
func (p *pause) start(now time.Time) ticket {
	if !p.active() {
		return ticket{epoch: p.epoch}
	}
	p.probing = true
	p.probeAt = now.Add(probeEvery)
	return ticket{epoch: p.epoch, probe: true}
}

// keyChanged makes the next probe due if the old key was rejected, because the new key may be accepted. Once it has
// been accepted, the rejection of a call that was sent with the old key does not count. Before that, such a rejection
// pauses the calls, and a probe with the new key is due at once.
func (p *pause) keyChanged(now time.Time) {
	p.epoch++
	p.proved = false
	if p.kind == Unauthorised {
		p.probeAt = now
	}
}

// answered takes the verdict on a call. The verdict may arrive after the call's generation has ended.
func (p *pause) answered(now time.Time, order string, t ticket, v Verdict) {
	if t.probe {
		p.probing = false
	}
	works := v.Kind == Done || v.Answered // not every dead letter: a call that could not even be sent proves nothing
	p.proved = p.proved || works && t.epoch == p.epoch
	switch {
	case !p.active():
		p.suspect(now, order, t, v)
	case !t.probe: // the call began before the pause, so it does not prove that the pause can end
	case v.Kind == Unauthorised || v.Kind == Misconfigured:
		p.kind = v.Kind // the fault may change, but calls have been paused since the first one
	case works:
		p.kind, p.suspects = Again, nil
		p.epoch++
		p.proved = true
	}
}

// suspect looks for a reason to pause in the verdict on a call.
func (p *pause) suspect(now time.Time, order string, t ticket, v Verdict) {
	switch v.Kind {
	case Done:
		p.suspects = p.suspects[:0]
	case DeadLetter:
		if v.Answered { // a node that refuses a status knows the method
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
	case Again: // says nothing about the key or the URL
	}
}

func (p *pause) begin(now time.Time, kind Kind) {
	p.kind, p.since, p.probeAt = kind, now, now.Add(probeEvery)
}
