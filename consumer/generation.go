package consumer

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
)

// generation is where a turn puts what belongs to one generation of the group. No channel can be full: a partition has
// at most one fetch and one suspicion in the air, and once more of each if its log was made anew meanwhile; a generation
// has one commit and one end.
type generation struct {
	member   broker.Member
	fetches  chan dispatch.Fetch
	commits  chan dispatch.Commit
	suspects chan event.Partition
	doubt    chan struct{} // closed when a commit has stayed without an answer
	ended    chan dispatch.End

	doubted, told bool // a turn's: doubt is closed, ended was written
}

func newGeneration(member broker.Member, partitions int) *generation {
	return &generation{
		member:   member,
		fetches:  make(chan dispatch.Fetch, 3*partitions),
		commits:  make(chan dispatch.Commit, 1),
		suspects: make(chan event.Partition, 3*partitions),
		doubt:    make(chan struct{}),
		ended:    make(chan dispatch.End, 1),
	}
}

// live runs a generation from the reading of its offsets to its end. fetching ends when the generation is over or the
// worker is to stop; working outlives it, for the last calls and commits. It reports how the generation has ended, and
// whether the group must be left and joined anew.
func (c *Consumer) live(fetching, working context.Context, g *generation, own []event.Partition) (end dispatch.End, leave bool) {
	if !c.prepareHere(fetching) {
		return dispatch.NotEnded, fetching.Err() == nil // the generation goes on without us, or has ended
	}
	positions, gone, ok := c.positions(fetching, own)
	if !ok {
		return dispatch.NotEnded, false
	}
	fetching, stopFetching := context.WithCancel(fetching)
	defer stopFetching()
	committing, stopCommitting := context.WithCancel(working)
	defer stopCommitting()
	newMember := g.member.ID != c.member
	c.member = g.member.ID
	c.send(func(now time.Time) {
		c.current = g
		clear(c.ends)
		c.holds.keep(positions)
		c.dispatcher.Assigned(now, positions, newMember)
	})
	var hands sync.WaitGroup
	hands.Go(func() { c.fetching(fetching, g) })
	hands.Go(func() { c.committing(committing, g) })
	if gone != nil {
		hands.Go(func() {
			c.await(fetching, gone)
			stopFetching()
		})
	}
	c.enter(Running)

	select {
	case <-fetching.Done():
	case <-g.doubt:
		c.log.WarnContext(working, "a commit got no response and may be applied late; leaving the group to join it as a new member")
	case end = <-g.ended:
	}
	stopFetching()
	if end == dispatch.NotEnded {
		c.enter(Draining)
		c.send(func(time.Time) { c.dispatcher.Revoked() })
		end = g.drain()
	}
	c.tellEnd(end)
	c.send(func(time.Time) {
		c.current = nil
		c.dispatcher.Lost()
		leave = c.dispatcher.NeedsNewMember() // not before Lost: a commit may be in the air still
	})
	stopCommitting()
	hands.Wait()
	c.failing.forget()
	c.waits.end(waitLetters)
	return end, leave
}

// drain waits until what is in the air is finished and committed, but no longer than drainLimit.
func (g *generation) drain() dispatch.End {
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case end := <-g.ended:
		return end
	case <-limit.C:
		return dispatch.NotEnded
	}
}

func (c *Consumer) tellEnd(end dispatch.End) {
	switch end {
	case dispatch.Fenced:
		c.log.Warn("the group has moved on without this worker; the next owner repeats the calls that are not committed")
	case dispatch.Expired:
		c.log.Warn("no commit was acknowledged for a whole session; calls that are not committed are repeated")
	case dispatch.NotEnded:
		c.log.Warn("the generation ends with calls in flight; the next owner repeats the calls that are not committed",
			slog.Duration("limit", drainLimit))
	case dispatch.Drained: // as it should be
	}
}

// fetching carries out fetches and looks after suspect partitions until ctx ends.
func (c *Consumer) fetching(ctx context.Context, g *generation) {
	var hands sync.WaitGroup
	defer hands.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-g.fetches:
			hands.Go(func() { c.fetch(ctx, f) })
		case p := <-g.suspects:
			hands.Go(func() { c.verify(ctx, p) })
		}
	}
}

