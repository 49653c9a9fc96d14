package groups

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

// Member identifies the member that commits. With an empty ID and Generation -1, the commit comes from outside the
// group. The coordinator accepts that only while the group has no members.
type Member struct {
	Group string
	// Generation and ID come from the last join. The coordinator fences commits from an older generation, so a member
	// that was frozen cannot undo its successor's commits.
	Generation int
	ID         string
}

// OffsetCommit is what to commit for one partition, or what has been committed.
type OffsetCommit struct {
	event.Partition
	// Next is the offset to resume from: all events before it are finished.
	Next int64
	// Metadata is text. By default, brokers accept at most 4,096 bytes.
	Metadata string
}

// CommitResult is the outcome of one OffsetCommit.
type CommitResult struct {
	OffsetCommit
	Outcome Outcome
	// Err is a *kafkaerr.Error; nil when the outcome is Acked.
	Err error
}

// Outcome is what is known about a commit.
type Outcome uint8

// The outcomes. The zero value is Ambiguous: a commit that was not judged may or may not have been applied.
const (
	// Ambiguous: the commit may have been sent, and no response says whether it was applied. It may still be applied
	// later, over a newer commit.
	Ambiguous Outcome = iota
	// Acked: the coordinator has stored the commit.
	Acked
	// Again [14] [15] [16], or never sent: the commit was not applied, or it is applied before any later commit.
	Again
	// Fenced [22] [25] [27] [69] [82] [113]: the generation is over for this member.
	Fenced
	// MetadataTooLarge [12] [28]: the metadata must be shorter.
	MetadataTooLarge
	// UnknownTopic [3] [100]: the partition is gone, or the coordinator does not know it yet.
	UnknownTopic
	// Forbidden [29] [30] [31]: we have no permission to commit for the group or the topic.
	Forbidden
)

// String returns the outcome's name for logs and metrics.
func (o Outcome) String() string {
	names := [...]string{"ambiguous", "acked", "again", "fenced", "metadata_too_large", "unknown_topic", "forbidden"}
	if int(o) < len(names) {
		return names[o]
	}
	return "unknown"
}

// Commit sends the offsets in one request to the group's coordinator and returns one result for each offset, in the
// same order. It never sends a commit twice. ids has the id of each topic, from [Coordinators.TopicIDs]. The outcome is
// UnknownTopic if a topic has been deleted since, even if it has been recreated. If ids is nil, the commit names the
// topics by their names.
func (c *Coordinators) Commit(
	ctx context.Context, member Member, ids map[string]TopicID, offsets []OffsetCommit,
) []CommitResult {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	results := make([]CommitResult, len(offsets))
	for i, offset := range offsets {
		results[i].OffsetCommit = offset
	}
	codes, sent, err := c.commit(ctx, member, ids, offsets)
	for i := range results {
		r := &results[i]
		code, found := codes[r.Partition]
		switch {
		case err != nil && !sent:
			r.Outcome, r.Err = Again, kafkaerr.New("commit", r.Topic, r.Number, fmt.Errorf("not sent: %w", err))
		case err != nil:
			r.Outcome, r.Err = Ambiguous, kafkaerr.New("commit", r.Topic, r.Number, err)
		case !found:
			r.Outcome, r.Err = Ambiguous, kafkaerr.New("commit", r.Topic, r.Number, exchange.ErrLeftOut)
		case code != 0:
			c.forget(member.Group)
			r.Outcome, r.Err = outcomeOf(code), kafkaerr.New("commit", r.Topic, r.Number, code)
		default:
			r.Outcome = Acked
		}
	}
	return results
}

const errStaleMemberEpoch kafka.Error = 113 // kafka-go has no name for it

// outcomeOf returns the outcome that a code means. It is pessimistic: after applying the commit, the coordinator may
// still send a code that is not listed here.
func outcomeOf(code kafka.Error) Outcome {
	switch code {
	case kafka.GroupLoadInProgress, kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup:
		return Again
	case kafka.IllegalGeneration, kafka.UnknownMemberId, kafka.RebalanceInProgress, kafka.GroupIdNotFound,
		kafka.FencedInstanceID, errStaleMemberEpoch:
		return Fenced
	case kafka.OffsetMetadataTooLarge, kafka.InvalidCommitOffsetSize:
		return MetadataTooLarge
	case kafka.UnknownTopicOrPartition, kafka.UnknownTopicID:
		return UnknownTopic
	case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed:
		return Forbidden
	default: // no other code says that the commit was not applied
		return Ambiguous
	}
}

