package worker

import (
	"context"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

// EnsureLetters creates the letters' topic, as a worker does.
func EnsureLetters(ctx context.Context, c *config.Config, cluster *broker.Cluster) (created bool, err error) {
	return ensureTopic(ctx, c, cluster, InspectLetters)
}

// EnsureLedger creates the ledger, as a worker does.
func EnsureLedger(ctx context.Context, c *config.Config, cluster *broker.Cluster) (created bool, err error) {
	return ensureTopic(ctx, c, cluster, InspectLedger)
}

// AppendLetter stores a letter, as a worker does.
func AppendLetter(ctx context.Context, c *config.Config, cluster *broker.Cluster, l deadletter.Letter) error {
	return appendLetter(ctx, c, cluster, l)
}

// AppendEntry stores an entry in the ledger, as a worker does.
func AppendEntry(ctx context.Context, c *config.Config, cluster *broker.Cluster, e ledger.Entry) error {
	return appendEntries(ctx, c, cluster, e)
}

// TakeLetter fetches a letter for its replay, as a worker does. Each event asks for one call.
func TakeLetter(ctx context.Context, c *config.Config, cluster *broker.Cluster, t turn.Take) (turn.Taken, error) {
	w := &Worker{config: c, cluster: cluster, decode: func(_ context.Context, r event.Record) ([]event.Item, error) {
		return []event.Item{{Action: event.Call, OrderID: string(r.Key), Status: "paid"}}, nil
	}}
	return w.take(ctx, t)
}
