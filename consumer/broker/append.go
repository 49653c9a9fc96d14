package broker

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

const (
	// batchRecords and batchBytes bound a batch of records. batchBytes is well below the 1 MiB that topics accept by
	// default.
	batchRecords = 100
	batchBytes   = 512 << 10
	// singleBytes bounds a record that is sent alone. It is the largest limit that kafka-go accepts, so that only the
	// topic's limit counts.
	singleBytes = 1<<31 - 64
	// writeLimit bounds one attempt to write. The writers make up to three attempts.
	writeLimit = 5 * time.Second
)

// writers store records. Kafka limits the size of the batch, not of the record, so when a batch is refused as too
// large, its records may still fit. Each of them is then sent alone.
type writers struct{ batched, single *kafka.Writer }

// newWriters returns one writer for batches, and another for single records, which may be larger than a batch.
func newWriters(addr net.Addr, transport kafka.RoundTripper) writers {
	open := func(records int, bytes int64) *kafka.Writer {
		return &kafka.Writer{
			Addr:      addr,
			Transport: transport,
			// Always choose the first partition, because readers rely on a total order of all records.
			Balancer:     kafka.BalancerFunc(func(kafka.Message, ...int) int { return 0 }),
			RequiredAcks: kafka.RequireAll, // the zero value requests no acknowledgement at all
			MaxAttempts:  3,
			WriteTimeout: writeLimit,
			ReadTimeout:  writeLimit,
			BatchTimeout: 5 * time.Millisecond, // the default delays each record by a second
			BatchSize:    records,
			BatchBytes:   bytes,
		}
	}
	return writers{batched: open(batchRecords, batchBytes), single: open(1, singleBytes)}
}

func (w writers) close() { _ = errors.Join(w.batched.Close(), w.single.Close()) } // kafka-go's Close never fails

// Append stores the key, value and headers of records in the first partition of a topic, in the given order and with
// the current time. It returns nil only when all in-sync replicas have acknowledged all records. After an error, each
// record may or may not be stored, and a retry may store it twice. Records appended within a few milliseconds share a
// batch.
//
// An operator must act on [kafkaerr.ErrTooLarge], [kafkaerr.ErrUnfit], [kafkaerr.ErrUnauthorised] and
// [kafkaerr.ErrUnknownPartition]; the error's text says what to change. Any other error may be temporary. When ctx
// ends, Append stops waiting, but the write may continue. Only the context bounds the wait for a cluster that does not
// respond at all. Otherwise each batch, of at most 100 records, takes up to three attempts of 5 s each, and so does
// each record that is sent alone.
func (c *Cluster) Append(ctx context.Context, topic string, all ...event.Record) error {
	// Write one batch at a time, because a batch must not be stored if the batch before it failed.
	for batch := range slices.Chunk(all, batchRecords) {
		messages := make([]kafka.Message, len(batch))
		for i, r := range batch {
			messages[i] = kafka.Message{Topic: topic, Key: r.Key, Value: r.Value, Time: time.Now()}
			for _, h := range r.Headers {
				messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
			}
		}
		err := kafkaerr.Append(topic, write(ctx, c.writers.batched, messages...))
		if errors.Is(err, kafkaerr.ErrTooLarge) {
			for err = nil; err == nil && len(messages) > 0; messages = messages[1:] {
				err = kafkaerr.Append(topic, write(ctx, c.writers.single, messages[0]))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func write(ctx context.Context, to *kafka.Writer, messages ...kafka.Message) error {
	err := to.WriteMessages(ctx, messages...)
	// WriteErrors has no Unwrap method. It contains one entry for each message.
	if each, ok := errors.AsType[kafka.WriteErrors](err); ok {
		return cmp.Or(each...)
	}
	return err
}
