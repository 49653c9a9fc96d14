package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// ErrOneReplica says that a topic would be lost with one broker although the cluster has several, and that this is all that is
// wrong with it.
var ErrOneReplica = errors.New("the topic has one replica in a cluster of several brokers")

// TopicSpec says what the dead-letter topic must be able to hold.
type TopicSpec struct {
	Name string
	// Sources are the topics whose events become letters. Kafka is asked how large their records may be and how long they are
	// kept: letters get 64 KiB more, for their headers, and last as long at least.
	Sources []string
	// SourceMaxBytes is the max.message.bytes of sources for which Kafka does not return it; 0 means Kafka's default of 1 MiB and 12
	// bytes.
	SourceMaxBytes int
	Retention      time.Duration // 0: 30 days, or longer if a source is kept longer
}

const (
	defaultMaxBytes  = 1<<20 + 12
	letterRoom       = 64 << 10
	defaultRetention = 30 * 24 * time.Hour
	wantedReplicas   = 3
)

// EnsureTopic creates the dead-letter topic unless it exists, and says whether it did. The new topic has one
// partition, a replica on each of up to three brokers, with three of them two in sync for each write, and LogAppendTime.
//
// A topic that exists is never altered; an [UnfitError] refuses one that [InspectLetters] finds a fatal flaw in.
// [ErrUnauthorised] wraps what Kafka forbids; other errors are the cluster's and may pass. Two workers that call it at
// once both succeed.
func EnsureTopic(ctx context.Context, client *kafka.Client, spec TopicSpec) (created bool, err error) {
	found, from, err := inspectLetters(ctx, client, spec)
	return ensure(ctx, client, found, err, spec.settings(from))
}

// ensure creates a topic of ours unless it was found.
func ensure(ctx context.Context, client *kafka.Client, found Inspection, failed error, settings []kafka.ConfigEntry) (created bool, err error) {
	// CreateTopics answers a wrong password with "broker not available", so that the inspection's error comes first.
	if failed == nil {
		failed = found.Err()
	}
	if failed != nil {
		return false, fmt.Errorf("look up topic %s: %w", found.Topic, failed)
	}
	if found.Exists {
		return false, nil
	}
	if created, err = create(ctx, client, topicConfig(found.Topic, found.Brokers, settings)); err != nil {
		return false, fmt.Errorf("create topic %s: %w", found.Topic, err)
	}
	return created, nil
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
	case errors.Is(err, kafka.PolicyViolation):
		return false, unfit(policyText, err)
	case errors.Is(err, kafka.InvalidConfiguration):
		return false, unfit("the cluster does not accept the settings: create the topic by hand", err)
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
			{ConfigName: minInSync, ConfigValue: strconv.Itoa(inSync)},
			{ConfigName: cleanupPolicy, ConfigValue: "delete"},
			{ConfigName: timestampType, ConfigValue: "LogAppendTime"},
			{ConfigName: retentionBytes, ConfigValue: strconv.Itoa(forever)},
		}, settings...),
	}
}

func (s TopicSpec) settings(from sources) []kafka.ConfigEntry {
	all := []kafka.ConfigEntry{
		{ConfigName: retentionSetting, ConfigValue: strconv.FormatInt(max(s.retention(), from.retention).Milliseconds(), 10)},
		{ConfigName: maxMessageBytes, ConfigValue: strconv.Itoa(from.maxBytes + letterRoom)},
	}
	if from.oldFormat { // brokers from 4.0 on refuse the setting, and have no old format
		all = append(all, kafka.ConfigEntry{ConfigName: messageFormat, ConfigValue: "0.11.0"})
	}
	return all
}

func (s TopicSpec) retention() time.Duration {
	if s.Retention == 0 {
		return defaultRetention
	}
	return s.Retention
}
