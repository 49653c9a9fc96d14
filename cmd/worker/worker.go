// Package worker wires the parts together, in the order in which an event meets them. Both programs run it: the binary
// and the demo.
//
// A [Worker] is opened with settings, run until its context ends, and asked for its state meanwhile. [Worker.Run] owns
// every goroutine and returns when all have ended. [Worker.Close] lets go of connections.
package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// Worker is one worker of the group.
type Worker struct {
	config  *config.Config
	version string
	log     *slog.Logger

	cluster  *broker.Cluster
	key      *leadhit.Key
	client   *leadhit.Client
	consumer *consumer.Consumer
	metrics  *metrics
	tracing  *tracing
	// retention is how long Kafka keeps the events.
	retention retention
	// fitness is what is wrong with the letters' topic and the ledger.
	fitness fitness
	refused chan struct{} // a letter was refused: look at once
	// closeMapping lets go of the schema registry.
	closeMapping func()
	stopping     atomic.Bool
	recreating   sync.Mutex // held while the letters' topic is created again
}

// wire hands the consumer, which drives all, what is done on the path of one event: fetch, Mapping.Decode, dispatch,
// SetOrderStatus, Judge, (Cluster.Append of a letter), dispatch, commit.
func (w *Worker) wire(m *mapping.Mapping) {
	judge := leadhit.Judge{DeadLetterTypes: w.config.DeadLetter.Types}
	w.consumer = consumer.New(consumer.Options{
		Cluster: w.cluster,
		Group:   w.config.Kafka.Group,
		Topics:  w.config.Kafka.Topics,
		Start:   consumer.Start{Latest: w.config.Kafka.Start.Latest, At: w.config.Kafka.Start.Time},
		Decode: func(ctx context.Context, e *consumer.Event) ([]dispatch.Item, error) {
			return w.tracing.decoded(ctx, e, func() ([]dispatch.Item, error) {
				outcomes, err := m.Decode(ctx, e.Record)
				return w.metrics.decoded(e, items(outcomes)), err
			})
		},
		Prepare: w.ensureLetters,
		Ledger: consumer.Ledger{
			Topic: ledger.Topic(w.config.DeadLetter.Topic), Exists: w.ledgerExists, Ensure: w.ensureLedger,
			Append: func(ctx context.Context, e ledger.Entry) error { return appendEntry(ctx, w.config, w.cluster, e) },
		},
		Dispatch: dispatchConfig(w.config, w.version+"/"+m.Digest()),
		Call: func(ctx context.Context, c consumer.Call) retry.Verdict {
			return w.metrics.called(func() retry.Verdict {
				return w.tracing.called(ctx, c, judge.Judge, func(traceparent string) error {
					return w.client.SetOrderStatus(ctx, leadhit.Call{
						ID: c.ID, OrderID: c.Order, Status: c.Status, Before: c.Before, Traceparent: traceparent,
					})
				})
			})
		},
		Store: func(ctx context.Context, l consumer.Letter) error {
			return w.tracing.stored(ctx, l, w.metrics.stored(l, w.writeLetter(ctx, letter(l, w.config.Kafka.Group, w.version))))
		},
		Logger: w.log,
	})
}
