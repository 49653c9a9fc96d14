package inspect

import (
	"context"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// oldestMetadata is the first version in which a metadata request says whether the broker may create missing topics.
const oldestMetadata = 4

// Topology is what a broker knows about the cluster and some topics.
type Topology struct {
	// Brokers is the number of brokers that are alive.
	Brokers int
	// Nodes are the brokers that are alive, sorted by id.
	Nodes []Node
	// Topics has an entry for each requested topic.
	Topics map[string]TopicInfo
}

// EqualPartitions reports whether all topics that exist have the same number of partitions. In that case, a key has the
// same partition number in each topic. It returns false if a topic's partition count is not known.
func (t Topology) EqualPartitions() bool {
	counts := make(map[int]bool)
	for _, info := range t.Topics {
		switch {
		case info.Missing:
		case info.Err != nil:
			return false
		default:
			counts[info.Partitions] = true
		}
	}
	return len(counts) <= 1
}

// TopicInfo describes one topic.
type TopicInfo struct {
	// Partitions is the number of partitions; they are numbered from 0.
	Partitions int
	// Replicas is the smallest number of replicas, dead ones included, that a partition has.
	Replicas int
	// Leaders holds the id of each partition's leader, or NoLeader, indexed by partition.
	Leaders []int
	// Missing says that the topic does not exist.
	Missing bool
	// Err is a *kafkaerr.Error if the broker did not describe the topic: [kafkaerr.ErrUnknownPartition] if Missing is
	// set, [kafkaerr.ErrNotLeader] while the topic is being created, or [kafkaerr.ErrUnauthorised].
	Err error
}

// NoLeader is the id in Leaders for a partition without a leader.
const NoLeader = -1

// Topics describes topics. It queries a broker, not the pool's cache, and creates no topic. Its error is a network
// error, [kafkaerr.ErrUnauthorised] or [kafkaerr.ErrTooOld]. This is the call that reports a wrong password.
func (i *Inspector) Topics(ctx context.Context, names ...string) (Topology, error) {
	described, err := i.metadata(ctx, metadata.Request{TopicNames: names})
	if err != nil {
		return Topology{}, kafkaerr.New("describe topics", "", -1, err)
	}
	t := Topology{
		Brokers: len(described.Brokers), Nodes: nodesOf(described.Brokers), Topics: make(map[string]TopicInfo, len(names)),
	}
	for _, name := range names {
		t.Topics[name] = TopicInfo{Err: kafkaerr.New("describe topic", name, -1, exchange.ErrLeftOut)}
	}
	for _, topic := range described.Topics {
		t.Topics[topic.Name] = topicInfo(topic)
	}
	return t, nil
}

// metadata sends the request to any broker. The broker must support oldestMetadata, the first version that can forbid
// the creation of topics.
func (i *Inspector) metadata(ctx context.Context, request metadata.Request) (*metadata.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	request.TopicNames = append([]string{}, request.TopicNames...) // a nil list would mean every topic
	x := exchange.Request{Message: &request, Least: oldestMetadata}
	response, _, err := exchange.Ask[*metadata.Response](ctx, i.pool, exchange.Route{}, x)
	return response, err
}

// topicInfo returns the description of a topic. It counts the replicas of the partition that has the fewest, because
// the topic is only as safe as that partition.
func topicInfo(topic metadata.ResponseTopic) TopicInfo {
	if err := kafkaerr.FromCode(topic.ErrorCode); err != nil {
		return TopicInfo{
			Missing: topic.ErrorCode == int16(kafka.UnknownTopicOrPartition),
			Err:     kafkaerr.New("describe topic", topic.Name, -1, err),
		}
	}
	info := TopicInfo{Partitions: len(topic.Partitions), Leaders: slices.Repeat([]int{NoLeader}, len(topic.Partitions))}
	for n, p := range topic.Partitions {
		if at := int(p.PartitionIndex); at >= 0 && at < len(info.Leaders) {
			info.Leaders[at] = int(p.LeaderID)
		}
		if replicas := len(p.ReplicaNodes); n == 0 || replicas < info.Replicas {
			info.Replicas = replicas
		}
	}
	return info
}
