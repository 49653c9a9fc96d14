package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrOneReplica says that a topic would be lost with one broker although the cluster has several.
var ErrOneReplica = errors.New("the topic has one replica in a cluster of several brokers, so losing one " +
	"broker loses what stands in it: raise its replication factor")

// TopicSpec says what the dead-letter topic must be able to hold.
type TopicSpec struct {
	Name string
	// SourceMaxBytes is the source topic's max.message.bytes; 0 stands for Kafka's default of 1 MiB and 12 bytes.
	// The letters' is 64 KiB more: for the headers that a letter adds.
	SourceMaxBytes int
	Retention      time.Duration // 0: 30 days
}

const (
	defaultMaxBytes  = 1<<20 + 12
	letterRoom       = 64 << 10
	defaultRetention = 30 * 24 * time.Hour
	wantedReplicas   = 3

	retentionSetting = "retention.ms"
)

// EnsureTopic creates the dead-letter topic unless it is there, and tells whether it did. The new topic has one
// partition, a replica on each of up to three brokers, with three of them two in sync for each write, and LogAppendTime.
//
// A topic that is there stays as it is, but [ErrOneReplica] refuses one that a single broker's loss would destroy.
// [ErrUnauthorised] wraps what Kafka forbids; other errors are the cluster's and may pass. Two workers that call it at
// once both succeed.
func EnsureTopic(ctx context.Context, client *kafka.Client, spec TopicSpec) (created bool, err error) {
	return ensure(ctx, client, spec.Name, spec.settings)
}

// ensure creates a topic of ours unless it is there. Its settings are asked for only if it has to be made.
func ensure(ctx context.Context, client *kafka.Client, name string, settings func() []kafka.ConfigEntry) (created bool, err error) {
	// Ask first: CreateTopics answers a wrong password with "broker not available".
	found, brokers, err := lookUp(ctx, client, name)
	if err != nil {
		return false, fmt.Errorf("look up topic %s: %w", name, err)
	}
	if found {
		return false, nil
	}
	if created, err = create(ctx, client, topicConfig(name, brokers, settings())); err != nil {
		return false, fmt.Errorf("create topic %s: %w", name, err)
	}
	return created, nil
}

// lookUp tells whether the topic is there and good enough, and how many brokers the cluster has.
func lookUp(ctx context.Context, client *kafka.Client, name string) (found bool, brokers int, err error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return false, 0, explain(err)
	}
	for _, topic := range meta.Topics {
		switch {
		case topic.Name != name || errors.Is(topic.Error, kafka.UnknownTopicOrPartition):
			continue
		case topic.Error != nil:
			return false, 0, explain(topic.Error)
		}
		for _, p := range topic.Partitions {
			if len(p.Replicas) == 1 && len(meta.Brokers) > 1 {
				return true, len(meta.Brokers), ErrOneReplica
			}
		}
		found = true
	}
	return found, len(meta.Brokers), nil
}

func create(ctx context.Context, client *kafka.Client, config kafka.TopicConfig) (created bool, err error) {
	response, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	if err != nil {
		return false, explain(err)
	}
	err = response.Errors[config.Topic]
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kafka.TopicAlreadyExists): // another worker was faster, with the same settings
		return false, nil
	}
	return false, explain(err)
}

// topicConfig is what all topics of ours have in common: one partition, for one order of all that stands in it, and a replica
// on each of up to three brokers.
func topicConfig(name string, brokers int, settings []kafka.ConfigEntry) kafka.TopicConfig {
	replicas := max(1, min(wantedReplicas, brokers))
	inSync := 1
	if replicas == wantedReplicas {
		inSync = 2
	}
	return kafka.TopicConfig{
		Topic:             name,
		NumPartitions:     1,
		ReplicationFactor: replicas,
		ConfigEntries: append([]kafka.ConfigEntry{
			{ConfigName: "min.insync.replicas", ConfigValue: strconv.Itoa(inSync)},
			{ConfigName: "cleanup.policy", ConfigValue: "delete"},
			{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"},
		}, settings...),
	}
}

func (s TopicSpec) settings() []kafka.ConfigEntry {
	if s.SourceMaxBytes == 0 {
		s.SourceMaxBytes = defaultMaxBytes
	}
	return []kafka.ConfigEntry{
		{ConfigName: retentionSetting, ConfigValue: strconv.FormatInt(s.retention().Milliseconds(), 10)},
		{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(s.SourceMaxBytes + letterRoom)},
	}
}

func (s TopicSpec) retention() time.Duration {
	if s.Retention == 0 {
		return defaultRetention
	}
	return s.Retention
}
