package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/deadletter/ledger"
)

// InspectLetters looks at the letters' topic and judges it; it changes and creates nothing. An error says that Kafka could not be
// asked; [ErrUnauthorised] wraps what Kafka forbids. A topic that may be seen but not described is judged by its replicas alone.
func InspectLetters(ctx context.Context, client *kafka.Client, spec TopicSpec) (Inspection, error) {
	i, _, err := inspectLetters(ctx, client, spec)
	return i, err
}

// InspectLedger looks at the ledger that belongs to a letters' topic, as [InspectLetters] does at that.
func InspectLedger(ctx context.Context, client *kafka.Client, letters TopicSpec) (Inspection, error) {
	i, _, err := inspectLedger(ctx, client, letters)
	return i, err
}

// inspectLetters also returns the facts about the source topics, by which the letters' topic is created.
func inspectLetters(ctx context.Context, client *kafka.Client, spec TopicSpec) (Inspection, sources, error) {
	i, brokers, err := lookUp(ctx, client, spec.Name)
	if err != nil {
		return i, sources{}, err
	}
	settings, err := askSettings(ctx, client, append([]string{spec.Name}, spec.Sources...)...)
	if err != nil {
		return i, sources{}, err
	}
	from := spec.sources(settings)
	f := facts{settings: settings[spec.Name]}
	if beforeHeaders(f.settings[messageFormat]) {
		f.formatCounts = formatCounts(ctx, client, brokers)
	}
	i.judge(f, needs{
		letters: true, maxBytes: from.maxBytes, keepBytes: from.retentionBytes,
		keep: max(day, from.retention), keepWhy: from.keepWhy(),
	})
	return i, from, nil
}

// inspectLedger also returns the ledger's retention.ms if it has to be created.
func inspectLedger(ctx context.Context, client *kafka.Client, letters TopicSpec) (Inspection, int64, error) {
	name := ledger.Topic(letters.Name)
	i, _, err := lookUp(ctx, client, name)
	if err != nil {
		return i, 0, err
	}
	settings, err := askSettings(ctx, client, name, letters.Name)
	if err != nil {
		return i, 0, err
	}
	keeps, err := strconv.ParseInt(settings[letters.Name][retentionSetting], 10, 64)
	if err != nil {
		keeps = letters.retention().Milliseconds()
	}
	keep := ledgerMinRetention
	if keeps >= 0 && keeps < keep.Milliseconds() {
		keep = max(day, time.Duration(keeps)*time.Millisecond)
	}
	i.judge(facts{settings: settings[name]}, needs{
		maxBytes: ledgerBytes, keepBytes: forever, keep: keep,
		keepWhy: "a worker that starts later does not see an older pause, and makes calls",
	})
	return i, ledgerRetention(keeps), nil
}

// lookUp asks whether a topic exists, and how many replicas it has. It is the first question: a wrong password shows in its answer.
func lookUp(ctx context.Context, client *kafka.Client, name string) (i Inspection, brokers []kafka.Broker, err error) {
	i.Topic = name
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return i, nil, explain(err)
	}
	i.Brokers = len(meta.Brokers)
	for _, topic := range meta.Topics {
		switch {
		case topic.Name != name || errors.Is(topic.Error, kafka.UnknownTopicOrPartition):
			continue
		case topic.Error != nil:
			return i, nil, explain(topic.Error)
		}
		i.Exists = true
		for at, p := range topic.Partitions {
			if at == 0 || len(p.Replicas) < i.Replicas {
				i.Replicas = len(p.Replicas)
			}
		}
	}
	return i, meta.Brokers, nil
}

// judge notes the flaws of a topic that exists.
func (i *Inspection) judge(f facts, n needs) {
	if !i.Exists {
		return
	}
	f.brokers, f.replicas = i.Brokers, i.Replicas
	i.Known, i.Flaws = f.settings != nil, n.judge(f)
}

// askSettings returns the settings of topics by name. A topic that we may not ask about, or that does not exist, has none.
func askSettings(ctx context.Context, client *kafka.Client, topics ...string) (map[string]map[string]string, error) {
	request := &kafka.DescribeConfigsRequest{}
	for _, topic := range topics {
		request.Resources = append(request.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			ConfigNames: []string{
				cleanupPolicy, retentionSetting, retentionBytes, maxMessageBytes, messageFormat, minInSync, uncleanElection,
			},
		})
	}
	response, err := client.DescribeConfigs(ctx, request)
	switch {
	case errors.Is(err, kafka.UnsupportedVersion):
		return nil, nil //nolint:nilnil // a broker that does not know the request is like one that forbids it
	case err != nil:
		return nil, fmt.Errorf("describe settings: %w", explain(err))
	}
	all := make(map[string]map[string]string, len(topics))
	for _, resource := range response.Resources {
		if resource.Error != nil || len(resource.ConfigEntries) == 0 {
			continue
		}
		settings := make(map[string]string, len(resource.ConfigEntries))
		for _, entry := range resource.ConfigEntries {
			settings[entry.ConfigName] = entry.ConfigValue
		}
		all[resource.ResourceName] = settings
	}
	return all, nil
}

