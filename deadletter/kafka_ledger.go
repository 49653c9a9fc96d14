package deadletter

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/deadletter/ledger"
)

const (
	// The ledger outlives the letters that it speaks of.
	ledgerFactor       = 3
	ledgerMinRetention = 90 * 24 * time.Hour
	forever            = -1 // a retention.ms
)

// EnsureLedger creates the ledger that belongs to a letters' topic unless it exists, and says whether it did. It keeps its
// entries three times as long as that topic keeps letters, 90 days at least, whatever its size. All else is as [EnsureTopic]
// says; letters names the letters' topic, whose Retention counts where Kafka does not tell it.
func EnsureLedger(ctx context.Context, client *kafka.Client, letters TopicSpec) (created bool, err error) {
	found, retention, err := inspectLedger(ctx, client, letters)
	return ensure(ctx, client, found, err, []kafka.ConfigEntry{
		{ConfigName: retentionSetting, ConfigValue: strconv.FormatInt(retention, 10)},
		{ConfigName: maxMessageBytes, ConfigValue: strconv.Itoa(defaultMaxBytes)},
	})
}

// ledgerRetention is the retention.ms of a new ledger.
func ledgerRetention(letters int64) int64 {
	if letters < 0 || letters > math.MaxInt64/ledgerFactor {
		return forever
	}
	return max(ledgerFactor*letters, ledgerMinRetention.Milliseconds())
}

// Ledger appends entries to the ledger. It is safe for concurrent use.
type Ledger struct {
	topic  string
	writer *kafka.Writer
}

// OpenLedger returns the ledger of o.Topic, which [ledger.Topic] names; it asks nothing of the cluster yet. The caller owns it
// and must [Ledger.Close] it.
func OpenLedger(o WriterOptions) (*Ledger, error) {
	if o.Brokers == nil || o.Transport == nil || o.Topic == "" {
		return nil, errors.New("ledger: brokers, transport and topic are required")
	}
	const room = 1 << 20 // bytes; what topics take unless told otherwise, far more than an entry needs
	return &Ledger{topic: o.Topic, writer: newKafkaWriter(o, 1, room)}, nil
}

// Append stores an entry and returns nil only when all in-sync replicas acknowledged it. After an error it may be stored or
// not, and to append it again may store it twice; readers know it by who wrote it and when. An error that wraps
// [ErrTopicMissing] or [ErrUnauthorised] waits for an operator. The context bounds the wait as in [Writer.Write].
func (l *Ledger) Append(ctx context.Context, e ledger.Entry) error {
	key, value, err := e.Record()
	if err != nil {
		return err
	}
	if err := writeOne(ctx, l.writer, kafka.Message{Key: key, Value: value, Time: time.Now()}); err != nil {
		return fmt.Errorf("append %s to %s: %w", e.Event, l.topic, explainWrite(err))
	}
	return nil
}

// Close waits for what is under way and ends the Ledger. Append must not be called after it.
func (l *Ledger) Close() error { return l.writer.Close() }
