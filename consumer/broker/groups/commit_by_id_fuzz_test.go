package groups_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker/groups"
)

// metadataResponse lists two topics, one of which does not exist.
func metadataResponse() []byte {
	r := kmsg.NewMetadataResponse()
	r.Version = 12
	broker := kmsg.NewMetadataResponseBroker()
	broker.Host, broker.Rack = "kafka", new("a")
	r.Brokers = append(r.Brokers, broker, kmsg.NewMetadataResponseBroker())
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic, topic.TopicID = new("orders"), [16]byte{1, 15: 2}
	partition := kmsg.NewMetadataResponseTopicPartition()
	partition.Replicas, partition.ISR = []int32{1, 2, 3}, []int32{1, 2}
	topic.Partitions = append(topic.Partitions, partition, kmsg.NewMetadataResponseTopicPartition())
	missing := kmsg.NewMetadataResponseTopic()
	missing.Topic, missing.ErrorCode = new("missing"), 3
	r.Topics = append(r.Topics, topic, missing)
	return r.AppendTo(nil)
}

// commitResponse lists two partitions.
func commitResponse() []byte {
	r := kmsg.NewOffsetCommitResponse()
	r.Version = 10
	topic := kmsg.NewOffsetCommitResponseTopic()
	topic.TopicID = [16]byte{1, 15: 2}
	second := kmsg.NewOffsetCommitResponseTopicPartition()
	second.Partition, second.ErrorCode = 1, 100
	topic.Partitions = append(topic.Partitions, kmsg.NewOffsetCommitResponseTopicPartition(), second)
	r.Topics = append(r.Topics, topic)
	return r.AppendTo(nil)
}

func FuzzTopicIDs(f *testing.F) {
	f.Add(metadataResponse())
	f.Fuzz(func(t *testing.T, body []byte) {
		if count, err := groups.ParseTopicIDs(body); count > len(body) {
			t.Errorf("got %d ids of %d bytes, %v", count, len(body), err)
		}
	})
}

func FuzzCommitted(f *testing.F) {
	f.Add(commitResponse())
	f.Fuzz(func(t *testing.T, body []byte) {
		if count, err := groups.ParseCommitted(body); count > len(body) {
			t.Errorf("got %d partitions of %d bytes, %v", count, len(body), err)
		}
	})
}

func TestResponsesThatAreNotWholeAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		whole []byte
		parse func([]byte) (int, error)
		want  int
	}{
		"topic ids": {metadataResponse(), groups.ParseTopicIDs, 1},
		"a commit":  {commitResponse(), groups.ParseCommitted, 2},
	}
	for name, test := range tests {
		if got, err := test.parse(test.whole); err != nil || got != test.want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, test.want)
		}
		for n := range len(test.whole) - 1 { // the tags at the end of a response are not read
			if got, err := test.parse(test.whole[:n]); err == nil {
				t.Errorf("%s: got %d of the first %d bytes, want an error", name, got, n)
			}
		}
	}
}
