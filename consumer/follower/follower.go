// Package follower follows one of the worker's own topics: the dead-letter topic or the ledger. It reads the topic from
// its start, or only its newest records, and then every record that is appended.
//
// Call [Follower.Next] in a loop, and act on each [News] before the next call. An error loses nothing, because the next
// call catches up. The package starts no goroutine and does not retry.
//
// The topic may be deleted and recreated. The follower notices that by comparing the last record that it read with the
// record now at the same offset, and then starts over with the new topic.
package follower

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

const (
	// longWait is how long the broker waits for the next record. The broker responds at once when there is one.
	longWait = 5 * time.Second
	// noWait is for records that already exist.
	noWait = 50 * time.Millisecond
	// fetchBytes is the size of a fetch. Many letters may have to be read before the worker joins the group.
	fetchBytes = 1 << 20
)

// Follower follows a topic with one partition. Parse turns its records into values of type T. Only one goroutine at a
// time may use a Follower.
type Follower[T any] struct {
	Cluster *broker.Cluster
	Topic   string
	// Parse returns the value that a record contains; false skips the record. The follower keeps only the last record,
	// so that many letters do not fill the memory.
	Parse func(event.Record) (T, bool)
	// Newest is how many of the newest records are read at the start; 0 means all.
	Newest int64
	// Recreate creates the topic after it was deleted. It returns false if the topic must not be created yet. It is called
	// only after the topic has been read once. If Recreate is nil, the follower never creates the topic.
	Recreate func(context.Context) (bool, error)

	begun     bool // the topic has been read to its end at least once
	following bool // the last Next succeeded
	at        position
}

// position is where the follower is in the log.
type position struct {
	next int64
	last *event.Record // the last record that was read, or nil; it identifies the log
}

// News is the part of the topic that Next has not yet returned.
type News[T any] struct {
	// Lost reports whether the topic was deleted and recreated. If it was, all of Said is from the new topic.
	Lost bool
	// Said holds the values that Parse returned, in the order of the records.
	Said []T
	// Next is the offset of the next record: all records before it were read.
	Next int64
}

// Next returns the part of the topic that it has not yet returned. The first call, and each call after an error, reads
// to the current end. Other calls wait at most 5 s for new records, and may return nothing new. An error comes from the
// broker or from Recreate: [kafkaerr.ErrUnknownPartition] means that the topic does not exist.
func (f *Follower[T]) Next(ctx context.Context) (news News[T], err error) {
	if f.following {
		news.Said, f.at, err = f.read(ctx, f.at, longWait)
	} else {
		news, err = f.catchUp(ctx)
	}
	f.following = err == nil
	news.Next = f.at.next
	return news, err
}

// catchUp reads to the current end.
func (f *Follower[T]) catchUp(ctx context.Context) (News[T], error) {
	bounds, err := f.bounds(ctx)
	if err != nil {
		return News[T]{}, err
	}
	same, err := f.sameLog(ctx, bounds)
	if err != nil {
		return News[T]{}, err
	}
	at := f.at
	if !same || at.last == nil {
		at = position{next: bounds.First}
		if f.Newest > 0 {
			at.next = max(bounds.First, bounds.End-f.Newest)
		}
	}
	news := News[T]{Lost: f.begun && !same}
	news.Said = slices.Grow(news.Said, int(min(bounds.End-at.next, f.Newest)))
	// Fetch at least once, so that a missing permission is noticed.
	for again := true; again; again = at.next < bounds.End {
		var said []T
		if said, at, err = f.read(ctx, at, noWait); err != nil {
			return News[T]{}, err
		}
		news.Said = append(news.Said, said...)
	}
	f.at, f.begun = at, true
	return news, nil
}

// bounds returns where the topic starts and ends. It recreates a deleted topic, but does not check the settings of an
// existing one: too few replicas in a cluster that has grown are no reason to stop following.
func (f *Follower[T]) bounds(ctx context.Context) (inspect.Bounds, error) {
	all, err := f.Cluster.Bounds(ctx, f.Topic, []int{0})
	if !f.begun || f.Recreate == nil || !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return all[0], err
	}
	recreated, failed := f.Recreate(ctx)
	if failed != nil {
		return inspect.Bounds{}, failed
	}
	if recreated {
		all, err = f.Cluster.Bounds(ctx, f.Topic, []int{0})
	}
	return all[0], err
}

// sameLog reports whether the topic's log is still the one that was read.
func (f *Follower[T]) sameLog(ctx context.Context, bounds inspect.Bounds) (bool, error) {
	last := f.at.last
	switch {
	case !f.begun, f.at.next < bounds.First, f.at.next > bounds.End:
		return false, nil
	case last == nil: // no record has been read yet, so all records are new
		return true, nil
	case last.Offset < bounds.First: // retention deleted it
		return true, nil
	}
	batch, err := f.fetch(ctx, last.Offset, noWait)
	if err != nil || len(batch.Records) == 0 {
		return false, err
	}
	is := batch.Records[0]
	return is.Offset == last.Offset && is.Time.Equal(last.Time) && bytes.Equal(is.Value, last.Value), nil
}

// read fetches once, from the given position. It returns the parsed values, and the position after the records.
func (f *Follower[T]) read(ctx context.Context, at position, wait time.Duration) ([]T, position, error) {
	batch, err := f.fetch(ctx, at.next, wait)
	if err != nil {
		return nil, at, err
	}
	var said []T
	for _, r := range batch.Records {
		if one, ok := f.Parse(r); ok {
			said = append(said, one)
		}
	}
	if n := len(batch.Records); n > 0 {
		last := batch.Records[n-1] // a copy: a pointer into the slice would keep all records in memory
		at.last = &last
	}
	at.next = batch.Next
	return said, at, nil
}

// fetch reads uncommitted records too, because another program's open transaction must not hide a later pause.
func (f *Follower[T]) fetch(ctx context.Context, from int64, wait time.Duration) (broker.Batch, error) {
	return f.Cluster.Fetch(ctx, broker.FetchRequest{
		Topic: f.Topic, Offset: from, MaxBytes: fetchBytes, MaxDecoded: fetchBytes, MaxWait: wait, Uncommitted: true,
	})
}
