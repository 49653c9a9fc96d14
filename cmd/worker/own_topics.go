package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

// InspectLetters judges the configured letters' topic, for the worker and for the check command. It changes nothing. An
// error means that the inspection failed, not that the topic has flaws.
func InspectLetters(ctx context.Context, c *config.Config, cluster *broker.Cluster) (deadletter.Inspection, error) {
	return inspectTopic(ctx, cluster, deadletter.InspectLetters, c.DeadLetter.Topic, c.Kafka.Topics)
}

// InspectLedger judges the group's ledger as [InspectLetters] judges the letters' topic.
func InspectLedger(ctx context.Context, c *config.Config, cluster *broker.Cluster) (deadletter.Inspection, error) {
	return inspectTopic(ctx, cluster, deadletter.InspectLedger, ledger.Topic(c.DeadLetter.Topic),
		[]string{c.DeadLetter.Topic})
}

// inspectTopic gathers the facts about one of our topics and about the topics in sources, and judges our topic.
func inspectTopic(
	ctx context.Context, cluster *broker.Cluster, judge func(deadletter.Facts) deadletter.Inspection, topic string,
	sources []string,
) (deadletter.Inspection, error) {
	unknown := deadletter.Inspection{Topic: topic}
	// Request the topology first, because the response reveals a wrong password.
	topology, err := cluster.Topics(ctx, topic)
	info := topology.Topics[topic]
	if err == nil && !info.Missing {
		err = info.Err
	}
	switch {
	case errors.Is(err, kafkaerr.ErrUnauthorised):
		return unknown, fmt.Errorf("%w; grant Read, Write, Describe and DescribeConfigs on the topic, and Create if it "+
			"does not exist yet, or check the credentials", err)
	case err != nil:
		return unknown, err
	}
	settings, err := cluster.TopicSettings(ctx, append([]string{topic}, sources...)...)
	if err != nil {
		return unknown, err
	}
	f := deadletter.Facts{
		Topic: topic, Exists: !info.Missing, Brokers: topology.Brokers, Replicas: info.Replicas, Settings: settings[topic],
	}
	for _, source := range sources {
		age, limited := settings[source].Retention()
		f.Sources = append(f.Sources, deadletter.Source{Settings: settings[source], Retention: age, Limited: limited})
	}
	// A topic's settings may require a record format older than 0.11, which has no headers. Brokers with
	// inter.broker.protocol.version 3.0 or later ignore that setting (KIP-724).
	const messageFormat = "message.format.version"
	if old := strings.HasPrefix(f.Settings[messageFormat], "0."); old && len(topology.Nodes) > 0 {
		f.FormatObeyed, f.FormatKnown = cluster.ObeysMessageFormat(ctx, topology.Nodes[0].ID)
	}
	return judge(f), nil
}

// inspection is [InspectLetters] or [InspectLedger].
type inspection = func(context.Context, *config.Config, *broker.Cluster) (deadletter.Inspection, error)

// ensureTopic creates the letters' topic or the ledger if it does not exist, and reports whether it did. It never
// alters a topic that exists. The error is a *deadletter.UnfitError if the topic has a fatal flaw.
func ensureTopic(
	ctx context.Context, c *config.Config, cluster *broker.Cluster, inspect inspection,
) (created bool, err error) {
	found, err := inspect(ctx, c, cluster)
	// With a wrong password, the creation fails with "broker not available", so the inspection's error comes first.
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		return false, fmt.Errorf("look up topic %s: %w", found.Topic, err)
	}
	if found.Exists {
		return false, nil
	}
	return cluster.CreateTopic(ctx, found.Topic, found.Replicas, found.Create)
}
