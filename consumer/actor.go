package consumer

import (
	"context"
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/retry"
)

// act is the actor: the one goroutine that owns the dispatcher. It takes all inputs that are there, asks what to do, and
// hands that out without ever waiting for anybody.
func (c *Consumer) act(ctx context.Context) {
	wake := time.NewTimer(tick)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake.C:
		case in := <-c.inputs:
			now := time.Now()
			in(now)
			for range len(c.inputs) {
				(<-c.inputs)(now)
			}
		}
		now := time.Now()
		c.pulse.Store(now.UnixNano())
		effects := c.dispatcher.Next(now)
		c.carryOut(effects)
		c.tellPause()
		next := tick
		if !effects.Wake.IsZero() {
			next = min(tick, max(effects.Wake.Sub(now), 0))
		}
		wake.Reset(next)
	}
}

func (c *Consumer) carryOut(e dispatch.Effects) {
	for _, call := range e.Calls {
		c.calls <- call
	}
	for _, store := range e.Stores {
		c.stores <- store
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

// tellPause writes one line a change.
func (c *Consumer) tellPause() {
	kind, since, paused := c.dispatcher.Pause()
	if kind == c.pause {
		return
	}
	was := c.pause
	c.pause = kind
	switch {
	case !paused:
		c.log.Info("calls resumed: LeadHit answers a probe", slog.String("paused_for", was.String()))
	case kind == retry.Unauthorised:
		c.log.Error("calls paused: LeadHit refuses the API key; mend the key's file (it is read again when it changes) "+
			"or the account; one call every 30 s probes, and all goes on by itself",
			slog.String("reason", kind.String()), slog.Time("since", since))
	default:
		c.log.Error("calls paused: the address answers, but does not know set_order_status; check LEADHIT_URL "+
			"(leadhit-sync check); one call every 30 s probes, and all goes on by itself",
			slog.String("reason", kind.String()), slog.Time("since", since))
	}
}
