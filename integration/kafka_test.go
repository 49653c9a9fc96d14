package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
)

// broker is a test's view of the cluster, independent of the worker's.
type broker struct {
	addrs  []string
	client *kafka.Client
}

func dial(tb testing.TB, addrs []string) *broker {
	tb.Helper()
	transport := &kafka.Transport{MetadataTTL: 3 * time.Second} // also the deadline for renewing the metadata
	tb.Cleanup(transport.CloseIdleConnections)
	return &broker{addrs: addrs, client: &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport, Timeout: 20 * time.Second}}
}

// create creates a topic with the cluster's replication and waits until it is known. maxBytes is its max.message.bytes.
func (b *broker) create(tb testing.TB, topic string, partitions, maxBytes int, others ...kafka.ConfigEntry) {
	tb.Helper()
	request := &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: partitions, ReplicationFactor: min(3, len(b.addrs)), // releases before 2.4 have no default
		ConfigEntries: append(others, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(maxBytes)}),
	}}}
	lost := false                                                     // a response may have been lost
	eventually(tb, 30*time.Second, "creating "+topic, func() string { // a new controller rejects requests for a while
		answer, err := b.client.CreateTopics(tb.Context(), request)
		if err == nil {
			err = answer.Errors[topic]
		}
		if lost && errors.Is(err, kafka.TopicAlreadyExists) {
			return ""
		}
		lost = err != nil && !errors.Is(err, kafka.TopicAlreadyExists)
		return text(err)
	})
	eventually(tb, 30*time.Second, "topic "+topic, func() string {
		_, err := b.ends(tb.Context(), topic, partitions)
		return text(err)
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ends returns the log ends of a topic's partitions.
func (b *broker) ends(ctx context.Context, topic string, partitions int) (map[audit.Place]int64, error) {
	var asked []kafka.OffsetRequest
	for p := range partitions {
		asked = append(asked, kafka.LastOffsetOf(p))
	}
	answer, err := b.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, err
	}
	ends := make(map[audit.Place]int64)
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		ends[audit.Place{Topic: topic, Partition: p.Partition}] = p.LastOffset
	}
	return ends, nil
}

// known waits until the brokers return the log end and the group's commit for every partition, and returns them. After
// a fault, a new leader or coordinator rejects requests for a while.
func (b *broker) known(tb testing.TB, group, topic string, partitions int) (ends, committed map[audit.Place]int64) {
	tb.Helper()
	eventually(tb, 30*time.Second, "the log ends and commits of "+topic, func() string {
		var err error
		if ends, err = b.ends(tb.Context(), topic, partitions); err != nil {
			return err.Error()
		}
		committed, err = b.committed(tb.Context(), group, topic, partitions)
		return text(err)
	})
	return ends, committed
}

// committed returns a group's committed offsets. Partitions without a commit are not in the map.
func (b *broker) committed(ctx context.Context, group, topic string, partitions int) (map[audit.Place]int64, error) {
	var asked []int
	for p := range partitions {
		asked = append(asked, p)
	}
	answer, err := b.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: asked}})
	if err := cmpErr(err, errorOf(answer)); err != nil {
		return nil, err
	}
	committed := make(map[audit.Place]int64)
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		if p.CommittedOffset >= 0 {
			committed[audit.Place{Topic: topic, Partition: p.Partition}] = p.CommittedOffset
		}
	}
	return committed, nil
}

func errorOf(answer *kafka.OffsetFetchResponse) error {
	if answer == nil {
		return nil
	}
	return answer.Error
}

// behind returns how far a group's commits are behind the log ends, or "" if they are not behind.
func (b *broker) behind(ctx context.Context, group, topic string, partitions int) string {
	ends, err := b.ends(ctx, topic, partitions)
	if err != nil {
		return err.Error()
	}
	committed, err := b.committed(ctx, group, topic, partitions)
	switch {
	case err != nil:
		return err.Error()
	case maps.Equal(withoutZero(committed), withoutZero(ends)):
		return ""
	}
	return fmt.Sprintf("committed %v, the log ends at %v", committed, ends)
}

// withoutZero removes empty partitions, which need no commit.
func withoutZero(offsets map[audit.Place]int64) map[audit.Place]int64 {
	maps.DeleteFunc(offsets, func(_ audit.Place, offset int64) bool { return offset == 0 })
	return offsets
}

// letters reads a whole dead-letter topic. A topic that does not exist has no letters.
func (b *broker) letters(tb testing.TB, topic string) []audit.Letter {
	tb.Helper()
	var letters []audit.Letter
	b.readAll(tb, topic, func(r *kgo.Record) { letters = append(letters, letter(r)) })
	return letters
}

// readAll reads a topic from its start to its current end. A topic that does not exist has no records.
func (b *broker) readAll(tb testing.TB, topic string, each func(*kgo.Record)) {
	tb.Helper()
	ends := b.allEnds(tb, topic)
	starts, left := map[int32]kgo.Offset{}, map[int32]int64{}
	for place, end := range ends {
		if end > 0 {
			starts[int32(place.Partition)], left[int32(place.Partition)] = kgo.NewOffset().AtStart(), end
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addrs...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			tb.Fatalf("reading %s: %v", topic, err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			each(record)
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		})
	}
}

// allEnds returns the log ends of all partitions of a topic, or none if the topic does not exist. It uses its own
// transport, because a shared one responds from its cache, which may be older than the topic.
func (b *broker) allEnds(tb testing.TB, topic string) (ends map[audit.Place]int64) {
	tb.Helper()
	eventually(tb, 30*time.Second, "the log ends of "+topic, func() string {
		transport := new(kafka.Transport)
		defer transport.CloseIdleConnections()
		client := &kafka.Client{Addr: kafka.TCP(b.addrs...), Transport: transport, Timeout: 20 * time.Second}
		answer, err := client.Metadata(tb.Context(), &kafka.MetadataRequest{Topics: []string{topic}})
		if err == nil {
			err = answer.Topics[0].Error
		}
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			return ""
		}
		if err == nil {
			ends, err = b.ends(tb.Context(), topic, len(answer.Topics[0].Partitions))
		}
		return text(err)
	})
	return ends
}

func letter(r *kgo.Record) audit.Letter {
	l := audit.Letter{Key: r.Key, Value: r.Value, Stored: r.Timestamp, Headers: r.Headers}
	for _, h := range r.Headers {
		switch h.Key {
		case "dlq.id":
			l.ID = string(h.Value)
		case "__connect.errors.exception.class.name":
			l.Cause = string(h.Value)
		case "dlq.replay.count":
			l.Replays, _ = strconv.Atoi(string(h.Value))
		case "dlq.value":
			l.Omitted = string(h.Value) == "omitted"
		}
	}
	return l
}
