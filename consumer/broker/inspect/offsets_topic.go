package inspect

import (
	"context"
	"math"
	"strconv"
	"unicode/utf16"

	"github.com/segmentio/kafka-go"
)

const offsetsTopic = "__consumer_offsets"

// OffsetsTopic describes the topic in which the cluster stores its groups' commits.
type OffsetsTopic struct {
	// Brokers is the number of brokers that are alive.
	Brokers int
	// Exists is false until a client first looks for a group's coordinator.
	Exists bool
	// Replicas is the smallest number of replicas that a partition has.
	Replicas int
	// Leaders holds the id of each partition's leader, or NoLeader, indexed by partition.
	Leaders []int
	// MinInSync is min.insync.replicas; 0 if we have no permission to read it.
	MinInSync int
}

// Safe reports whether all acknowledged commits survive the loss of one broker. A min.insync.replicas that we could not
// read is assumed to be safe. Safe also returns true if the topic does not exist yet, and for a cluster of one broker,
// which cannot replicate.
func (o OffsetsTopic) Safe() bool {
	if !o.Exists || o.Brokers <= 1 {
		return true
	}
	return o.Replicas > 1 && o.MinInSync != 1
}

// OffsetsTopic returns the description of __consumer_offsets, which shows how safe acknowledged commits are.
func (i *Inspector) OffsetsTopic(ctx context.Context) (OffsetsTopic, error) {
	topology, err := i.Topics(ctx, offsetsTopic)
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
	settings, err := i.settingsOf(ctx, kafka.ResourceTypeTopic, offsetsTopic, "min.insync.replicas")
	if err != nil {
		return o, err
	}
	if n, err := strconv.Atoi(settings["min.insync.replicas"]); err == nil {
		o.MinInSync = n
	}
	return o, nil
}

// Coordinator returns the id of the broker that should coordinate a group: the leader of the group's partition in
// __consumer_offsets. NoLeader means that there is no leader, or that it is not known.
func (o OffsetsTopic) Coordinator(group string) int {
	if len(o.Leaders) == 0 {
		return NoLeader
	}
	// This is Java's String.hashCode. Kafka takes its absolute value, and 0 for the one number that has none.
	var hash int32
	for _, unit := range utf16.Encode([]rune(group)) {
		hash = 31*hash + int32(unit)
	}
	if hash == math.MinInt32 {
		hash = 0
	}
	return o.Leaders[max(int(hash), -int(hash))%len(o.Leaders)]
}
