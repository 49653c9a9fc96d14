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

// ledgerExists says whether the ledger exists, and what keeps it from being used.
func (w *Worker) ledgerExists(ctx context.Context) (bool, error) {
	found, err := w.inspectLedger(ctx)
	if err == nil {
		err = found.Err()
	}
	return found.Exists, err
}

// ensureLedger creates the ledger if it does not exist.
func (w *Worker) ensureLedger(ctx context.Context) error {
	created, err := deadletter.EnsureLedger(ctx, w.cluster.Client(), lettersSpec(w.config))
	if created {
		w.log.InfoContext(ctx, "ledger created", slog.String("topic", ledger.Topic(w.config.DeadLetter.Topic)))
	}
	return err
}

// AppendToLedger writes an entry as an operator's command does, and creates the ledger if it does not exist. A ledger with flaws
// will do: workers that began with it follow it still.
func AppendToLedger(ctx context.Context, c *config.Config, cluster *broker.Cluster, e ledger.Entry) (err error) {
	letters := lettersSpec(c)
	if _, err := deadletter.EnsureLedger(ctx, cluster.Client(), letters); err != nil {
		if _, flawed := errors.AsType[*deadletter.UnfitError](err); !flawed {
			return err
		}
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
