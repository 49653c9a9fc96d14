package broker

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// CreateTopic creates a topic with one partition and reports whether it did. Two workers that create the same topic at
// the same time both succeed. Its errors are those of [Cluster.Append].
func (c *Cluster) CreateTopic(ctx context.Context, name string, replicas int, settings map[string]string) (
	created bool, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	topic := kafka.TopicConfig{Topic: name, NumPartitions: 1, ReplicationFactor: replicas}
	for _, setting := range slices.Sorted(maps.Keys(settings)) {
		entry := kafka.ConfigEntry{ConfigName: setting, ConfigValue: settings[setting]}
		topic.ConfigEntries = append(topic.ConfigEntries, entry)
	}
	response, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err == nil {
		err = response.Errors[name]
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kafka.TopicAlreadyExists):
		return false, nil
	}
	return false, kafkaerr.CreateTopic(name, err)
}
