// Package shop simulates a shop for the tests. It writes order events to Kafka with an idempotent producer, and returns
// each event with the partition and offset that Kafka acknowledged. These events are the evidence that package audit
// compares with the calls.
//
//	s, err := shop.Open(brokers)
//	written, err := s.Write(ctx, "orders", []audit.Event{orders.Next()})
//
// A Shop may be used from several goroutines, except for transactions, which must run one after another. It uses
// franz-go instead of the worker's client, so that the two share no bug. The caller must close the Shop.
package shop

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
)

// batchLimit is the size of the largest batch in bytes, and therefore also of the largest record.
const batchLimit = 16 << 20

// Shop is a producer of order events.
type Shop struct {
	client *kgo.Client
}

// Open returns a shop that writes to the given brokers. It connects on the first write.
func Open(brokers []string) (*Shop, error) { return open(brokers) }

// transactionLimit is the time after which the broker aborts a transaction. It is the brokers' own maximum, so that a
// test can leave a transaction open.
const transactionLimit = 15 * time.Minute

// OpenTransactional returns a shop that writes only in transactions.
func OpenTransactional(brokers []string, id string) (*Shop, error) {
	return open(brokers, kgo.TransactionalID(id), kgo.TransactionTimeout(transactionLimit))
}

// OpenCRC32 returns a shop that uses another partitioner: librdkafka's instead of Java's.
func OpenCRC32(brokers []string) (*Shop, error) {
	return open(brokers, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(func(key []byte, partitions int) int {
		return int(crc32.ChecksumIEEE(key) % uint32(partitions))
	})))
}

func open(brokers []string, options ...kgo.Opt) (*Shop, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.ProducerBatchMaxBytes(batchLimit),
		kgo.ProducerLinger(5 * time.Millisecond),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("open shop: %w", err)
	}
	return &Shop{client: client}, nil
}

// Close closes the connections. Events that were not acknowledged are lost.
func (s *Shop) Close() { s.client.Close() }

// Write writes each event to the partition for its key. It returns the events in the same order, with the partitions
// and offsets that all in-sync replicas acknowledged.
func (s *Shop) Write(ctx context.Context, topic string, events []audit.Event) ([]audit.Event, error) {
	records := make([]*kgo.Record, 0, len(events))
	for _, event := range events {
		records = append(records, record(topic, event))
	}
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, fmt.Errorf("write %d events to %s: %w", len(events), topic, err)
	}
	written := make([]audit.Event, 0, len(events))
	for i, r := range records {
		written = append(written, entered(events[i], r))
	}
	return written, nil
}

// Begin writes events in a transaction and leaves it open. The returned function ends the transaction and returns the
// events. After an abort they are Untouched, because consumers must not see them.
func (s *Shop) Begin(ctx context.Context, topic string, events []audit.Event) (
	finish func(context.Context, kgo.TransactionEndTry) ([]audit.Event, error), err error,
) {
	if err := s.client.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	written, err := s.Write(ctx, topic, events)
	if err != nil {
		return nil, errors.Join(err, s.client.EndTransaction(ctx, kgo.TryAbort))
	}
	return func(ctx context.Context, end kgo.TransactionEndTry) ([]audit.Event, error) {
		if err := s.client.EndTransaction(ctx, end); err != nil {
			return nil, fmt.Errorf("end transaction: %w", err)
		}
		for i := range written {
			if end == kgo.TryAbort {
				written[i].Want = audit.Untouched
			}
		}
		return written, nil
	}, nil
}

// Stream writes events at a steady pace until ctx is done. Then it waits for the missing acknowledgements and returns
// the written events. A write that fails permanently ends the stream at once.
func (s *Shop) Stream(
	ctx context.Context, topic string, perSecond int, next func() audit.Event,
) ([]audit.Event, error) {
	const ticks = 50 // per second
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
	lasting := context.WithoutCancel(ctx) // a write that has started is finished
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
	return &kgo.Record{Topic: topic, Key: event.Key, Value: event.Value, Headers: event.Headers}
}

// entered returns the event as evidence: with its place, and the time of the acknowledgement.
func entered(event audit.Event, r *kgo.Record) audit.Event {
	event.Topic, event.Partition, event.Offset, event.Stored = r.Topic, int(r.Partition), r.Offset, time.Now()
	return event
}
