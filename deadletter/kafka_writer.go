package deadletter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// What an operator has to change before anything can be stored. Errors of [Writer.Write], [Ledger.Append], [EnsureTopic] and
// [EnsureLedger] wrap one of these, or [ErrUnfit], where it applies; every other error is the cluster's and may be temporary.
var (
	ErrTopicMissing = errors.New("the topic does not exist: create it, or allow the worker to create it")
	ErrUnauthorised = errors.New("not allowed by Kafka: grant Read, Write, Describe and DescribeConfigs on the dead-letter " +
		"topic and its ledger, and Create where one does not exist yet, or check the credentials")
	ErrTooLarge = errors.New("the letter does not fit even without its value: raise max.message.bytes of the dead-letter topic")
)

// WriterOptions say where letters go.
type WriterOptions struct {
	Brokers net.Addr // required
	// Transport is the process's one connection pool; its MetadataTopics, if set, must name Topic. Required.
	Transport kafka.RoundTripper
	Topic     string // required
}

// Writer stores letters. It is safe for concurrent use: letters that arrive within a few milliseconds of one another
// travel together. All go to the topic's first partition, so that they have one order.
type Writer struct {
	topic string
	// Kafka limits the batch, not the letter: a batch refused as too large says nothing about its letters. So each is
	// then sent on its own.
	batched, single *kafka.Writer
}

// OpenWriter returns a Writer; it asks nothing of the cluster yet. The caller owns it and must [Writer.Close] it.
func OpenWriter(o WriterOptions) (*Writer, error) {
	if o.Brokers == nil || o.Transport == nil || o.Topic == "" {
		return nil, errors.New("dead-letter writer: brokers, transport and topic are required")
	}
	const (
		batch  = 512 << 10  // bytes; well below the 1 MiB that topics take unless told otherwise
		single = 1<<31 - 64 // bytes; the topic sets the limit, not we
	)
	return &Writer{
		topic:   o.Topic,
		batched: newKafkaWriter(o, 100, batch),
		single:  newKafkaWriter(o, 1, single),
	}, nil
}

func newKafkaWriter(o WriterOptions, size int, bytes int64) *kafka.Writer {
	return &kafka.Writer{
		Addr:      o.Brokers,
		Transport: o.Transport,
		Topic:     o.Topic,
		// The first partition, also where somebody made more: readers rely on one order of all letters.
		Balancer:     kafka.BalancerFunc(func(kafka.Message, ...int) int { return 0 }),
		RequiredAcks: kafka.RequireAll, // the zero value asks for no acknowledgement at all
		MaxAttempts:  3,
		WriteTimeout: 5 * time.Second,
		ReadTimeout:  5 * time.Second,
		BatchTimeout: 5 * time.Millisecond, // the default keeps each letter, and its order, waiting for a second
		BatchSize:    size,
		BatchBytes:   bytes,
	}
}

// Write stores the letter and returns nil only when all in-sync replicas acknowledged it. After an error the letter may
// be stored or not; the caller writes it again until it gets nil, so a letter may be stored twice.
//
// A letter too large for the topic is stored without its value, as [Letter.WithoutValue] says. It wraps [ErrTooLarge],
// [ErrTopicMissing] or [ErrUnauthorised] where an operator has to act. An ended context ends the wait, not the write:
// the letter may still be stored. The context alone bounds the wait for a cluster that does not answer at all; give it
// a deadline. Else one call takes 5 s for each of three tries, and as much again for a large letter.
func (w *Writer) Write(ctx context.Context, l Letter) error {
	err := w.write(ctx, w.batched, l)
	if isTooLarge(err) {
		err = w.write(ctx, w.single, l)
	}
	if isTooLarge(err) {
		err = w.write(ctx, w.single, l.WithoutValue())
	}
	if err != nil {
		return fmt.Errorf("store letter %s in %s: %w", l.ID(), w.topic, explainWrite(err))
	}
	return nil
}

func (w *Writer) write(ctx context.Context, to *kafka.Writer, l Letter) error {
	record := l.Encode()
	message := kafka.Message{
		Key:   record.Key,
		Value: record.Value,
		// The event's own time may be so old that the letter would expire at once.
		Time:    time.Now(),
		Headers: make([]kafka.Header, len(record.Headers)),
	}
	for i, h := range record.Headers {
		message.Headers[i] = kafka.Header{Key: h.Key, Value: h.Value}
	}
	return writeOne(ctx, to, message)
}

func writeOne(ctx context.Context, to *kafka.Writer, message kafka.Message) error {
	err := to.WriteMessages(ctx, message)
	// WriteErrors does not unwrap; it holds one error for each message, and there was one.
	var each kafka.WriteErrors
	if errors.As(err, &each) && len(each) == 1 {
		return each[0]
	}
	return err
}

// Close sends what is under way, waits for it and ends the Writer. Write must not be called after it.
func (w *Writer) Close() error {
	return errors.Join(w.batched.Close(), w.single.Close())
}

func isTooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// explain adds the sentence that tells an operator what to do.
func explain(err error) error {
	is := func(codes ...kafka.Error) bool {
		return slices.ContainsFunc(codes, func(code kafka.Error) bool { return errors.Is(err, code) })
	}
	switch {
	case isTooLarge(err):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case is(kafka.UnknownTopicOrPartition):
		return fmt.Errorf("%w: %w", ErrTopicMissing, err)
	case is(kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("%w: %w", ErrUnauthorised, err)
	}
	return err
}

// explainWrite does so for a record that was not stored.
func explainWrite(err error) error {
	if text := refusal(err); text != "" {
		return unfit(text, err)
	}
	return explain(err)
}
