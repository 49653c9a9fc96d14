package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry/loop"
)

// ledger returns the worker's access to the group's ledger.
func (w *Worker) ledger() consumer.Ledger {
	return consumer.Ledger{
		Topic: ledger.Topic(w.config.DeadLetter.Topic), Ensure: w.ensureLedger,
		Exists: func(ctx context.Context) (bool, error) { return w.usable(ctx, InspectLedger) },
		Append: func(ctx context.Context, entries ...ledger.Entry) error {
			return appendEntries(ctx, w.config, w.cluster, entries...)
		},
	}
}

// ensureLedger creates the ledger if it does not exist.
func (w *Worker) ensureLedger(ctx context.Context) error {
	created, err := ensureTopic(ctx, w.config, w.cluster, InspectLedger)
	if created {
		w.log.InfoContext(ctx, "ledger created", slog.String("topic", ledger.Topic(w.config.DeadLetter.Topic)))
	}
	return err
}

// newLedgerTries is the number of attempts to write an entry while the brokers do not know the ledger. The waits
// between the attempts add up to three seconds.
const newLedgerTries = 6

// AppendToLedger writes an operator's entry, and creates the ledger if it does not exist. It writes even to a ledger
// with unsuitable settings, because workers that already follow that ledger still read it.
func AppendToLedger(ctx context.Context, c *config.Config, cluster *broker.Cluster, e ledger.Entry) error {
	if _, err := ensureTopic(ctx, c, cluster, InspectLedger); err != nil {
		if _, flawed := errors.AsType[*deadletter.UnfitError](err); !flawed {
			return err
		}
	}
	var again loop.Retrier
	for {
		err := appendEntries(ctx, c, cluster, e)
		// Not every broker knows a new topic at once. A broker that does not know the topic has stored nothing.
		if failures, _ := again.Failed(); !errors.Is(err, kafkaerr.ErrUnknownPartition) || failures >= newLedgerTries ||
			!again.Wait(ctx) {
			return err
		}
	}
}

// appendEntries writes entries. After an error each entry may or may not be stored, and a retry may store it twice.
// Readers recognise a copy by its author and time.
func appendEntries(ctx context.Context, c *config.Config, cluster *broker.Cluster, entries ...ledger.Entry) error {
	records := make([]event.Record, len(entries))
	for i, e := range entries {
		key, value, err := e.Record()
		if err != nil {
			return err
		}
		records[i] = event.Record{Key: key, Value: value}
	}
	if err := cluster.Append(ctx, ledger.Topic(c.DeadLetter.Topic), records...); err != nil {
		return fmt.Errorf("ledger entry %s: %w", entries[0].Event, err)
	}
	return nil
}
