package groups

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/wire"
	"leadhit-sync/consumer/event"
)

const (
	// commitVersion is the first version of OffsetCommit that names topics by their ids (KIP-848), since Kafka 4.2.
	commitVersion = 10
	// metadataVersion is a version of Metadata with topic ids, which each broker with commitVersion supports.
	metadataVersion = 12
)

// TopicID is Kafka's id of a topic. A topic that is deleted and recreated has another id (KIP-516). The zero TopicID is
// no topic's id.
type TopicID struct{ high, low int64 }

// TopicIDs returns the topics' ids, as the group's coordinator knows them, for [Coordinators.Commit]. Topics that do
// not exist, or that we may not describe, are missing. The map is nil if the coordinator does not support commits by
// id. The error is [kafkaerr.ErrCoordinator], [kafkaerr.ErrUnauthorised], or comes from the network.
func (c *Coordinators) TopicIDs(ctx context.Context, group string, topics []string) (map[string]TopicID, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	ids, err := c.topicIDs(ctx, group, topics)
	if err != nil {
		c.forget(group)
		return nil, kafkaerr.New("read topic ids", "", -1, err)
	}
	return ids, nil
}

func (c *Coordinators) topicIDs(ctx context.Context, group string, topics []string) (map[string]TopicID, error) {
	node, ok, err := c.commitsByID(ctx, group)
	if !ok {
		return nil, err
	}
	b := wire.AppendCompact(nil, len(topics))
	for _, name := range topics {
		b = append(b, make([]byte, idBytes)...) // the topic is requested by its name
		b = append(wire.AppendCompactString(b, name), noTags)
	}
	b = append(b, 0, 0, noTags) // neither create topics nor list permitted operations
	x := exchange.Request{Message: &exchange.Newer{Key: protocol.Metadata, Version: metadataVersion, Body: b}}
	response, _, err := exchange.Ask[*exchange.Newer](ctx, c.pool, exchange.ToNode(node), x)
	if err != nil {
		return nil, err
	}
	return parseTopicIDs(response.Body)
}

const (
	idBytes = 16
	noTags  = 0 // the number of tagged fields
)

