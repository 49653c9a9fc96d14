// Package follower follows the ledger: it reads the topic from its start, and then what is appended to it.
//
// Call [Follower.Next] in a loop, and act on each [News] before the next call. An error loses nothing: the
// next call catches up. The package starts no goroutine and does not retry.
//
// A ledger may be deleted and created again. The follower notices that by the last record it read, and starts again
// at the new ledger's first record.
package follower

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
)

const (
	// longWait is how long the broker waits for the next entry. It returns at once when there is one.
	longWait = 5 * time.Second
	// noWait is for records that exist already.
	noWait = 50 * time.Millisecond
)

// Follower follows one ledger. One goroutine at a time may use it.
type Follower struct {
	Cluster *broker.Cluster
	// Topic is the ledger, a topic of one partition. Entries for other groups than Group are skipped.
	Topic, Group string
	// Recreate creates the topic after somebody deleted it. It returns false if that must not happen yet. It is asked
	// only after the ledger was read once.
	Recreate func(context.Context) (bool, error)
	Logger   *slog.Logger

	begun     bool // it was read to its end once
	following bool // the last Next succeeded
	at        position
	malformed bool // a malformed record was logged
}

// position is where the follower is in the log.
type position struct {
	next int64
	last *event.Record // the last record that was read, nil for none: it identifies the log
}

// News is what the ledger holds that Next has not returned before.
type News struct {
	// Lost reports that the ledger was deleted and created again. Entries are the first ones of the new ledger.
	Lost bool
	// Entries are the pauses and resumes for the group, in the ledger's order.
	Entries []ledger.Entry
}

// Next returns news. The first call, and each call after an error, reads to the present end. Other calls wait for at
// most 5 s, and return no news if there is none. Errors are those of the broker: [broker.ErrUnknownPartition] if
// there is no ledger.
func (f *Follower) Next(ctx context.Context) (news News, err error) {
	if f.following {
		news.Entries, f.at, err = f.read(ctx, f.at, longWait)
	} else {
		news, err = f.catchUp(ctx)
	}
	f.following = err == nil
	return news, err
}

// catchUp reads to the present end.
func (f *Follower) catchUp(ctx context.Context) (News, error) {
	bounds, err := f.bounds(ctx)
	if err != nil {
		return News{}, err
	}
	same, err := f.sameLog(ctx, bounds)
	if err != nil {
		return News{}, err
	}
	at := f.at
	if !same || at.last == nil {
		at = position{next: bounds.First}
	}
	news := News{Lost: f.begun && !same}
	// Fetch at least once, so that a missing right shows.
	for again := true; again; again = at.next < bounds.End {
		var entries []ledger.Entry
		if entries, at, err = f.read(ctx, at, noWait); err != nil {
			return News{}, err
		}
		news.Entries = append(news.Entries, entries...)
	}
	if news.Lost {
		f.Logger.WarnContext(ctx, "the ledger was deleted and created again; following it from its start; "+
			"pauses in force are written to it again", slog.Int64("log_start", bounds.First))
	}
	f.at, f.begun = at, true
	return news, nil
}

// bounds returns where the ledger starts and ends. It creates a deleted one again, without a look at its settings:
// one replica in a cluster that has grown is no reason to stop following.
func (f *Follower) bounds(ctx context.Context) (broker.Bounds, error) {
	all, err := f.Cluster.Bounds(ctx, f.Topic, []int{0})
	if !f.begun || !errors.Is(err, broker.ErrUnknownPartition) {
		return all[0], err
	}
	recreated, failed := f.Recreate(ctx)
	if failed != nil {
		return broker.Bounds{}, failed
	}
	if recreated {
		all, err = f.Cluster.Bounds(ctx, f.Topic, []int{0})
	}
	return all[0], err
}

// sameLog reports whether the ledger is the log that was read before.
func (f *Follower) sameLog(ctx context.Context, bounds broker.Bounds) (bool, error) {
	last := f.at.last
	switch {
	case !f.begun, f.at.next < bounds.First, f.at.next > bounds.End:
		return false, nil
	case last == nil: // nothing was read, so all of it is new in any case
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

// read fetches once from a position on, and returns the entries for the group and the position after them.
func (f *Follower) read(ctx context.Context, at position, wait time.Duration) ([]ledger.Entry, position, error) {
	batch, err := f.fetch(ctx, at.next, wait)
	if err != nil {
		return nil, at, err
	}
	var entries []ledger.Entry
	for _, r := range batch.Records {
		at.last = &r
		e, err := ledger.Parse(r.Value)
		switch {
		case err != nil:
			f.skip(r, err)
		case e.For(f.Group):
			entries = append(entries, e)
		}
	}
	at.next = batch.Next
	return entries, at, nil
}

// fetch reads uncommitted records too: a foreign producer's open transaction must not hide a pause behind it.
func (f *Follower) fetch(ctx context.Context, from int64, wait time.Duration) (broker.Batch, error) {
	return f.Cluster.Fetch(ctx, broker.FetchRequest{Topic: f.Topic, Offset: from, MaxWait: wait, Uncommitted: true})
}

// skip logs the first malformed record.
func (f *Follower) skip(r event.Record, err error) {
	if f.malformed {
		return
	}
	f.malformed = true
	f.Logger.Warn("skipping a malformed ledger record; further ones are not logged",
		slog.Int64("offset", r.Offset), slog.Any("error", err))
}
