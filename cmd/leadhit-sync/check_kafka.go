package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter/ledger"
)

// checkKafka checks the brokers first, then topics, rights and the group. If a check fails, checkKafka skips the checks
// that depend on it. Its requests never create a topic, not even __consumer_offsets, because a topic created by
// accident would have the brokers' defaults for partitions and replicas.
func checkKafka(ctx context.Context, r *report, c *config.Config) {
	cluster, err := worker.OpenCluster(c, slog.New(slog.DiscardHandler))
	if err != nil { // a file has changed since the settings were checked
		r.fail("kafka", err.Error())
		return
	}
	defer cluster.Close()
	// Greet before the first request about topics, because a broker older than 0.11 creates each topic that a metadata
	// request names.
	known := greet(ctx, cluster, c.Kafka.Brokers)
	if !checkFirst(r, known, c.Kafka.Brokers) {
		r.skip("kafka", "topics, rights and group were not checked")
		return
	}
	own := []string{c.DeadLetter.Topic, ledger.Topic(c.DeadLetter.Topic)}
	// One request covers all topics, so that the response shows the leaders of all partitions at the same moment.
	topology, err := cluster.Topics(ctx, append(own, c.Kafka.Topics...)...)
	if err != nil {
		r.fail("kafka", fmt.Sprintf("%v%s", err, kafkaHint(err)))
		return
	}
	r.ok("kafka", "reached; the cluster has "+count(topology.Brokers, "broker"))
	nodes := checkNodes(ctx, r, cluster, topology, known)
	for _, topic := range c.Kafka.Topics {
		checkTopic(r, topic, topology.Topics[topic])
	}
	checkLetters(ctx, r, cluster, c, topology)
	// If no broker can be reached at its advertised address, most requests below would time out, because they go to
	// these addresses.
	if len(nodes) == 0 {
		r.skip("kafka", "rights and group were not checked: no broker can be reached at the address that it advertises")
		return
	}
	checkTopicRights(ctx, r, cluster, c)
	checkCommitMetadata(ctx, r, cluster, topology.Nodes)
	// The offsets topic is checked before the group, because its existence distinguishes a new cluster from one whose
	// coordinator is down.
	offsets, err := cluster.OffsetsTopic(ctx)
	checkOffsets(r, offsets, err)
	checkGroup(ctx, r, cluster, c, groupPlace{nodes: nodes, all: topology.Nodes, offsets: offsets, seen: err == nil})
}

// checkTopic reports a missing topic as a failure, although a worker would wait for the topic. A user who runs check
// needs to know that a worker could not work now.
func checkTopic(r *report, name string, info inspect.TopicInfo) {
	switch {
	case info.Missing:
		r.fail("topic", name+" does not exist; the worker would wait for it: create it, or check KAFKA_TOPICS")
	case errors.Is(info.Err, kafkaerr.ErrUnauthorised):
		r.fail("topic", name+": Kafka does not allow describing it; grant Describe, DescribeConfigs and Read on it, or "+
			"check KAFKA_TOPICS")
	case info.Err != nil:
		r.fail("topic", fmt.Sprintf("%s: %v", name, info.Err))
	default:
		checkLeaders(r, "topic", name, info)
	}
}

// checkOffsets checks whether Kafka could lose acknowledged commits. It only warns, because after such a loss calls are
// repeated, but none is skipped. The worker itself sends no request about this topic, so it needs no permission for it.
func checkOffsets(r *report, offsets inspect.OffsetsTopic, err error) {
	switch {
	case errors.Is(err, kafkaerr.ErrUnauthorised):
		r.skip("offsets", "cannot check how safe commits are: Kafka does not allow describing __consumer_offsets; the "+
			"worker itself needs no permission for it")
	case err != nil:
		r.warn("offsets", fmt.Sprintf("cannot check how safe commits are: %v", err))
	case !offsets.Exists:
		r.skip("offsets", "cannot check how safe commits are: __consumer_offsets does not exist yet; Kafka creates it when "+
			"the first group joins")
	case !offsets.Safe():
		r.warn("offsets", fmt.Sprintf("__consumer_offsets has %s and min.insync.replicas %d: losing a broker can lose "+
			"acknowledged commits, and the worker repeats the calls since then",
			count(offsets.Replicas, "replica"), offsets.MinInSync))
	// A cluster with one broker is common in tests, and its commits are as safe as the events on the same disk.
	case offsets.Replicas < 2:
		r.warn("offsets", "__consumer_offsets has one replica on the only broker: losing that broker's disk loses all "+
			"commits, and the worker then repeats the calls of every event in the topics")
	case offsets.MinInSync == 0:
		r.skip("offsets", fmt.Sprintf("cannot check how safe commits are: __consumer_offsets has %s, but Kafka does not "+
			"allow reading its min.insync.replicas; grant DescribeConfigs on it", count(offsets.Replicas, "replica")))
	default:
		r.ok("offsets", "losing one broker loses no acknowledged commit")
	}
}
