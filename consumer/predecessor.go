package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// lastCallMargin is how long a worker waits, on top of the call timeout, before it removes its predecessor, because the
// kernel may still send a request that a dying process wrote.
const lastCallMargin = 250 * time.Millisecond

// predecessor removes dead members with this worker's place from the group, before the worker's first join. Otherwise
// Kafka would wait until the session of each of them times out, and the whole group would wait as soon as a worker
// joined. Until the last calls of the dead members have ended, the worker stays outside, so that the other members
// continue. Then the group rebalances once.
//
// If anything here fails, the group waits until the session of the dead member ends, as it does for any other dead
// member.
type predecessor struct {
	*base

	began  time.Time // the start of Run: since then, the place has been ours
	sought bool
}

// remove removes the dead members with this place, once. It returns false if ctx has ended.
func (p *predecessor) remove(ctx context.Context) bool {
	if p.sought || p.options.Place == "" {
		return true
	}
	p.sought = true
	dead := p.find(ctx)
	if len(dead) == 0 {
		return ctx.Err() == nil
	}
	limit := p.began.Add(p.options.Dispatch.CallTimeout + lastCallMargin)
	p.log.InfoContext(ctx,
		"found this worker's dead predecessor in the group; it will be removed once its last calls have ended",
		slog.String("member", dead[0].ID), slog.String("host", dead[0].Host), slog.Int("members", len(dead)),
		slog.Duration("in", max(0, time.Until(limit))))
	if !p.await(ctx, limit) {
		return false
	}
	for _, member := range dead {
		err := p.insist(ctx, func() error { return p.options.Cluster.Remove(ctx, p.options.Group, member.ID) })
		if err != nil {
			p.log.WarnContext(ctx, "cannot remove this worker's dead predecessor; "+
				"the group waits until the predecessor's session expires",
				slog.String("member", member.ID), slog.Duration("session", p.options.Dispatch.Session),
				slog.Any("error", err))
			continue
		}
		p.counts.predecessors.Add(1)
		p.log.InfoContext(ctx, "removed this worker's dead predecessor from the group", slog.String("member", member.ID))
	}
	return ctx.Err() == nil
}

// find returns the members with this place. All of them are dead, because only one process can have the place, and this
// worker has it.
func (p *predecessor) find(ctx context.Context) []groups.GroupMember {
	var dead []groups.GroupMember
	err := p.insist(ctx, func() error {
		members, err := p.options.Cluster.Members(ctx, p.options.Group)
		for _, member := range members {
			if member.ClientID == p.options.Place {
				dead = append(dead, member)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, kafkaerr.ErrCoordinator) && ctx.Err() == nil { // the join logs coordinator errors
		p.log.WarnContext(ctx, "cannot look for this worker's dead predecessor in the group; joining",
			slog.Any("error", err))
	}
	return dead
}

// insist retries a request to the coordinator for a while, because the coordinator may be moving to another broker.
func (p *predecessor) insist(ctx context.Context, request func() error) error {
	var again retrier
	for {
		err := request()
		if err == nil || errors.Is(err, kafkaerr.ErrUnauthorised) {
			return err
		}
		if _, lasting := again.Failed(); lasting >= p.options.Dispatch.CallTimeout || !again.Wait(ctx) {
			return err
		}
	}
}

// await waits until the last calls of the dead members have ended.
func (p *predecessor) await(ctx context.Context, limit time.Time) bool {
	p.enter(Waiting)
	p.waits.begin(waitPredecessor,
		"the last calls of this worker's dead predecessor may still be in flight; joining after LEADHIT_TIMEOUT")
	defer p.waits.end(waitPredecessor)
	timer := time.NewTimer(time.Until(limit))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
