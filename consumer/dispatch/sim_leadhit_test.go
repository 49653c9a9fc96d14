package dispatch_test

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// leadhit models the other side of a call. It applies the status at some time within the call's timeout, or not at all.
// The caller may or may not get a response.
type leadhit struct {
	*world
	key           int // the key that it accepts
	window        int // counts how often it began to accept another key
	misconfigured time.Duration
	brokenUntil   time.Duration
	downUntil     time.Duration     // no connection is accepted
	holds         map[string]string // the status of each order, by name
	onWire        map[string]int    // calls for each order, including those of dead workers
}

// flight is a call on the wire. It continues after its caller has died.
type flight struct {
	worker  *worker
	change  *change
	call    turn.Call
	key     int // the key in the request
	decided int // the key in use when the worker decided on the call
	epoch   int // the worker's outage epoch at that time
	number  int // the run in which the worker decided on the call
	forced  bool
}

func (l *leadhit) calmDown() {
	l.misconfigured, l.brokenUntil, l.downUntil = 0, 0, 0
	l.fileKey = l.key
	for _, o := range l.orders() {
		o.failing = o.stuck
	}
}

func (l *leadhit) orders() []*order { return l.broker.orders }

// changeKey makes LeadHit accept another key. The key file gets this key later, and sometimes a wrong one before or
// after it.
func (l *leadhit) changeKey() {
	l.key++
	l.window++
	if l.chance(0.4) {
		l.after(l.between(0, 40*time.Second), func() { l.writeKey(-l.window) })
	}
	l.after(l.between(0, 90*time.Second), func() { l.writeKey(l.key) })
}

func (l *leadhit) writeKey(key int) {
	if l.calm {
		return
	}
	l.fileKey = key
	for i := range l.workers {
		l.after(l.between(0, 5*time.Second), func() {
			if k := l.workers[i]; k != nil {
				k.readKey()
			}
		})
	}
}

func (l *leadhit) misconfigure(d time.Duration) { l.misconfigured = l.now + d }
func (l *leadhit) breakDown(d time.Duration)    { l.brokenUntil = l.now + d }
func (l *leadhit) goDown(d time.Duration)       { l.downUntil = max(l.downUntil, l.now+d) }

// receive processes a call that has just been written.
func (l *leadhit) receive(f *flight) {
	o := f.change.order
	o.inFlight++
	l.onWire[o.name]++
	limit := l.plan.callTimeout
	takes := min(l.between(0, 2*l.plan.callTime), limit*9/10)
	if l.chance(l.share(l.plan.slow)) {
		takes = l.between(0, limit*9/10)
	}
	answers := takes + l.between(0, l.plan.callTime)
	lost := l.chance(l.share(l.plan.lost)) || answers >= limit
	if l.now < l.downUntil {
		takes, answers, lost = 0, l.between(0, 10*time.Millisecond), false
	}
	l.after(takes, func() {
		verdict := l.take(f)
		wait := answers - takes
		if lost {
			verdict, wait = retry.Verdict{Cause: "Timeout"}, limit-takes
		}
		l.after(wait, func() {
			o.inFlight--
			l.onWire[o.name]--
			f.worker.hearAnswer(f, verdict)
		})
	})
}

// share returns the probability of a fault: p, or a small one once the faults are over.
func (l *leadhit) share(p float64) float64 {
	if l.calm {
		return 0.03
	}
	return p
}

// take returns the verdict on a call at the time when LeadHit receives it, and applies the status of an accepted call.
func (l *leadhit) take(f *flight) retry.Verdict {
	c := f.change
	switch {
	case l.now < l.downUntil:
		return retry.Verdict{Cause: "Connect"}
	case l.now < l.brokenUntil:
		v := retry.Verdict{Cause: "HTTP 503", Code: 503}
		if l.chance(l.plan.retryAfter) {
			v.RetryAfter = l.between(0, 5*time.Second)
		}
		return v
	case f.key != l.key:
		return retry.Verdict{Kind: retry.Unauthorised, Cause: "HTTP 403", Code: 403}
	case l.now < l.misconfigured:
		return retry.Verdict{Kind: retry.Misconfigured, Cause: "HTTP 404", Code: 404}
	case c.order.failing && (!c.order.stuck || !l.healed):
		return retry.Verdict{Cause: "ServerError", Code: -32000, Answered: l.chance(0.5)}
	case l.chance(l.share(l.plan.errors)):
		return retry.Verdict{Cause: "HTTP 502", Code: 502}
	case c.refused:
		return retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Code: -32000, Answered: true}
	}
	l.desk.accepted(f)
	l.holds[f.call.Order] = f.call.Status
	c.finish(&c.accepted)
	return retry.Verdict{Kind: retry.Done, Answered: true}
}

// store models the letters' topic. A letter may be stored or not, and its writer may get no response.
func (w *world) store(k *worker, s turn.Store) {
	c := changeOf(s.Record, s.Item)
	w.judgeLetter(s, c)
	number := k.number
	takes := w.between(time.Millisecond, 100*time.Millisecond)
	fails, lost := w.chance(w.leadhit.share(w.plan.letterFails)), w.chance(w.leadhit.share(w.plan.letterLost))
	w.after(takes, func() {
		if !fails {
			c.finish(&c.letter)
			w.figures.letters++
			w.desk.stored(s, c)
		} else if w.desk.late() {
			w.after(w.desk.between(0, 20*time.Second), func() {
				c.finish(&c.letter)
				w.desk.stored(s, c)
			})
		}
		k.hear(w.between(0, 100*time.Millisecond), func() {
			if !fails && !lost && k.number == number {
				k.noteReplay(idOf(s.Partition, s.Offset, s.Item, s.Several), s.Replay, func(r *replayWatch) { r.ended = true })
			}
			k.d.Stored(w.clock(), s.ID, !fails && !lost)
		})
	})
}

// judgeLetter checks that the reason for a letter is the item itself, and not an outage or a pause.
func (w *world) judgeLetter(s turn.Store, c *change) {
	switch {
	case s.Mapping:
		if c.action != event.Refuse {
			w.failed("%v/%d: a letter from the mapping for an item that it did not refuse", s.Partition, s.Offset)
		}
	case s.Verdict.Cause == "RetriesExhausted":
		w.figures.exhausted++
		if w.plan.maxElapsed == 0 || !c.order.failing && !w.calm {
			w.failed("%v/%d: given up after %d calls, although the order does not fail by itself", s.Partition, s.Offset,
				s.Attempts)
		}
	case s.Verdict.Kind != retry.DeadLetter || !c.refused && !c.healed:
		w.failed("%v/%d: a letter for %+v", s.Partition, s.Offset, s.Verdict)
	}
}
