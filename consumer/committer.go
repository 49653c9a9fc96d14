package consumer

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch/turn"
)

// committer sends the commits of one generation. Only the goroutine that calls run uses it.
type committer struct {
	*base

	member groups.Member
	topics *commitTopics
}

// run sends commits, one at a time, until ctx ends. It logs when the commits' outcome changes.
func (c *committer) run(ctx context.Context, commits <-chan turn.Commit) {
	logged := groups.Acked
	for {
		select {
		case <-ctx.Done():
			return
		case commit := <-commits:
			answer, worst := c.commit(ctx, commit)
			if worst != nil && worst.Outcome != logged && ctx.Err() == nil {
				logged = worst.Outcome
				c.logOutcome(*worst)
			}
			c.send(func(now time.Time) { c.dispatcher.Committed(now, commit.ID, answer) })
		}
	}
}

// logOutcome gives advice only about the metadata limit, because no other outcome depends on a setting.
func (c *committer) logOutcome(r groups.CommitResult) {
	if r.Outcome == groups.Acked {
		c.log.Info("commits are acknowledged again")
		return
	}
	if r.Outcome == groups.MetadataTooLarge {
		c.log.Warn("the brokers reject the metadata of a commit, so a waiting order holds up its partition; "+
			"set offset.metadata.max.bytes to 4096, the default, on the brokers",
			slog.String("topic", r.Topic), slog.Int("partition", r.Number),
			slog.Int("bytes", len(r.Metadata)), slog.Any("error", r.Err))
		return
	}
	c.log.Warn("commit not acknowledged", slog.String("outcome", r.Outcome.String()),
		slog.String("topic", r.Topic), slog.Int("partition", r.Number), slog.Any("error", r.Err))
}

// commit sends one commit. It returns the commit's outcome, and the result for the partition with the worst outcome;
// nil if there was nothing to send, because the topics of all partitions were recreated.
func (c *committer) commit(ctx context.Context, commit turn.Commit) (turn.CommitAnswer, *groups.CommitResult) {
	// Half the session timeout leaves time for another commit before the lease ends.
	ctx, cancel := context.WithTimeout(ctx, c.options.Dispatch.Session/2)
	defer cancel()
	var answer turn.CommitAnswer
	ids, gone, err := c.topics.check(ctx, commit)
	if err != nil {
		answer.Outcome = turn.NotSent
		return answer, &groups.CommitResult{Outcome: groups.Again, Err: err}
	}
	var offsets []groups.OffsetCommit
	for _, o := range commit.Offsets {
		if !slices.Contains(gone, o.Partition) {
			offsets = append(offsets, groups.OffsetCommit{Partition: o.Partition, Next: o.Next, Metadata: o.Metadata})
		}
	}
	answer.Unknown = gone
	if len(offsets) == 0 {
		return answer, nil
	}
	worst := &groups.CommitResult{Outcome: groups.Acked}
	for _, r := range c.options.Cluster.Commit(ctx, c.member, ids, offsets) {
		outcome := turn.Acked
		switch r.Outcome {
		case groups.Acked:
			c.counts.commits.Add(1)
			c.topics.acked(r.Partition, ids)
			continue
		case groups.Ambiguous:
			outcome = turn.Ambiguous
		case groups.Fenced:
			outcome = turn.Refused
		// the permission may be granted before the lease ends; after the lease, no call starts
		case groups.Again, groups.Forbidden:
			outcome = turn.NotSent
		case groups.UnknownTopic:
			answer.Unknown = append(answer.Unknown, r.Partition)
		case groups.MetadataTooLarge:
			answer.TooLarge = append(answer.TooLarge, r.Partition)
		}
		c.counts.commitFailures.Add(1)
		// The worst outcome counts for the whole commit. The constants are in ascending order of severity.
		if outcome > answer.Outcome || worst.Outcome == groups.Acked {
			worst = &r
		}
		answer.Outcome = max(answer.Outcome, outcome)
	}
	if worst.Outcome != groups.Acked {
		c.topics.forget()
	}
	return answer, worst
}
