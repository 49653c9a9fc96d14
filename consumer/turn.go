package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/retry"
)

// send hands an input to the dispatcher and carries out what it says. False: the consumer has stopped, and the input was
// not taken.
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
	c.tellHeld(now)
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

// tellHeld writes one line a change of what holds the calls back.
func (c *Consumer) tellHeld(now time.Time) {
	word, since := c.dispatcher.Held(now)
	if word == c.held {
		return
	}
	was, began := c.held, c.heldSince
	c.held, c.heldSince = word, since
	paused, at := slog.String("reason", word), slog.Time("since", since)
	switch word {
	case "":
		c.tellResumed(was, max(0, now.Sub(began).Round(time.Millisecond))) // of a pause by hand another's clock told the beginning
	case retry.Unauthorised.String():
		c.log.Error("calls paused: LeadHit refuses the API key; correct the key's file (it is read again when it changes) "+
			"or the account; one call every 30 s probes, and calls resume by themselves", paused, at)
	case retry.Misconfigured.String():
		c.log.Error("calls paused: the address answers, but does not know set_order_status; check LEADHIT_URL "+
			"(leadhit-sync check); one call every 30 s probes, and calls resume by themselves", paused, at)
	case retry.HeldByGate:
		c.log.Warn("calls paused: LeadHit is down; single calls probe, at most 30 s apart, and calls resume by themselves",
			paused, at)
	case retry.HeldByHand:
		s := c.dispatcher.Governed(now)
		c.log.Warn("calls paused by hand, by all workers of the group, until somebody says: leadhit-sync resume",
			paused, at, slog.String("by", s.By), slog.String("why", s.Reason))
	case retry.HeldByFlood:
		s := c.dispatcher.Governed(now)
		c.log.Error("calls paused by the flood guard, by all workers of the group: so many dead letters point to a bad deploy, "+
			"not to bad orders; look at them (leadhit-sync letters list) and correct the mapping or their cause; "+
			"\"leadhit-sync resume\" resumes the calls and accepts letters like these", paused, at, slog.String("by", s.By), slog.String("why", s.Reason))
	default:
		c.log.Warn("calls paused", paused, at)
	}
}

// tellResumed writes the line about the end of what held the calls back, with who ended it where it does not end by itself.
func (c *Consumer) tellResumed(was string, held time.Duration) {
	log := c.log.With(slog.String("reason", was), slog.Duration("paused_for", held))
	if was == retry.HeldByHand || was == retry.HeldByFlood {
		log = log.With(slog.String("by", c.resumed.By), slog.String("why", c.resumed.Reason))
	}
	log.Info("calls resumed")
}
