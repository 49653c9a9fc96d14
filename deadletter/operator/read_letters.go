package operator

import (
	"context"
	"errors"
	"fmt"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// Reader reads the letters' topic and the ledger into a View. It joins no group, commits nothing and creates no topic.
// It reads uncommitted records, because we write both topics without transactions: another producer's open transaction
// must not hide what we wrote.
type Reader struct {
	Access

	View *view.View
	// OnLetter and OnEntry, if not nil, see each record after the view has taken it.
	OnLetter func(event.Record, deadletter.Letter)
	OnEntry  func(e ledger.Entry, counted bool)

	guard ledger.Guard
	steps []Step                    // of the letter that Collect names
	next  map[event.Partition]int64 // offsets to continue at
}

// Reader returns a reader that has read nothing. headers are the names that filters may ask for.
func (a Access) Reader(headers ...string) *Reader {
	return &Reader{Access: a, View: view.New(a.Group, headers...), next: map[event.Partition]int64{}}
}

// Refresh reads both topics to their current ends. It may be called again and again, and continues where it stopped. It
// waits up to 30 s for a partition without a leader (package scan).
func (r *Reader) Refresh(ctx context.Context) error {
	first := len(r.next) == 0
	err := r.read(ctx, r.Letters, func(record event.Record) {
		l, err := r.View.Letter(record)
		if err == nil && r.OnLetter != nil {
			r.OnLetter(record, l)
		}
	})
	// A missing topic is a failure and not an empty list: with a misspelt name, "no letters" would be false comfort.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return fmt.Errorf("topic %s does not exist: no letter was written yet, or KAFKA_GROUP or DEAD_LETTER_TOPIC "+
			"is wrong", r.Letters)
	}
	if err != nil {
		return err
	}
	if first {
		// Without the right to read the topic's settings, times of expiry are unknown; nothing else needs them.
		r.View.Retention, _, _ = r.Cluster.Retention(ctx, r.Letters)
		r.answered()
	}
	err = r.read(ctx, ledger.Topic(r.Letters), func(record event.Record) {
		e, counted := r.View.Entry(record)
		if e.For(r.Group) {
			r.guard.Follow(e)
		}
		if e.Event != "" && r.OnEntry != nil {
			r.OnEntry(e, counted)
		}
	})
	// Before the first pause or replay there is no ledger: all letters are open.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return nil
	}
	return err
}

// Pauses are the pauses in force, as far as the ledger was read.
func (r *Reader) Pauses() []ledger.Entry { return r.guard.Pauses() }

// read reads a topic up to its current end. The first call reads all partitions, because other programs may have
// written to any. After that only the first one grows, and those that had records: we write to the first alone.
func (r *Reader) read(ctx context.Context, topic string, take func(event.Record)) error {
	var ranges []scan.Range
	first := event.Partition{Topic: topic}
	if _, known := r.next[first]; known {
		for p, next := range r.next {
			if p.Topic == topic {
				ranges = append(ranges, scan.Range{Partitions: []int{p.Number}, From: scan.Position{Offset: next}})
			}
		}
	} else {
		ranges = append(ranges, scan.Range{})
	}
	for _, part := range ranges {
		part.Topic, part.Uncommitted = topic, true
		part.Progress = func(int64, int64) { r.answered() }
		for record, err := range scan.Records(ctx, r.Cluster, part) {
			if err != nil {
				return err
			}
			r.next[event.Partition{Topic: topic, Number: record.Partition}] = record.Offset + 1
			take(record)
		}
	}
	if _, known := r.next[first]; !known {
		r.next[first] = 0 // it exists, and is empty
	}
	return nil
}

// Letter is a letter with the event of its newest record.
type Letter struct {
	view.Letter

	Event event.Record // with key, headers and value
}

// Record reads the record of a letter again, with its event.
func (r *Reader) Record(ctx context.Context, l view.Letter) (Letter, error) {
	one := scan.Range{
		Topic: r.Letters, Partitions: []int{l.Place.Partition}, Uncommitted: true,
		From: scan.Position{Offset: l.Place.Offset}, Until: scan.Position{Offset: l.Place.Offset + 1},
	}
	for record, err := range scan.Records(ctx, r.Cluster, one) {
		if err != nil {
			return Letter{}, err
		}
		if record.Offset == l.Place.Offset {
			read, err := deadletter.Parse(record)
			return Letter{Letter: l, Event: read.Record}, err
		}
	}
	return Letter{}, fmt.Errorf("letter %s expired: its record is gone from %s", l.ID(), r.Letters)
}

// Records reads the letters' topic again and yields the selected letters with their events, in the topic's order.
func (r *Reader) Records(ctx context.Context, selected []view.Letter, yield func(Letter) error) error {
	at := map[event.Place]view.Letter{}
	for _, l := range selected {
		at[l.Place] = l
	}
	all := scan.Range{Topic: r.Letters, Uncommitted: true, Progress: func(int64, int64) { r.answered() }}
	for record, err := range scan.Records(ctx, r.Cluster, all) {
		if err != nil {
			return err
		}
		l, wanted := at[event.Place{Partition: record.Partition, Offset: record.Offset}]
		if !wanted {
			continue
		}
		read, err := deadletter.Parse(record)
		if err != nil {
			return err
		}
		if err := yield(Letter{Letter: l, Event: read.Record}); err != nil {
			return err
		}
	}
	return nil
}
