package main

import (
	"context"
	"io"
	"maps"
	"slices"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// accessTo returns an operator's access to a cluster. A command that needs a mapping sets the Mapping field.
func accessTo(settings *config.Config, cluster *broker.Cluster, n *terminal.Notice) operator.Access {
	return operator.Access{
		Group: settings.Kafka.Group, Letters: settings.DeadLetter.Topic, Topics: settings.Kafka.Topics, Cluster: cluster,
		WriteEntry: func(ctx context.Context, e ledger.Entry) error {
			return worker.AppendToLedger(ctx, settings, cluster, e)
		},
		Answered: n.Answered,
	}
}

// withLetters opens the cluster and calls ask with a reader that has read the letters and the ledger to their ends.
// Before the first read, each function in prepare is called with the reader.
func withLetters(
	ctx context.Context, stderr io.Writer, f view.Filter, ask func(context.Context, *operator.Reader) error,
	prepare ...func(*operator.Reader),
) error {
	settings, err := config.LoadKafka()
	if err != nil {
		return err
	}
	return withKafka(ctx, stderr, settings, func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
		r := accessTo(settings, cluster, n).Reader(slices.Collect(maps.Keys(f.Headers))...)
		for _, p := range prepare {
			p(r)
		}
		if err := r.Refresh(ctx); err != nil {
			return err
		}
		return ask(ctx, r)
	})
}
