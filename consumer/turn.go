package consumer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
)

// tick is the maximum time between two turns; the liveness probe checks that they continue.
const tick = time.Second

// turns gives the dispatcher to one goroutine at a time. A turn passes an input to the dispatcher, and starts the
// resulting effects. A goroutine that has an input takes a turn itself. Passing the input to another goroutine, and the
// next call back, would cost more than the turn. A turn takes microseconds and waits for nothing.
type turns struct {
	mu         sync.Mutex
	over       bool // no more turns
	dispatcher *dispatch.Dispatcher
	alarm      *time.Timer // fires at alarmAt or earlier
	alarmAt    time.Time
	pulse      atomic.Int64 // Unix nanoseconds of the last turn

	// spawn starts a goroutine that Run waits for.
	spawn func(func(context.Context))
	// start starts the effects of a turn. A call that the turn's goroutine makes itself is not among them.
	start func(turn.Effects)
}

func newTurns(config dispatch.Config) turns {
	return turns{
		dispatcher: dispatch.New(config),
		alarm:      time.NewTimer(tick),
		spawn:      func(func(context.Context)) {}, // nothing is due before Run
	}
}

// send takes a turn. If the consumer has stopped, it returns false without calling in.
func (t *turns) send(in func(now time.Time)) bool {
	_, taken := t.take(in, nil)
	return taken
}

// take takes a turn. A goroutine whose call to LeadHit has ended passes a non-nil mine. In that case, take stores the
// goroutine's next call in *mine, and more reports whether there is one.
func (t *turns) take(in func(now time.Time), mine *turn.Call) (more, taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over { // Run waits for its goroutines now: no more may start
		return false, false
	}
	now := time.Now()
	t.pulse.Store(now.UnixNano())
	in(now)
	effects := t.dispatcher.Next(now)
	t.wakeAt(now, effects.Wake)
	if mine != nil && len(effects.Calls) > 0 {
		*mine, effects.Calls, more = effects.Calls[0], effects.Calls[1:], true
	}
	t.start(effects)
	return more, true
}

// wakeAt sets the alarm for the next turn.
func (t *turns) wakeAt(now, wake time.Time) {
	at := now.Add(tick)
	if !wake.IsZero() && wake.Before(at) {
		at = wake
	}
	// An early alarm costs one turn, and setting an alarm costs as much. So an alarm is only ever moved to an earlier
	// time.
	if at.Before(t.alarmAt) || !now.Before(t.alarmAt) {
		t.alarmAt = at
		t.alarm.Reset(at.Sub(now))
	}
}

// clock takes a turn whenever the alarm fires, at least once a tick, until ctx ends.
func (t *turns) clock(ctx context.Context) {
	defer t.alarm.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.alarm.C:
			t.send(func(time.Time) {})
		}
	}
}

// begin allows turns to start goroutines. Each goroutine gets work as its context, and is counted by the WaitGroup.
func (t *turns) begin(work context.Context, goroutines *sync.WaitGroup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spawn = func(do func(context.Context)) { goroutines.Go(func() { do(work) }) }
}

// end ends the turns, so that no further goroutine starts.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}
