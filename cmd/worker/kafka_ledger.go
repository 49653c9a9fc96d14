package worker

import (
	"context"
	"errors"
	"log/slog"

	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

func (w *Worker) openLedger() (err error) {
	w.ledger, err = deadletter.OpenLedger(deadletter.WriterOptions{
		Brokers: w.cluster.Addr(), Transport: w.cluster.Transport(), Topic: ledger.Topic(w.config.DeadLetter.Topic),
	})
	return err
}

// ensureLedger creates the ledger if it is absent.
func (w *Worker) ensureLedger(ctx context.Context) error {
	created, err := deadletter.EnsureLedger(ctx, w.cluster.Client(), deadletter.TopicSpec{Name: w.config.DeadLetter.Topic})
	if created {
		w.log.InfoContext(ctx, "ledger created", slog.String("topic", ledger.Topic(w.config.DeadLetter.Topic)))
	}
	return err
}

// AppendToLedger writes an entry as an operator's command does, and creates the ledger if it is absent. One that would be lost
// with one broker will do: workers that began with it follow it still.
func AppendToLedger(ctx context.Context, c *config.Config, cluster *broker.Cluster, e ledger.Entry) (err error) {
	letters := deadletter.TopicSpec{Name: c.DeadLetter.Topic}
	if _, err := deadletter.EnsureLedger(ctx, cluster.Client(), letters); err != nil && !errors.Is(err, deadletter.ErrOneReplica) {
		return err
	}
	to, err := deadletter.OpenLedger(deadletter.WriterOptions{
		Brokers: cluster.Addr(), Transport: cluster.Transport(), Topic: ledger.Topic(letters.Name),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return to.Append(ctx, e)
}