// commitsByID returns the group's coordinator, and whether it supports commits by id.
func (c *Coordinators) commitsByID(ctx context.Context, group string) (node int, ok bool, _ error) {
	node, err := c.node(ctx, group)
	if err != nil {
		return node, false, err
	}
	c.mu.Lock()
	newest := c.known[group].commit
	c.mu.Unlock()
	if newest > 0 {
		return node, newest >= commitVersion, nil
	}
	x := exchange.Request{Message: new(apiversions.Request)}
	response, _, err := exchange.Ask[*apiversions.Response](ctx, c.pool, exchange.ToNode(node), x)
	if err == nil {
		err = kafkaerr.FromCode(response.ErrorCode)
	}
	if err != nil {
		return node, false, err
	}
	for _, api := range response.ApiKeys {
		if protocol.ApiKey(api.ApiKey) == protocol.OffsetCommit {
			newest = api.MaxVersion
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := c.known[group]; last.node == node {
		last.commit = newest
		c.known[group] = last
	}
	return node, newest >= commitVersion, nil
}

var errNoCommitByID = errors.New("the coordinator does not support commits by topic id")

// commitByID sends the offsets with their topics' ids, and returns the code of each partition in the response.
func (c *Coordinators) commitByID(
	ctx context.Context, member Member, ids map[string]TopicID, offsets []OffsetCommit,
) (codes map[event.Partition]kafka.Error, sent bool, _ error) {
	node, ok, err := c.commitsByID(ctx, member.Group)
	if err == nil && !ok {
		err = errNoCommitByID // the group has moved to this coordinator since the ids were read
	}
	if err != nil {
		return nil, false, err
	}
	x := exchange.Request{Message: commitByIDMessage(member, ids, offsets)}
	response, sent, err := exchange.Ask[*exchange.Newer](ctx, c.pool, exchange.ToNode(node), x)
	if err == nil {
		codes, err = parseCommitted(response.Body, ids)
	}
	if err != nil {
		c.forget(member.Group)
	}
	return codes, sent, err
}

// parseTopicIDs reads the response to a Metadata request.
func parseTopicIDs(body []byte) (map[string]TopicID, error) {
	c := wire.Cursor{B: body}
	c.Int32() // throttle time
	for brokers := c.Compact(); brokers > 0 && !c.Bad; brokers-- {
		c.Int32()
		c.CompactString() // host
		c.Int32()         // port
		c.CompactString() // rack
		c.Tags()
	}
	c.CompactString() // cluster id
	c.Int32()         // controller
	ids := map[string]TopicID{}
	for topics := c.Compact(); topics > 0 && !c.Bad; topics-- {
		code, name, id := c.Int16(), c.CompactString(), TopicID{high: c.Int64(), low: c.Int64()}
		c.Int8() // internal
		for partitions := c.Compact(); partitions > 0 && !c.Bad; partitions-- {
			c.Int16() // error
			c.Int32() // partition
			c.Int32() // leader
			c.Int32() // leader epoch
			for range 3 {
				c.Take(4 * c.Compact()) // all replicas, those in sync, those offline
			}
			c.Tags()
		}
		c.Int32() // permitted operations
		c.Tags()
		if code == 0 && id != (TopicID{}) {
			ids[name] = id
		}
	}
	if c.Bad {
		return nil, errShort
	}
	return ids, nil
}

// commitByIDMessage is commitMessage with topics' ids.
func commitByIDMessage(member Member, ids map[string]TopicID, offsets []OffsetCommit) *exchange.Newer {
	by := commitMessage(member, offsets)
	b := wire.AppendCompactString(nil, by.GroupID)
	b = binary.BigEndian.AppendUint32(b, uint32(by.GenerationID))
	b = wire.AppendCompactString(b, by.MemberID)
	b = append(b, 0) // no instance id
	b = wire.AppendCompact(b, len(by.Topics))
	for _, topic := range by.Topics {
		id := ids[topic.Name]
		b = binary.BigEndian.AppendUint64(b, uint64(id.high))
		b = binary.BigEndian.AppendUint64(b, uint64(id.low))
		b = wire.AppendCompact(b, len(topic.Partitions))
		for _, p := range topic.Partitions {
			b = binary.BigEndian.AppendUint32(b, uint32(p.PartitionIndex))
			b = binary.BigEndian.AppendUint64(b, uint64(p.CommittedOffset))
			b = binary.BigEndian.AppendUint32(b, uint32(p.CommittedLeaderEpoch))
			b = wire.AppendCompactString(b, p.CommittedMetadata)
			b = append(b, noTags)
		}
		b = append(b, noTags)
	}
	return &exchange.Newer{Key: protocol.OffsetCommit, Version: commitVersion, Body: append(b, noTags)}
}

// parseCommitted reads the response to a commit by id.
func parseCommitted(body []byte, ids map[string]TopicID) (map[event.Partition]kafka.Error, error) {
	names := make(map[TopicID]string, len(ids))
	for name, id := range ids {
		names[id] = name
	}
	c := wire.Cursor{B: body}
	c.Int32() // throttle time
	codes := map[event.Partition]kafka.Error{}
	for topics := c.Compact(); topics > 0 && !c.Bad; topics-- {
		name := names[TopicID{high: c.Int64(), low: c.Int64()}]
		for partitions := c.Compact(); partitions > 0 && !c.Bad; partitions-- {
			number, code := c.Int32(), c.Int16()
			c.Tags()
			codes[event.Partition{Topic: name, Number: int(number)}] = kafka.Error(code)
		}
		c.Tags()
	}
	if c.Bad {
		return nil, errShort
	}
	return codes, nil
}
