package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// lettersReader reads the letters' topic and the ledger into a View. It joins no group, commits nothing and creates no
// topic. It reads uncommitted records, because we write both topics without transactions: another producer's open
// transaction must not hide what we wrote.
type lettersReader struct {
	view            *view.View
	cluster         *broker.Cluster
	letters, ledger string // topics
	answered        func()
	// onLetter and onEntry, if not nil, see each record after the view has taken it.
	onLetter func(event.Record, deadletter.Letter)
	onEntry  func(e ledger.Entry, counted bool)

	next map[event.Partition]int64 // offsets to continue at
}

// openLetters returns a reader that has read nothing. headers are the names that the filter asks for.
func openLetters(settings *config.Config, cluster *broker.Cluster, n *terminal.Notice, headers []string) *lettersReader {
	return &lettersReader{
		view: view.New(settings.Kafka.Group, headers...), cluster: cluster,
		letters: settings.DeadLetter.Topic, ledger: ledger.Topic(settings.DeadLetter.Topic),
		answered: n.Answered, next: map[event.Partition]int64{},
	}
}

// withLetters opens the cluster and calls ask with a reader that has read both topics to their ends. prepare gets the
// reader before that.
func withLetters(
	ctx context.Context, stderr io.Writer, f view.Filter,
	ask func(ctx context.Context, settings *config.Config, r *lettersReader) error, prepare ...func(*lettersReader),
) error {
	settings, err := config.LoadKafka()
	if err != nil {
		return err
	}
	return withKafka(ctx, stderr, settings, func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
		r := openLetters(settings, cluster, n, slices.Collect(maps.Keys(f.Headers)))
		for _, p := range prepare {
			p(r)
		}
		if err := r.refresh(ctx); err != nil {
			return err
		}
		return ask(ctx, settings, r)
	})
}

// refresh reads both topics to their current ends. It may be called again and again, and continues where it stopped. It
// waits up to 30 s for a partition without a leader (package scan).
func (r *lettersReader) refresh(ctx context.Context) error {
	first := len(r.next) == 0
	err := r.read(ctx, r.letters, func(record event.Record) {
		l, err := r.view.Letter(record)
		if err == nil && r.onLetter != nil {
			r.onLetter(record, l)
		}
	})
	// A missing topic is a failure and not an empty list: with a misspelt name, "no letters" would be false comfort.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return fmt.Errorf("topic %s does not exist: no letter was written yet, or KAFKA_GROUP or DEAD_LETTER_TOPIC "+
			"is wrong", r.letters)
	}
	if err != nil {
		return err
	}
	if first {
		// Without the right to read the topic's settings, times of expiry are unknown; nothing else needs them.
		r.view.Retention, _, _ = r.cluster.Retention(ctx, r.letters)
		r.answered()
	}
	err = r.read(ctx, r.ledger, func(record event.Record) {
		e, counted := r.view.Entry(record)
		if e.Event != "" && r.onEntry != nil {
			r.onEntry(e, counted)
		}
	})
	// Before the first pause or replay there is no ledger: all letters are open.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return nil
	}
	return err
}

// read reads a topic up to its current end. The first call reads all partitions, because other programs may have
// written to any. After that only the first one grows, and those that had records: we write to the first alone.
func (r *lettersReader) read(ctx context.Context, topic string, take func(event.Record)) error {
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
		for record, err := range scan.Records(ctx, r.cluster, part) {
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

// record reads the record of a letter again, with its event.
func (r *lettersReader) record(ctx context.Context, l view.Letter) (deadletter.Letter, error) {
	one := scan.Range{
		Topic: r.letters, Partitions: []int{l.Place.Partition}, Uncommitted: true,
		From: scan.Position{Offset: l.Place.Offset}, Until: scan.Position{Offset: l.Place.Offset + 1},
	}
	for record, err := range scan.Records(ctx, r.cluster, one) {
		if err != nil {
			return deadletter.Letter{}, err
		}
		if record.Offset == l.Place.Offset {
			return deadletter.Parse(record)
		}
	}
	return deadletter.Letter{}, fmt.Errorf("letter %s expired: its record is gone from %s", l.ID(), r.letters)
}

// records reads the letters' topic again and yields the selected letters with their events, in the topic's order.
func (r *lettersReader) records(ctx context.Context, selected []view.Letter, yield func(shownLetter) error) error {
	at := map[event.Place]view.Letter{}
	for _, l := range selected {
		at[l.Place] = l
	}
	all := scan.Range{Topic: r.letters, Uncommitted: true, Progress: func(int64, int64) { r.answered() }}
	for record, err := range scan.Records(ctx, r.cluster, all) {
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
		if err := yield(shownLetter{Letter: l, event: read.Record}); err != nil {
			return err
		}
	}
	return nil
}
