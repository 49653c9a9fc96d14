// Package worker wires the parts together, in the order in which an event passes through them. Two programs use the
// package: the binary and the demo.
//
// A [Worker] is opened with settings, run until its context ends, and reports its state while it runs. [Worker.Run]
// owns every goroutine and returns when all have ended. [Worker.Close] closes its connections.
package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"leadhit-sync/cmd/worker/observe"
	"leadhit-sync/config"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
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
	metrics  *observe.Metrics
	tracing  *observe.Tracing
	// retention is how long Kafka keeps the events.
	retention retention
	// fitness holds the flaws of the letters' topic and the ledger.
	fitness fitness
	refused chan struct{} // signals that Kafka refused a letter, so that the topics are judged at once
	// decode maps an event without counting it.
	decode func(context.Context, event.Record) ([]event.Item, error)
	// closeMapping closes the schema registry's client.
	closeMapping func()
	stopping     atomic.Bool
	recreating   sync.Mutex // held while the letters' topic is being recreated
}

// wire connects the steps of an event's path in their order: fetch, decode, dispatch, call, judge, (letter), dispatch,
// commit. The consumer fetches, dispatches and commits.
func (w *Worker) wire(m *mapping.Mapping) {
	w.decode = m.Decode
	decode := func(ctx context.Context, e *consumer.Event) ([]event.Item, error) {
		return m.Decode(ctx, e.Record)
	}
	decode = w.metrics.Decode(decode)
	decode = w.tracing.Decode(decode)

	// Metrics see the verdict. Traces see the error that is judged, because only the error has the HTTP status.
	judge := leadhit.Judge{DeadLetterTypes: w.config.DeadLetter.Types}.Judge
	send := func(ctx context.Context, c consumer.Call) error {
		return w.client.SetOrderStatus(ctx, leadhit.Call{
			ID: c.ID, OrderID: c.Order, Status: c.Status, Before: c.Before, Traceparent: observe.Traceparent(ctx),
		})
	}
	send = w.tracing.Send(send, judge)
	call := func(ctx context.Context, c consumer.Call) retry.Verdict { return judge(send(ctx, c)) }
	call = w.metrics.Call(call)

	repeat := w.tracing.Repeat(w.metrics.Repeat)

	store := func(ctx context.Context, l consumer.Letter) error {
		stored := letter(l, w.config.Kafka.Group, w.version)
		fingerprint := stored.Fingerprint()
		w.metrics.LetterStoring(fingerprint)
		err := w.writeLetter(ctx, stored)
		if err == nil {
			w.metrics.LetterStored(fingerprint)
		}
		return err
	}
	store = w.metrics.Store(store)
	store = w.tracing.Store(store)

	w.consumer = consumer.New(consumer.Options{
		Cluster: w.cluster, Group: w.config.Kafka.Group, Topics: w.config.Kafka.Topics,
		Place:    placeOf(w.config.HTTPAddr),
		Start:    consumer.Start{Latest: w.config.Kafka.Start.Latest, At: w.config.Kafka.Start.Time},
		Decode:   decode,
		Dispatch: dispatchConfig(w.config, w.version+"/"+m.Digest()),
		Call:     call,
		Repeat:   repeat,
		Prepare:  w.ensureLetters,
		Store:    store,
		Ledger:   w.ledger(),
		Letters:  w.letters(),
		Take:     w.tracing.Take(w.take),
		Logger:   w.log,
	})
	w.metrics.Watch(observe.Source{
		Consumer: w.consumer, Topics: w.config.Kafka.Topics, Letters: w.config.DeadLetter.Topic, Retention: w.retention.all,
	})
}