// commit sends the offsets, and returns the code of each partition in the coordinator's response.
func (c *Coordinators) commit(
	ctx context.Context, member Member, ids map[string]TopicID, offsets []OffsetCommit,
) (codes map[event.Partition]kafka.Error, sent bool, err error) {
	if ids != nil {
		return c.commitByID(ctx, member, ids, offsets)
	}
	x := exchange.Request{Message: commitMessage(member, offsets)}
	response, sent, err := ask[*offsetcommit.Response](ctx, c, member.Group, x)
	if err != nil {
		return nil, sent, err
	}
	codes = make(map[event.Partition]kafka.Error, len(offsets))
	for _, topic := range response.Topics {
		for _, p := range topic.Partitions {
			codes[event.Partition{Topic: topic.Name, Number: int(p.PartitionIndex)}] = kafka.Error(p.ErrorCode)
		}
	}
	return codes, true, nil
}

// commitMessage groups the partitions by topic, as the request requires.
func commitMessage(member Member, offsets []OffsetCommit) *offsetcommit.Request {
	message := &offsetcommit.Request{
		GroupID:         member.Group,
		GenerationID:    int32(member.Generation),
		MemberID:        member.ID,
		RetentionTimeMs: -1, // the broker's own retention
	}
	for _, offset := range offsets {
		i := slices.IndexFunc(message.Topics, func(t offsetcommit.RequestTopic) bool { return t.Name == offset.Topic })
		if i < 0 {
			i = len(message.Topics)
			message.Topics = append(message.Topics, offsetcommit.RequestTopic{Name: offset.Topic})
		}
		topic := &message.Topics[i]
		topic.Partitions = append(topic.Partitions, offsetcommit.RequestPartition{
			PartitionIndex:       int32(offset.Number),
			CommittedOffset:      offset.Next,
			CommittedLeaderEpoch: -1, // not known: none is better than a wrong one
			CommittedMetadata:    offset.Metadata,
		})
	}
	return message
}

// Committed returns what the group has committed, as its coordinator reports it. The map has an entry for each
// partition, with Next -1 where nothing is committed (any more). The error is [kafkaerr.ErrCoordinator],
// [kafkaerr.ErrUnknownPartition], [kafkaerr.ErrUnauthorised], or a network error.
func (c *Coordinators) Committed(ctx context.Context, group string, partitions []event.Partition) (
	map[event.Partition]OffsetCommit, error,
) {
	committed := make(map[event.Partition]OffsetCommit, len(partitions))
	if len(partitions) == 0 {
		return committed, nil // an empty request asks for all of the group's commits
	}
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	err := c.readCommits(ctx, group, partitions, committed)
	if errors.Is(err, kafka.GroupIdNotFound) {
		for _, p := range partitions {
			committed[p] = OffsetCommit{Partition: p, Next: -1}
		}
		return committed, nil
	}
	if err != nil {
		c.forget(group)
		return nil, err
	}
	for _, p := range partitions {
		if _, ok := committed[p]; !ok {
			return nil, kafkaerr.New("read commits of "+group, p.Topic, p.Number, exchange.ErrLeftOut)
		}
	}
	return committed, nil
}

func (c *Coordinators) readCommits(ctx context.Context, group string, partitions []event.Partition,
	into map[event.Partition]OffsetCommit,
) error {
	x := exchange.Request{Message: fetchMessage(group, partitions)}
	response, _, err := ask[*offsetfetch.Response](ctx, c, group, x)
	if err == nil {
		err = kafkaerr.FromCode(response.ErrorCode)
	}
	if err != nil {
		return kafkaerr.New("read commits of "+group, "", -1, err)
	}
	for _, topic := range response.Topics {
		for _, p := range topic.Partitions {
			at := event.Partition{Topic: topic.Name, Number: int(p.PartitionIndex)}
			if p.ErrorCode != 0 {
				return kafkaerr.New("read commits of "+group, at.Topic, at.Number, kafkaerr.FromCode(p.ErrorCode))
			}
			into[at] = OffsetCommit{Partition: at, Next: p.CommittedOffset, Metadata: p.Metadata}
		}
	}
	return nil
}

// fetchMessage groups the partitions by topic, as the request requires.
func fetchMessage(group string, partitions []event.Partition) *offsetfetch.Request {
	message := &offsetfetch.Request{GroupID: group}
	for _, p := range partitions {
		i := slices.IndexFunc(message.Topics, func(t offsetfetch.RequestTopic) bool { return t.Name == p.Topic })
		if i < 0 {
			i = len(message.Topics)
			message.Topics = append(message.Topics, offsetfetch.RequestTopic{Name: p.Topic})
		}
		topic := &message.Topics[i]
		topic.PartitionIndexes = append(topic.PartitionIndexes, int32(p.Number))
	}
	return message
}
