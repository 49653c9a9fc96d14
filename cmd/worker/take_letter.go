package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// The causes of a replay that fails without a call, because the letter or its event's value has expired.
const (
	letterExpired = "LetterExpired"
	valueExpired  = "ValueExpired"
)

// takeWait is how long a broker may take to return a record that already exists.
const takeWait = 50 * time.Millisecond

// errNotYet means that the broker returned neither the record nor a later one.
var errNotYet = errors.New("the broker returned nothing")

// letters returns the worker's access to the group's letters.
func (w *Worker) letters() consumer.Letters {
	return consumer.Letters{
		Topic:  w.config.DeadLetter.Topic,
		Exists: func(ctx context.Context) (bool, error) { return w.usable(ctx, InspectLetters) },
		Parse: func(r event.Record) (fold.Letter, bool) {
			l, known := deadletter.ParseBrief(r, w.config.Kafka.Group)
			if known {
				w.metrics.LetterRead(deadletter.StoredFingerprint(r))
			}
			return ledgerLetter(l, r), known
		},
	}
}

// ledgerLetter returns what the ledger's fold needs to know about a letter in a record.
func ledgerLetter(l deadletter.Letter, in event.Record) fold.Letter {
	id := ledger.ID{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Item: ledger.NoItem}
	if l.Item != deadletter.NoItem {
		id.Item = l.Item
	}
	return fold.Letter{
		ID: id, Order: l.OrderID, Key: fold.KeyHash(l.Key), Count: l.ReplayCount, Offset: in.Offset, Stored: in.Time,
	}
}

// take fetches a letter for its replay, restores its event, and maps the event with the current mapping of its topic.
// After an error the caller must try again.
func (w *Worker) take(ctx context.Context, t turn.Take) (turn.Taken, error) {
	record, err := w.recordAt(ctx, event.Place{Topic: w.config.DeadLetter.Topic, Offset: t.Offset}, true)
	if errors.Is(err, errGone) {
		return turn.Taken{Cause: letterExpired}, nil
	}
	if err != nil {
		return turn.Taken{}, fmt.Errorf("fetch letter %v: %w", t.Letter, err)
	}
	l, _ := deadletter.Parse(record) // after an error l has no id
	taken := turn.Taken{Letter: ledgerLetter(l, record)}
	if l.Group != w.config.Kafka.Group || taken.Letter.ID != t.Letter {
		return turn.Taken{}, nil // the record is not the letter to replay, so the dispatcher ends the replay as failed
	}
	if l.Omitted != nil {
		switch l.Record, err = w.original(ctx, l); {
		case errors.Is(err, errGone):
			taken.Cause = valueExpired
			return taken, nil
		case err != nil:
			return turn.Taken{}, fmt.Errorf("fetch the value of letter %v: %w", t.Letter, err)
		}
	}
	taken.Record = &consumer.Event{Record: l.Record}
	if taken.Items, err = w.decode(ctx, l.Record); err != nil {
		return turn.Taken{}, fmt.Errorf("map letter %v: %w", t.Letter, err)
	}
	return taken, nil
}

// original reads the event of a letter that was stored without the value, from the event's topic. If the topic was
// recreated, another event may be at that place, which the time and the hash reveal.
func (w *Worker) original(ctx context.Context, l deadletter.Letter) (event.Record, error) {
	r, err := w.recordAt(ctx, l.Place, false)
	if err != nil {
		return r, err
	}
	is := deadletter.Letter{Record: r}.Digest()
	if r.Time.UnixMilli() != l.Time.UnixMilli() || is == nil || *is != *l.Omitted {
		return r, errGone
	}
	return r, nil
}

// errGone means that a record is no longer in its topic.
var errGone = errors.New("the record is gone")

// recordAt fetches one record. It returns errGone if the topic no longer has it.
func (w *Worker) recordAt(ctx context.Context, at event.Place, uncommitted bool) (event.Record, error) {
	batch, err := w.cluster.Fetch(ctx, broker.FetchRequest{
		Topic: at.Topic, Partition: at.Partition, Offset: at.Offset, MaxBytes: 1, MaxDecoded: 1, MaxWait: takeWait,
		Uncommitted: uncommitted,
	})
	switch {
	case errors.Is(err, kafkaerr.ErrOffsetOutOfRange):
		return event.Record{}, errGone
	case errors.Is(err, kafkaerr.ErrUnknownPartition):
		topology, failed := w.cluster.Topics(ctx, at.Topic)
		if failed == nil && topology.Topics[at.Topic].Missing {
			err = errGone
		}
		return event.Record{}, err
	case err != nil:
		return event.Record{}, err
	case len(batch.Records) > 0 && batch.Records[0].Offset == at.Offset:
		return batch.Records[0], nil
	case batch.Next > at.Offset:
		return event.Record{}, errGone
	}
	return event.Record{}, errNotYet
}
