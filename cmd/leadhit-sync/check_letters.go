package main

import (
	"context"
	"errors"
	"fmt"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter"
)

// checkLetters inspects the letters' topic and the ledger, as the worker does before it consumes. It creates neither of
// them. The worker creates both, with suitable settings, after its first join.
func checkLetters(ctx context.Context, r *report, cluster *broker.Cluster,
	c *config.Config, topology inspect.Topology,
) {
	found, err := worker.InspectLetters(ctx, c, cluster)
	checkKeeper(r, "letters", found, err, topology)
	found, err = worker.InspectLedger(ctx, c, cluster)
	checkKeeper(r, "ledger", found, err, topology)
}

// checkKeeper reports on the letters' topic or the ledger. A topic that does not exist is normal before the first run,
// so it gets a warning. A fatal flaw is a failure, because the worker refuses to start rather than lose letters or
// pauses. Other flaws are warnings, each with the setting to change.
func checkKeeper(r *report, what string, found deadletter.Inspection, err error, topology inspect.Topology) {
	name := found.Topic
	switch info := topology.Topics[name]; {
	case info.Missing:
		r.warn(what, name+" does not exist yet; the worker creates it if it may")
		return
	case errors.Is(info.Err, kafkaerr.ErrUnauthorised), errors.Is(err, kafkaerr.ErrUnauthorised):
		r.fail(what, name+": Kafka does not allow describing it; grant Describe, DescribeConfigs, Read and Write on it, or "+
			"check DEAD_LETTER_TOPIC")
		return
	case info.Err != nil:
		r.fail(what, fmt.Sprintf("%s: %v", name, info.Err))
		return
	case err != nil:
		r.fail(what, fmt.Sprintf("%s: %v", name, err))
		return
	}
	// Flaws are reported before missing rights, because a flaw that was seen is certain.
	for _, flaw := range found.Flaws {
		if flaw.Fatal {
			r.fail(what, fmt.Sprintf("%s: %s; the worker does not start", name, flaw))
		} else {
			r.warn(what, fmt.Sprintf("%s: %s", name, flaw))
		}
	}
	switch {
	case !found.Known:
		r.warn(what, name+": cannot check its settings: Kafka does not allow DescribeConfigs; grant it")
	case len(found.Flaws) == 0:
		r.ok(what, name+" has "+count(found.Replicas, "replica")+" and suitable settings")
	}
}
