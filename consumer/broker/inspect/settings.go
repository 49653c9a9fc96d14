package inspect

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// Settings are the settings of a topic or a broker, by Kafka's names. Nil means that we are not allowed to read them.
// Reading a broker's settings requires DescribeConfigs on the cluster.
type Settings map[string]string

// NodeSettings returns settings of one broker.
func (i *Inspector) NodeSettings(ctx context.Context, node int, names ...string) (Settings, error) {
	return i.settingsOf(ctx, kafka.ResourceTypeBroker, strconv.Itoa(node), names...)
}

// settingsOf returns settings of one topic or broker, which must exist.
func (i *Inspector) settingsOf(ctx context.Context, kind kafka.ResourceType, of string, names ...string) (
	Settings, error,
) {
	all, err := i.settings(ctx, kind, []string{of}, names)
	if err == nil {
		err = all[of].err
	}
	return all[of].Settings, err
}

// TopicSettings returns all settings of each topic that exists and whose settings we are allowed to read.
func (i *Inspector) TopicSettings(ctx context.Context, topics ...string) (map[string]Settings, error) {
	all, err := i.settings(ctx, kafka.ResourceTypeTopic, topics, nil)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Settings, len(topics))
	for topic, d := range all {
		if d.err == nil && len(d.Settings) > 0 {
			found[topic] = d.Settings
		}
	}
	return found, nil
}

// described has the settings of one topic or broker, or the reason why there are none.
type described struct {
	Settings

	err error
}

// settings requests the named settings of topics or brokers, or all settings if there are no names.
func (i *Inspector) settings(ctx context.Context, kind kafka.ResourceType, of, names []string) (
	map[string]described, error,
) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	request := &kafka.DescribeConfigsRequest{}
	for _, name := range of {
		request.Resources = append(request.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kind, ResourceName: name, ConfigNames: names,
		})
	}
	response, err := i.client.DescribeConfigs(ctx, request)
	switch {
	case errors.Is(err, kafka.UnsupportedVersion):
		return map[string]described{}, nil // a broker that does not know the request is like one that forbids it
	case err != nil:
		return nil, kafkaerr.New("describe settings", strings.Join(of, ", "), -1, err)
	}
	all := make(map[string]described, len(of))
	for _, resource := range response.Resources {
		d := described{Settings: make(Settings, len(resource.ConfigEntries))}
		for _, entry := range resource.ConfigEntries {
			d.Settings[entry.ConfigName] = entry.ConfigValue
		}
		if resource.Error != nil {
			d = described{err: kafkaerr.New("describe settings", resource.ResourceName, -1, resource.Error)}
			if errors.Is(d.err, kafkaerr.ErrUnauthorised) {
				d.err = nil // a missing permission is not a failure
			}
		}
		all[resource.ResourceName] = d
	}
	return all, nil
}

// Retention returns how old an event in the topic may become before the cluster deletes it. limited is false if age
// alone deletes nothing, or if the settings do not say. Retention ignores retention.bytes, which may delete events
// earlier.
func (s Settings) Retention() (age time.Duration, limited bool) {
	if policy := s["cleanup.policy"]; policy != "" && !strings.Contains(policy, "delete") {
		return 0, false
	}
	millis, err := strconv.ParseInt(s["retention.ms"], 10, 64)
	// Kafka accepts any number of milliseconds; a Duration holds at most 292 years.
	const most = int64(1<<63-1) / int64(time.Millisecond)
	if err != nil || millis < 0 || millis > most {
		return 0, false
	}
	return time.Duration(millis) * time.Millisecond, true
}

// Retention reads the retention of one topic, which must exist. The results are those of [Settings.Retention].
func (i *Inspector) Retention(ctx context.Context, topic string) (age time.Duration, limited bool, err error) {
	settings, err := i.settingsOf(ctx, kafka.ResourceTypeTopic, topic, "retention.ms", "cleanup.policy")
	if err != nil {
		return 0, false, err
	}
	age, limited = settings.Retention()
	return age, limited, nil
}

// ObeysMessageFormat reports whether the brokers obey a topic's message.format.version. Brokers from Kafka 3.0 on do
// not, unless their inter.broker.protocol.version is older. known is false if the brokers do not say.
func (i *Inspector) ObeysMessageFormat(ctx context.Context, node int) (obeys, known bool) {
	const (
		describeTransactions = 65 // a request that came with 3.0
		protocolSetting      = "inter.broker.protocol.version"
	)
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	versions, err := i.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err != nil || versions.Error != nil {
		return false, false
	}
	isNew := func(k kafka.ApiVersionsResponseApiKey) bool { return k.ApiKey == describeTransactions }
	if !slices.ContainsFunc(versions.ApiKeys, isNew) {
		return true, true
	}
	settings, err := i.NodeSettings(ctx, node, protocolSetting)
	major, _, ok := strings.Cut(settings[protocolSetting], ".")
	if err != nil || !ok {
		return false, false
	}
	n, err := strconv.Atoi(major)
	return err != nil || n < 3, true
}
