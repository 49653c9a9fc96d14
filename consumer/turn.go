package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// send hands an input to the dispatcher and carries out what it says. False: the consumer has stopped, and the input
// was not taken.
func (c *Consumer) send(in func(now time.Time)) bool {
	_, taken := c.take(in, nil)
	return taken
}

// take takes a turn: an input, the dispatcher's question, and the start of what it says. Turns are taken one at a time,
// by whoever has an input: an actor without a goroutine of its own, for to hand an input over to one, and the next call
// back, would cost more than the turn. No turn waits for anybody.
//
// A caller whose call has ended passes mine, to be filled with its next call; more says whether there was one.
func (c *Consumer) take(in func(now time.Time), mine *dispatch.Call) (more, taken bool) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.over {
		return false, false
	}
	now := time.Now()
	in(now)
	effects := c.next(now)
	calls := effects.Calls
	if mine != nil && len(calls) > 0 {
		*mine, calls, more = calls[0], calls[1:], true
	}
	for _, call := range calls {
		c.spawn(func(ctx context.Context) { c.caller(ctx, call) })
	}
	c.carryOut(effects)
	return more, true
}

// next asks the dispatcher, and sets the clock for the next turn.
func (c *Consumer) next(now time.Time) dispatch.Effects {
	c.pulse.Store(now.UnixNano())
	effects := c.dispatcher.Next(now)
	c.tellPause()
	at := now.Add(tick)
	if !effects.Wake.IsZero() && effects.Wake.Before(at) {
		at = effects.Wake
	}
	// An alarm that comes too early costs a turn, one that is set costs as much: only bring it forward.
	if at.Before(c.alarmAt) || !now.Before(c.alarmAt) {
		c.alarmAt = at
		c.alarm.Reset(at.Sub(now))
	}
	return effects
}

// clock takes a turn whenever the alarm rings, at least once a tick, until ctx ends.
func (c *Consumer) clock(ctx context.Context) {
	defer c.alarm.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.alarm.C:
			c.send(func(time.Time) {})
		}
	}
}

// carryOut starts all but the calls.
func (c *Consumer) carryOut(e dispatch.Effects) {
	for _, store := range e.Stores {
		c.spawn(func(ctx context.Context) { c.store(ctx, store) })
	}
	if e.Announce != nil {
		entry := *e.Announce
		c.spawn(func(ctx context.Context) { c.announce(ctx, entry) })
	}
	g := c.current
	if g == nil {
		return
	}
	for _, f := range e.Fetches {
		g.fetches <- f
	}
	if e.Commit != nil {
		g.commits <- *e.Commit
	}
	for _, p := range e.Suspects {
		g.suspects <- p
	}
	if c.dispatcher.NeedsNewMember() && !g.doubted {
		g.doubted = true
		close(g.doubt)
	}
	if e.Ended != dispatch.NotEnded && !g.told {
		g.told = true
		g.ended <- e.Ended
	}
}

// tellPause logs one line per change of what pauses the calls.
func (c *Consumer) tellPause() {
	was, is := c.paused, c.dispatcher.Pause()
	if is.Kind == was.Kind {
		return
	}
	c.paused = is
	facts := []any{slog.String("reason", is.Kind), slog.Time("since", is.Since)}
	if is.By != "" {
		facts = append(facts, slog.String("by", is.By), slog.String("why", is.Reason))
	}
	log := c.log.With(facts...)
	switch is.Kind {
	case "":
		c.tellResumed(was)
	case retry.Unauthorised.String():
		log.Error("calls paused: LeadHit rejects the API key; probing every 30 s, calls resume automatically; " +
			"correct the account or LEADHIT_API_KEY_FILE, which is read again when it changes")
	case retry.Misconfigured.String():
		log.Error("calls paused: the URL responds, but does not know set_order_status; probing every 30 s, " +
			"calls resume automatically; run leadhit-sync check and correct LEADHIT_URL")
	case retry.Outage:
		log.Warn("calls paused: LeadHit is down; probing every 30 s at most, calls resume automatically")
	case ledger.ByHand:
		log.Warn("calls paused by hand for all workers of the group, until somebody runs leadhit-sync resume")
	case ledger.Flood:
		log.Error("calls paused by the flood guard for all workers of the group: too many dead letters, " +
			"which points to a bad deploy and not to bad orders; look at them with leadhit-sync letters list and correct the mapping or their cause; " +
			"leadhit-sync resume resumes the calls and accepts letters like these")
	default:
		log.Warn("calls paused")
	}
}

// tellResumed logs the end of a pause. Of the group's pauses it names who ended them; the others end by themselves.
func (c *Consumer) tellResumed(was dispatch.Pause) {
	// The pause began by the clock of the operator's machine, which may be ahead of ours.
	lasted := max(0, time.Since(was.Since).Round(time.Millisecond))
	log := c.log.With(slog.String("reason", was.Kind), slog.Duration("paused_for", lasted))
	if was.Kind == ledger.ByHand || was.Kind == ledger.Flood {
		log = log.With(slog.String("by", c.resumed.By), slog.String("why", c.resumed.Reason))
	}
	log.Info("calls resumed")
}