// formatCounts says whether the brokers obey message.format.version.
func formatCounts(ctx context.Context, client *kafka.Client, brokers []kafka.Broker) fact {
	const describeTransactions = 65 // a request that came with 3.0
	versions, err := client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err != nil || versions.Error != nil {
		return unknown
	}
	recent := slices.ContainsFunc(versions.ApiKeys, func(key kafka.ApiVersionsResponseApiKey) bool { return key.ApiKey == describeTransactions })
	switch {
	case !recent:
		return yes
	case len(brokers) == 0:
		return unknown
	}
	return obeysFormat(interBrokerProtocol(ctx, client, brokers[0]))
}

// interBrokerProtocol asks a broker for its inter.broker.protocol.version; "" if it does not say.
func interBrokerProtocol(ctx context.Context, client *kafka.Client, b kafka.Broker) string {
	const setting = "inter.broker.protocol.version"
	response, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeBroker, ResourceName: strconv.Itoa(b.ID), ConfigNames: []string{setting},
	}}})
	if err != nil {
		return ""
	}
	for _, resource := range response.Resources {
		for _, entry := range resource.ConfigEntries {
			if entry.ConfigName == setting {
				return entry.ConfigValue
			}
		}
	}
	return ""
}

// obeysFormat says whether brokers of 3.0 or later that use this inter.broker.protocol.version obey message.format.version.
func obeysFormat(protocol string) fact {
	major, _, ok := strings.Cut(protocol, ".")
	if !ok {
		return unknown
	}
	if n, err := strconv.Atoi(major); err == nil && n >= 3 {
		return no
	}
	return yes
}

// sources are facts about the source topics.
type sources struct {
	maxBytes       int           // of the largest record
	retention      time.Duration // the longest that has an end; 0 if none is known
	forever        bool          // one keeps its events for ever
	retentionBytes int64         // the largest; below 0: one has no such limit, or is not known
	oldFormat      bool          // one has records without headers: the brokers' default may be such too
}

func (s sources) keepWhy() string {
	if s.retention > day {
		return "letters are deleted while their topics still keep the events"
	}
	return "letters are deleted before somebody looks at them"
}

func (s TopicSpec) sources(settings map[string]map[string]string) sources {
	from := sources{maxBytes: s.SourceMaxBytes}
	const longest = time.Duration(1<<63 - 1)
	unlimited := len(s.Sources) == 0
	for _, topic := range s.Sources {
		of := settings[topic]
		if n, err := strconv.Atoi(of[maxMessageBytes]); err == nil {
			from.maxBytes = max(from.maxBytes, n)
		}
		ms, err := strconv.ParseInt(of[retentionSetting], 10, 64)
		switch {
		case err != nil:
		case ms < 0, ms > longest.Milliseconds(), !strings.Contains(of[cleanupPolicy], "delete"):
			from.forever = true
		default:
			from.retention = max(from.retention, time.Duration(ms)*time.Millisecond)
		}
		bytes, err := strconv.ParseInt(of[retentionBytes], 10, 64)
		unlimited = unlimited || err != nil || bytes < 0
		from.retentionBytes = max(from.retentionBytes, bytes)
		from.oldFormat = from.oldFormat || beforeHeaders(of[messageFormat])
	}
	if unlimited {
		from.retentionBytes = forever
	}
	if from.forever { // letters need not last that long, but as long as ours do
		from.retention = max(from.retention, defaultRetention)
	}
	if from.maxBytes == 0 {
		from.maxBytes = defaultMaxBytes
	}
	return from
}

const policyText = "a policy of the cluster refuses it: ask the cluster's administrators"

// refusal says in words which setting of the topic makes Kafka refuse a record; "" if none does.
func refusal(err error) string {
	for _, r := range []struct {
		code kafka.Error
		text string
	}{
		{kafka.InvalidRecord, "a compacted topic refuses records without a key: set cleanup.policy to delete"},
		{kafka.InvalidMessage, "a compacted topic refuses records without a key: set cleanup.policy to delete"}, // of brokers before 2.4
		{kafka.UnsupportedForMessageFormat, "its records cannot have headers: set message.format.version to 0.11.0 or later"},
		{kafka.Unknown, "the broker does not say why (see its log); if this lasts, its records may be in a format without headers: " +
			"set message.format.version of the topic, or the brokers' log.message.format.version, to 0.11.0 or later"},
		{kafka.InvalidTimestamp, "the topic refuses the record's time: check message.timestamp.difference.max.ms (or " +
			"message.timestamp.before.max.ms and message.timestamp.after.max.ms) and the clocks"},
		{kafka.NotEnoughReplicas, "fewer replicas are in sync than min.insync.replicas asks for: bring the brokers back, or lower it if the " +
			"topic has fewer replicas"},
		{kafka.NotEnoughReplicasAfterAppend, "fewer replicas are in sync than min.insync.replicas asks for: bring the brokers back, or lower it " +
			"if the topic has fewer replicas"},
		{kafka.PolicyViolation, policyText},
	} {
		if errors.Is(err, r.code) {
			return r.text
		}
	}
	return ""
}

// unfit marks an error about a topic as one that an operator ends.
func unfit(text string, err error) error { return fmt.Errorf("%w: %s: %w", ErrUnfit, text, err) }
