package broker

import (
	"context"
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

const offsetsTopic = "__consumer_offsets"

// oldestMetadata is the first version of the metadata request that says whether the broker may create the topics.
const oldestMetadata = 4

// Topology is what a broker knows of the cluster and some topics.
type Topology struct {
	// Brokers is how many are alive.
	Brokers int
	// Nodes are those, by id.
	Nodes []Node
	// Topics has an entry for each topic asked for.
	Topics map[string]TopicInfo
}

// TopicInfo describes one topic.
type TopicInfo struct {
	// Partitions is how many there are; their numbers start at 0.
	Partitions int
	// Replicas is the smallest number of replicas of a partition, dead ones included.
	Replicas int
	// Leaders is the broker that leads each partition, by the partition's number; NoLeader where none does.
	Leaders []int
	// Missing says that the topic does not exist.
	Missing bool
	// Err is an *Error if the broker did not describe the topic: [ErrUnknownPartition] when Missing, [ErrNotLeader]
	// while it is being created, [ErrUnauthorised].
	Err error
}

// NoLeader is the leader of a partition that has none.
const NoLeader = -1

// Topics asks a broker, not the pool's cache, and creates no topic. Its error is one of the network, [ErrUnauthorised]
// or [ErrTooOld]: this is the call that reports a wrong password.
func (c *Cluster) Topics(ctx context.Context, names ...string) (Topology, error) {
	described, err := c.metadata(ctx, metadata.Request{TopicNames: names})
	if err != nil {
		return Topology{}, newError("describe topics", "", -1, err)
	}
	t := Topology{
		Brokers: len(described.Brokers), Nodes: nodesOf(described.Brokers), Topics: make(map[string]TopicInfo, len(names)),
	}
	for _, name := range names {
		t.Topics[name] = TopicInfo{Err: newError("describe topic", name, -1, errLeftOut)}
	}
	for _, topic := range described.Topics {
		t.Topics[topic.Name] = topicInfo(topic)
	}
	return t, nil
}

// metadata asks some broker, which must know the version that forbids to create topics.
func (c *Cluster) metadata(ctx context.Context, request metadata.Request) (*metadata.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()

	request.TopicNames = append([]string{}, request.TopicNames...) // a nil list would mean every topic
	x := &exchange{message: &request, clientID: c.clientID, least: oldestMetadata}
	response, _, err := ask[*metadata.Response](ctx, c, x, x)
	return response, err
}

func topicInfo(topic metadata.ResponseTopic) TopicInfo {
	if err := codeError(topic.ErrorCode); err != nil {
		return TopicInfo{
			Missing: topic.ErrorCode == int16(kafka.UnknownTopicOrPartition),
			Err:     newError("describe topic", topic.Name, -1, err),
		}
	}
	info := TopicInfo{Partitions: len(topic.Partitions), Leaders: slices.Repeat([]int{NoLeader}, len(topic.Partitions))}
	for i, p := range topic.Partitions {
		if at := int(p.PartitionIndex); at >= 0 && at < len(info.Leaders) {
			info.Leaders[at] = int(p.LeaderID)
		}
		if n := len(p.ReplicaNodes); i == 0 || n < info.Replicas {
			info.Replicas = n
		}
	}
	return info
}

// OffsetsTopic describes the topic in which the cluster keeps its groups' commits.
type OffsetsTopic struct {
	// Brokers is how many are alive.
	Brokers int
	// Exists is false until the first group has joined.
	Exists bool
	// Replicas is the smallest number of replicas of a partition.
	Replicas int
	// Leaders is the broker that leads each partition, by the partition's number; NoLeader where none does.
	Leaders []int
	// MinInSync is min.insync.replicas; 0 if we have no right to ask.
	MinInSync int
}

// Safe says that losing one broker loses no acknowledged commit. It is true if we could not ask, if the topic does not
// exist yet, and for a cluster of one, which cannot replicate.
func (o OffsetsTopic) Safe() bool {
	if !o.Exists || o.Brokers <= 1 {
		return true
	}
	return o.Replicas > 1 && o.MinInSync != 1
}

// OffsetsTopic asks how safe acknowledged commits are.
func (c *Cluster) OffsetsTopic(ctx context.Context) (OffsetsTopic, error) {
	topology, err := c.Topics(ctx, offsetsTopic)
	if err != nil {
		return OffsetsTopic{}, err
	}
	o := OffsetsTopic{Brokers: topology.Brokers}
	topic := topology.Topics[offsetsTopic]
	if topic.Missing {
		return o, nil
	}
	if topic.Err != nil {
		return o, topic.Err
	}
	o.Exists, o.Replicas, o.Leaders = true, topic.Replicas, topic.Leaders
	settings, err := c.settingsOf(ctx, kafka.ResourceTypeTopic, offsetsTopic, "min.insync.replicas")
	if err != nil {
		return o, err
	}
	if n, err := strconv.Atoi(settings["min.insync.replicas"]); err == nil {
		o.MinInSync = n
	}
	return o, nil
}
