package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
)

// generation is where the actor puts what belongs to one generation of the group. No channel can be full: a partition has
// one fetch and one suspicion in the air, a generation one commit and one end.
type generation struct {
	member   broker.Member
	fetches  chan dispatch.Fetch
	commits  chan dispatch.Commit
	suspects chan dispatch.Partition
	ended    chan dispatch.End
	told     bool // the actor's: ended was written
}

func newGeneration(member broker.Member, partitions int) *generation {
	return &generation{
		member:   member,
		fetches:  make(chan dispatch.Fetch, partitions+1),
		commits:  make(chan dispatch.Commit, 1),
		suspects: make(chan dispatch.Partition, partitions+1),
		ended:    make(chan dispatch.End, 1),
	}
}

// live runs a generation from the reading of its offsets to its end. fetching ends when the generation is over or the
// worker is to stop; working outlives it, for the last calls and commits. It reports whether the group must be left and
// joined anew.
func (c *Consumer) live(fetching, working context.Context, g *generation, own []broker.TopicPartition, newMember bool) bool {
	positions, ok := c.positions(fetching, own)
	if !ok {
		return false
	}
	fetching, stopFetching := context.WithCancel(fetching)
	defer stopFetching()
	committing, stopCommitting := context.WithCancel(working)
	defer stopCommitting()
	c.send(func(now time.Time) {
		c.current = g
		c.dispatcher.Assigned(now, positions, newMember)
	})
	var hands sync.WaitGroup
	hands.Go(func() { c.fetching(fetching, g) })
	hands.Go(func() { c.committing(committing, g) })
	c.enter(Consuming)

	select {
	case <-fetching.Done():
		stopFetching()
		c.enter(Draining)
		c.send(func(time.Time) { c.dispatcher.Revoked() })
		c.drain(g)
	case end := <-g.ended:
		c.tellEnd(end)
	}
	leave := false
	c.ask(func(time.Time) {
		leave = c.dispatcher.NeedsNewMember()
		c.dispatcher.Lost()
		c.current = nil
	})
	stopFetching()
	stopCommitting()
	hands.Wait()
	return leave
}

func (c *Consumer) drain(g *generation) {
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case end := <-g.ended:
		c.tellEnd(end)
	case <-limit.C:
		c.log.Warn("the generation ends with work in the air: its calls are made again by the next owner",
			slog.Duration("limit", drainLimit))
	}
}

func (c *Consumer) tellEnd(end dispatch.End) {
	switch end {
	case dispatch.Fenced:
		c.log.Warn("the group has moved on without this worker; what was not committed is called again by the next owner")
	case dispatch.Expired:
		c.log.Warn("no commit was acknowledged for a whole session; what was not committed is called again")
	case dispatch.Drained, dispatch.NotEnded: // as it should be
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
	c.log.Warn("commit not acknowledged", slog.String("outcome", r.Outcome.String()),
		slog.String("topic", r.Topic), slog.Int("partition", r.Partition), slog.Any("error", r.Err))
}

// commit sends one commit and says what became of it, and of the partition that fared worst.
func (c *Consumer) commit(ctx context.Context, member broker.Member, commit dispatch.Commit) (dispatch.CommitAnswer, broker.CommitResult) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Dispatch.Session/2)
	defer cancel()
	offsets := make([]broker.OffsetCommit, len(commit.Offsets))
	for i, o := range commit.Offsets {
		offsets[i] = broker.OffsetCommit{
			TopicPartition: broker.TopicPartition{Topic: o.Topic, Partition: o.Number}, Next: o.Next, Metadata: o.Metadata,
		}
	}
	var answer dispatch.CommitAnswer
	worst := broker.CommitResult{Outcome: broker.Acked}
	for i, r := range c.options.Cluster.Commit(ctx, member, offsets) {
		at := commit.Offsets[i].Partition
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
			answer.Unknown = append(answer.Unknown, at)
		case broker.MetadataTooLarge:
			answer.TooLarge = append(answer.TooLarge, at)
		}
		c.counts.commitFailures.Add(1)
		// In doubt about one partition, in doubt about all: the outcomes are ordered by how bad they are.
		answer.Outcome = max(answer.Outcome, outcome)
		worst = r
	}
	return answer, worst
}
