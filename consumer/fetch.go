package consumer

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const (
	// fetchWait is how long the broker waits for the first event. A drain does not wait that long, because it cancels the
	// fetch.
	fetchWait = time.Second
	// eventOverhead is how many bytes of memory an unfinished event takes beyond its content.
	eventOverhead = 1100
)

// fetcher reads the assigned partitions, and finds out what happened to those that cannot be read.
type fetcher struct {
	*base

	starts  *starts
	topics  *commitTopics
	unknown unknowns

	// Use these fields only within a turn.
	ends     map[event.Partition]int64 // log ends, as of the last fetch
	standing map[event.Partition]Unreadable
	holds    holds
}

// assigned prepares for the partitions of a generation. Call it only in a turn.
func (f *fetcher) assigned(positions []turn.Position) {
	clear(f.ends)
	f.holds.keep(positions)
}

// errMoving says that two responses disagree about the ends of a log.
var errMoving = errors.New("one response says that the offset is out of range, and the next says that it is not")

// run starts fetches, and verifies suspect partitions, until ctx ends. Then it waits for its goroutines.
func (f *fetcher) run(ctx context.Context, g *generation) {
	var hands sync.WaitGroup
	defer hands.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case ask := <-g.fetches:
			hands.Go(func() { f.fetch(ctx, ask) })
		case p := <-g.suspects:
			hands.Go(func() { f.verify(ctx, p) })
		}
	}
}

// fetch reads a partition once, however long that takes, and passes the events to the dispatcher. After ctx has ended
// it passes nothing, so that no position advances.
func (f *fetcher) fetch(ctx context.Context, ask turn.Fetch) {
	var again retrier
	var bad attempts
	defer f.readable(&bad)
	log := f.log.With(slog.String("topic", ask.Topic), slog.Int("partition", ask.Number))
	for {
		batch, err := f.options.Cluster.Fetch(ctx, broker.FetchRequest{
			Topic: ask.Topic, Partition: ask.Number, Offset: ask.Offset,
			MaxDecoded: ask.Bytes, Overhead: eventOverhead, MaxWait: fetchWait,
		})
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			again.Over(log).InfoContext(ctx, "can fetch again")
			f.readable(&bad)
			f.fetched(ctx, log, ask, batch)
			return
		case errors.Is(err, kafkaerr.ErrUnknownPartition):
			f.send(func(now time.Time) {
				f.dispatcher.Stopped(ask.Partition)
				f.dispatcher.Fetched(now, ask, nil, ask.Offset)
			})
			return
		case errors.Is(err, kafkaerr.ErrOffsetOutOfRange):
			if err = f.regain(ctx, log, ask); err == nil {
				return
			}
		}
		if !f.unreadable(ctx, log, ask, &bad, err) {
			again.fail(log, err).WarnContext(ctx, "cannot fetch; trying again")
		}
		if !again.Wait(ctx) {
			return
		}
	}
}

func (f *fetcher) fetched(ctx context.Context, log *slog.Logger, ask turn.Fetch, batch broker.Batch) {
	events, ok := f.events(ctx, log, batch)
	if !ok {
		return
	}
	f.counts.fetched.Add(uint64(len(events)))
	var ended *hold
	look := false
	f.send(func(now time.Time) {
		f.ends[ask.Partition] = batch.HighWatermark
		ended, look = f.holds.fetched(now, ask.Partition, batch)
		f.dispatcher.Fetched(now, ask, events, batch.Next)
	})
	if ended != nil || look {
		f.logHold(ctx, log, ask.Partition, batch.LastStable, ended)
	}
}

// events decodes the records in a batch. It returns false if ctx has ended.
func (f *fetcher) events(ctx context.Context, log *slog.Logger, batch broker.Batch) ([]turn.Event, bool) {
	if len(batch.Records) == 0 {
		return nil, true
	}
	read := time.Now()
	release := f.options.Cluster.DecodeSlot(ctx)
	defer func() { release() }()
	events := make([]turn.Event, len(batch.Records))
	for i, r := range batch.Records {
		// Allocate each event separately, because one that stays unfinished for hours must not keep its neighbours in memory.
		e := &Event{Record: r}
		size := len(r.Key) + len(r.Value) + eventOverhead
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value)
		}
		items, err := f.options.Decode(ctx, e)
		if err != nil {
			release() // the wait may last hours
			items = f.decodeLater(ctx, log, e, err)
			release = f.options.Cluster.DecodeSlot(ctx)
		}
		if ctx.Err() != nil {
			return nil, false
		}
		events[i] = turn.Event{
			Offset: r.Offset, Time: r.Time, Since: event.Since(r.Time, read), Bytes: size, Items: items, Record: e,
			Key: r.Key,
		}
	}
	return events, true
}

// decodeLater calls Decode again until it returns the event's items or ctx has ended. err is the first failure.
func (f *fetcher) decodeLater(ctx context.Context, log *slog.Logger, e *Event, err error) (items []event.Item) {
	var again retrier
	key := waitDecode + e.Topic + "/" + strconv.Itoa(e.Partition)
	defer f.waits.end(key)
	for err != nil {
		f.waits.begin(key, "events of the topic "+e.Topic+" cannot be decoded yet: "+withoutPorts(err.Error()))
		again.fail(log, err).WarnContext(ctx, "cannot decode an event yet; its partition waits; trying again")
		if !again.Wait(ctx) {
			return nil
		}
		items, err = f.options.Decode(ctx, e)
	}
	again.Over(log).InfoContext(ctx, "events can be decoded again")
	return items
}

// regain finds a new position when the offset is outside the log.
func (f *fetcher) regain(ctx context.Context, log *slog.Logger, ask turn.Fetch) error {
	all, err := f.options.Cluster.Bounds(ctx, ask.Topic, []int{ask.Number})
	if err != nil {
		return err
	}
	bounds := all[ask.Number]
	switch {
	case ask.Offset < bounds.First:
		f.counts.expired.Add(uint64(bounds.First - ask.Offset))
		log.ErrorContext(ctx, "events expired unread; continuing at the start of the partition",
			slog.Int64("from_offset", ask.Offset), slog.Int64("to_offset", bounds.First-1),
			slog.Int64("at_most", bounds.First-ask.Offset))
		f.send(func(now time.Time) { f.dispatcher.Fetched(now, ask, nil, bounds.First) })
	case ask.Offset > bounds.Last:
		f.counts.restarted.Add(1)
		if f.unknown.restarted(ask.Partition) {
			log.ErrorContext(ctx, "the partition ends before the group's offset: it was truncated, "+
				"or the topic was deleted and created again; reading the topic's partitions from their start; "+
				"further occurrences in this topic are not logged", slog.Int64("offset", ask.Offset),
				slog.Int64("log_start", bounds.First), slog.Int64("log_end", bounds.Last))
		}
		f.restart(ask.Partition, bounds)
	default:
		return errMoving
	}
	return nil
}
