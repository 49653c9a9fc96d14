package operator

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/guard"
	"leadhit-sync/deadletter/view"
)

// Reader reads the letters' topic and the ledger into a View. It joins no group, commits nothing and creates no topic.
// It reads uncommitted records, because we write both topics without transactions, and another producer's open
// transaction must not hide what we wrote.
type Reader struct {
	Access

	// View may be used directly if only one goroutine uses the Reader, and only in Look otherwise.
	View *view.View
	// OnEntry, if not nil, is called with each entry after the view has taken it.
	OnEntry func(e ledger.Entry, counted bool)

	turn     chan struct{} // one Refresh at a time
	changing chan struct{} // one Change at a time

	mu       sync.RWMutex // guards View, OnEntry, and all fields below
	guard    guard.Guard
	next     map[event.Partition]int64 // offsets to continue at
	number   uint64                    // how many records were read
	mentions []mention                 // kept only if indexed
	indexed  bool
	seed     maphash.Seed
}

// Reader returns a new Reader. Its first Refresh reads both topics from their start. Filters may use only the event
// headers with the given names.
func (a Access) Reader(headers ...string) *Reader {
	return &Reader{
		Access: a, View: view.New(a.Group, headers...), next: map[event.Partition]int64{},
		seed: maphash.MakeSeed(), turn: make(chan struct{}, 1), changing: make(chan struct{}, 1),
	}
}

// Look passes the view to the callback, and keeps the view unchanged until the callback returns. The callback must not
// call any method of the Reader. The returned number grows with each record that was read.
func (r *Reader) Look(look func(*view.View)) (number uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	look(r.View)
	return r.number
}

// Refresh reads both topics to their current ends. It may be called repeatedly, and continues where it stopped. It
// waits up to 30 s for a partition without a leader (see package scan).
func (r *Reader) Refresh(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	first := len(r.next) == 0 // only Refresh changes r.next
	err := r.read(ctx, r.Letters, r.takeLetter)
	// A missing topic is a failure, not an empty list, because with a misspelt name "no letters" would be false.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return fmt.Errorf("topic %s does not exist: no letter has been written yet, or KAFKA_GROUP or "+
			"DEAD_LETTER_TOPIC is wrong", r.Letters)
	}
	if err != nil {
		return err
	}
	if first {
		// Without permission to read the topic's settings, expiry times are unknown; nothing else needs the settings.
		keeps, _, _ := r.Cluster.Retention(ctx, r.Letters)
		r.mu.Lock()
		r.View.Retention = keeps
		r.mu.Unlock()
		r.answered()
	}
	err = r.read(ctx, ledger.Topic(r.Letters), r.takeEntry)
	// Before the first pause or replay there is no ledger, so all letters are open.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return nil
	}
	return err
}

// takeLetter leaves out a record that is not a letter. The view counts it, so that a list can say so.
func (r *Reader) takeLetter(record event.Record) {
	l, err := r.View.Letter(record)
	if err != nil {
		return
	}
	r.mention(l.ID(), l.OrderID, record, false, true)
}

func (r *Reader) takeEntry(record event.Record) {
	e, counted := r.View.Entry(record)
	if e.For(r.Group) {
		r.guard.Follow(e)
	}
	if e.Event == "" {
		return
	}
	r.mention(e.ID, e.Order, record, true, counted)
	if r.OnEntry != nil {
		r.OnEntry(e, counted)
	}
}

// Pauses returns the pauses in force, as far as the ledger was read.
func (r *Reader) Pauses() []ledger.Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.guard.Pauses()
}

// read reads a topic up to its current end. The first call reads all partitions, because other programs may have
// written to any of them. Later calls read only the first partition, which is the one that we write to, and those that
// had records.
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
			r.mu.Lock()
			r.next[event.Partition{Topic: topic, Number: record.Partition}] = record.Offset + 1
			r.number++
			take(record)
			r.mu.Unlock()
		}
	}
	if _, known := r.next[first]; !known {
		r.mu.Lock()
		r.next[first] = 0 // the topic exists; this partition is empty
		r.mu.Unlock()
	}
	return nil
}

// Letter is a letter with the event of its newest record.
type Letter struct {
	view.Letter

	Event event.Record // with key, headers and value
}

// record rereads a letter's record, with the event.
func (r *Reader) record(ctx context.Context, l view.Letter) (Letter, error) {
	record, found, err := r.recordAt(ctx, r.Letters, l.Place.Partition, l.Place.Offset)
	if err != nil {
		return Letter{}, err
	}
	if !found {
		return Letter{}, fmt.Errorf("letter %s expired: its record is gone from %s", l.ID(), r.Letters)
	}
	read, err := deadletter.Parse(record)
	return Letter{Letter: l, Event: read.Record}, err
}

// Records rereads the letters' topic and yields the selected letters with their events, in the topic's order.
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
