package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// makeTopic creates a topic with the given settings, as another program would.
func makeTopic(t *testing.T, name string, settings map[string]string) {
	t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	for name, value := range settings {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = name, &value
		topic.Configs = append(topic.Configs, config)
	}
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(t.Context(), client(t))
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckJudgesTheLettersTopicAndTheLedger(t *testing.T) {
	for name, c := range map[string]struct {
		topic    string
		settings map[string]string
		code     int
		want     string
	}{
		"a compacted letters' topic": {
			"dlq.leadhit-sync",
			map[string]string{"cleanup.policy": "compact"},
			exitError,
			"FAIL  letters    dlq.leadhit-sync: cleanup.policy is compact: ",
		},
		"a compacted ledger": {
			"dlq.leadhit-sync.ledger",
			map[string]string{"cleanup.policy": "compact"},
			exitError,
			"FAIL  ledger     dlq.leadhit-sync.ledger: cleanup.policy is compact: ",
		},
		"letters that are kept for an hour": {
			"dlq.leadhit-sync",
			map[string]string{"retention.ms": "3600000"},
			0,
			"warn  letters    dlq.leadhit-sync: retention.ms is 3600000 (1h): ",
		},
		"letters that are deleted by size": {
			"dlq.leadhit-sync",
			map[string]string{"retention.bytes": "1048576"},
			0,
			"warn  letters    dlq.leadhit-sync: retention.bytes is 1048576: ",
		},
		"letters that are as they should be": {
			"dlq.leadhit-sync",
			map[string]string{"retention.ms": "2592000000", "max.message.bytes": "2000000"},
			0,
			"ok    letters    dlq.leadhit-sync has 1 replica and suitable settings",
		},
	} {
		t.Run(name, func(t *testing.T) {
			installed(t)
			makeTopic(t, c.topic, c.settings)
			got := command(t, "", "check")
			if got.code != c.code || !strings.Contains(got.out, c.want) {
				t.Errorf("got %+v, want exit code %d and %q", got, c.code, c.want)
			}
			if got := topics(t); len(got) != 2 {
				t.Errorf("got the topics %v, want none that check created", got)
			}
		})
	}
}
