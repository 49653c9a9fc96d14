// Package shop plays the shop: it writes order events to Kafka as an idempotent producer does, and keeps the book of
// what Kafka acknowledged: each event with its partition and offset.
//
// A Shop may be used from several goroutines, but for transactions: those run one after the other. It uses franz-go,
// another client than the worker's own, so that the two do not share a fault.
package shop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
)

// batchLimit is the largest batch, and so the largest record, that a shop writes, in bytes.
const batchLimit = 16 << 20

// Shop is a producer of order events.
type Shop struct {
	client *kgo.Client
}

// Open opens a shop that writes to these brokers. It connects when it first writes.
func Open(brokers []string) (*Shop, error) { return open(brokers) }

// transactionLimit is when the broker aborts a transaction: the longest that brokers allow, so that a test may leave
// one open.
const transactionLimit = 15 * time.Minute

// OpenTransactional opens a shop that writes in transactions alone.
func OpenTransactional(brokers []string, id string) (*Shop, error) {
	return open(brokers, kgo.TransactionalID(id), kgo.TransactionTimeout(transactionLimit))
}

func open(brokers []string, options ...kgo.Opt) (*Shop, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.ProducerBatchMaxBytes(batchLimit),
		kgo.ProducerLinger(5 * time.Millisecond),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("opening the shop: %w", err)
	}
	return &Shop{client: client}, nil
}

// Close ends the shop. What was not acknowledged by then is lost.
func (s *Shop) Close() { s.client.Close() }

// Write writes events to the topic, each to the partition of its key, and returns them in the same order with the
// partitions and offsets that all in-sync replicas acknowledged.
func (s *Shop) Write(ctx context.Context, topic string, events []audit.Event) ([]audit.Event, error) {
	records := make([]*kgo.Record, 0, len(events))
	for _, event := range events {
		records = append(records, record(topic, event))
	}
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, fmt.Errorf("writing %d events to %s: %w", len(events), topic, err)
	}
	written := make([]audit.Event, 0, len(events))
	for i, r := range records {
		written = append(written, entered(events[i], r))
	}
	return written, nil
}

// Transaction writes events in one transaction and commits or aborts it. Of an aborted one the events come back as
// Untouched.
func (s *Shop) Transaction(ctx context.Context, topic string, events []audit.Event, end kgo.TransactionEndTry) ([]audit.Event, error) {
	finish, err := s.Begin(ctx, topic, events)
	if err != nil {
		return nil, err
	}
	return finish(ctx, end)
}

// Begin writes events in a transaction and leaves it open. finish ends it and returns the events, Untouched if it
// aborts.
func (s *Shop) Begin(ctx context.Context, topic string, events []audit.Event) (
	finish func(context.Context, kgo.TransactionEndTry) ([]audit.Event, error), err error,
) {
	if err := s.client.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("beginning a transaction: %w", err)
	}
	written, err := s.Write(ctx, topic, events)
	if err != nil {
		return nil, errors.Join(err, s.client.EndTransaction(ctx, kgo.TryAbort))
	}
	return func(ctx context.Context, end kgo.TransactionEndTry) ([]audit.Event, error) {
		if err := s.client.EndTransaction(ctx, end); err != nil {
			return nil, fmt.Errorf("ending a transaction: %w", err)
		}
		for i := range written {
			if end == kgo.TryAbort {
				written[i].Want = audit.Untouched
			}
		}
		return written, nil
	}, nil
}

// Stream writes events at a steady pace until ctx ends, then waits for the acknowledgements that are still out, and
// returns what was written. A write that failed for good ends it at once.
func (s *Shop) Stream(ctx context.Context, topic string, perSecond int, next func() audit.Event) ([]audit.Event, error) {
	const ticks = 50 // a second
	var (
		mu      sync.Mutex
		written []audit.Event
		failed  error
	)
	hasFailed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failed != nil
	}
	lasting := context.WithoutCancel(ctx) // what was begun is written to its end
	ticker := time.NewTicker(time.Second / ticks)
	defer ticker.Stop()
	for ctx.Err() == nil && !hasFailed() {
		for range max(1, perSecond/ticks) {
			event := next()
			s.client.Produce(lasting, record(topic, event), func(r *kgo.Record, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					failed = err
					return
				}
				written = append(written, entered(event, r))
			})
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	err := s.client.Flush(lasting)
	mu.Lock()
	defer mu.Unlock()
	return written, errors.Join(failed, err)
}

func record(topic string, event audit.Event) *kgo.Record {
	headers := make([]kgo.RecordHeader, 0, len(event.Headers))
	for _, h := range event.Headers {
		headers = append(headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return &kgo.Record{Topic: topic, Key: event.Key, Value: event.Value, Headers: headers}
}

// entered returns the event as it stands in the book: with the place where Kafka put it, and when we heard of it.
func entered(event audit.Event, r *kgo.Record) audit.Event {
	event.Topic, event.Partition, event.Offset, event.Stored = r.Topic, int(r.Partition), r.Offset, time.Now()
	return event
}