// committing sends the commits of a generation, one at a time, until ctx ends.
func (c *Consumer) committing(ctx context.Context, g *generation) {
	told := broker.Acked
	for {
		select {
		case <-ctx.Done():
			return
		case commit := <-g.commits:
			answer, worst := c.commit(ctx, g.member, commit)
			if worst.Outcome != told && ctx.Err() == nil {
				told = worst.Outcome
				c.tellCommit(worst)
			}
			c.send(func(now time.Time) { c.dispatcher.Committed(now, commit.ID, answer) })
		}
	}
}

func (c *Consumer) tellCommit(r broker.CommitResult) {
	if r.Outcome == broker.Acked {
		c.log.Info("commits are acknowledged again")
		return
	}
	if r.Outcome == broker.MetadataTooLarge {
		c.log.Warn("the brokers refuse the metadata of a commit: a waiting order holds up its partition; "+
			"set offset.metadata.max.bytes to 4096, the default, on the brokers",
			slog.String("topic", r.Topic), slog.Int("partition", r.Number), slog.Int("bytes", len(r.Metadata)), slog.Any("error", r.Err))
		return
	}
	c.log.Warn("commit not acknowledged", slog.String("outcome", r.Outcome.String()),
		slog.String("topic", r.Topic), slog.Int("partition", r.Number), slog.Any("error", r.Err))
}

// commit sends one commit and says what became of it, and of the partition that fared worst.
func (c *Consumer) commit(ctx context.Context, member broker.Member, commit dispatch.Commit) (dispatch.CommitAnswer, broker.CommitResult) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Dispatch.Session/2)
	defer cancel()
	var answer dispatch.CommitAnswer
	worst := broker.CommitResult{Outcome: broker.Acked}
	gone, err := c.gone(ctx, commit)
	if err != nil {
		answer.Outcome = dispatch.NotSent
		return answer, broker.CommitResult{Outcome: broker.Again, Err: err}
	}
	var offsets []broker.OffsetCommit
	for _, o := range commit.Offsets {
		if slices.Contains(gone, o.Partition) {
			continue
		}
		offsets = append(offsets, broker.OffsetCommit{
			Partition: o.Partition, Next: o.Next, Metadata: o.Metadata,
		})
	}
	answer.Unknown = gone
	if len(offsets) == 0 {
		return answer, worst
	}
	for _, r := range c.options.Cluster.Commit(ctx, member, offsets) {
		outcome := dispatch.Acked
		switch r.Outcome {
		case broker.Acked:
			c.counts.commits.Add(1)
			continue
		case broker.Ambiguous:
			outcome = dispatch.Ambiguous
		case broker.Fenced:
			outcome = dispatch.Refused
		case broker.Again, broker.Forbidden: // forbidden may be allowed before the lease ends; after it nothing is called
			outcome = dispatch.NotSent
		case broker.UnknownTopic:
			answer.Unknown = append(answer.Unknown, r.Partition)
		case broker.MetadataTooLarge:
			answer.TooLarge = append(answer.TooLarge, r.Partition)
		}
		c.counts.commitFailures.Add(1)
		// In doubt about one partition, in doubt about all: the outcomes are ordered by how bad they are.
		if outcome > answer.Outcome || worst.Outcome == broker.Acked {
			worst = r
		}
		answer.Outcome = max(answer.Outcome, outcome)
	}
	return answer, worst
}

// gone returns the unwatched partitions of a commit whose last one is there no longer. Kafka deletes a group's offsets
// together with their topic; to commit again would hide that it was made anew since.
func (c *Consumer) gone(ctx context.Context, commit dispatch.Commit) ([]event.Partition, error) {
	var ask []event.Partition
	for _, o := range commit.Offsets {
		if o.Unwatched {
			ask = append(ask, o.Partition)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	committed, err := c.options.Cluster.Committed(ctx, c.options.Group, ask)
	if err != nil {
		return nil, err
	}
	var gone []event.Partition
	for at, is := range committed {
		if is.Next < 0 {
			gone = append(gone, at)
		}
	}
	return gone, nil
}
