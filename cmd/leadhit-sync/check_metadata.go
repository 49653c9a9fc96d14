package main

import (
	"context"
	"fmt"
	"strconv"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
)

// fullMetadata is the maximum size in bytes of the metadata that the worker sends with a commit. It equals the brokers'
// default limit. The metadata says which events above the committed offset are finished, so that a restart does not
// repeat them.
const fullMetadata = 4096

// checkCommitMetadata looks for brokers that accept less than fullMetadata. With less metadata a worker still works,
// but fewer events can be finished while an earlier one waits. The check only warns, because only the cluster's
// administrator can change this broker setting.
func checkCommitMetadata(ctx context.Context, r *report, cluster *broker.Cluster, nodes []inspect.Node) {
	least, known, err := leastMetadata(ctx, cluster, nodes)
	switch {
	// All brokers are queried, including those that checkNodes could not reach.
	case err != nil:
		r.warn("brokers", fmt.Sprintf("cannot read offset.metadata.max.bytes: %v", err))
	case !known:
		r.skip("brokers", "cannot check offset.metadata.max.bytes: Kafka does not allow DescribeConfigs on the cluster; "+
			"the worker reports commits whose metadata is refused")
	case least < fullMetadata:
		r.warn("brokers", fmt.Sprintf("offset.metadata.max.bytes is %d, so a waiting order holds up its partition; set it "+
			"to %d on the brokers", least, fullMetadata))
	default:
		r.ok("brokers", fmt.Sprintf("they accept %d bytes of metadata with a commit (offset.metadata.max.bytes)", least))
	}
}

// leastMetadata returns how much metadata every broker accepts with a commit. Any broker may become the coordinator, so
// the smallest limit counts. known is false if Kafka does not allow us to read the setting of at least one broker.
func leastMetadata(ctx context.Context, cluster *broker.Cluster, nodes []inspect.Node) (least int, known bool,
	err error,
) {
	const setting = "offset.metadata.max.bytes"
	for _, node := range nodes {
		settings, err := cluster.NodeSettings(ctx, node.ID, setting)
		if err != nil || settings == nil {
			return 0, false, err
		}
		if n, err := strconv.Atoi(settings[setting]); err == nil && (!known || n < least) {
			least, known = n, true
		}
	}
	return least, known, nil
}
