package consumer

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
)

const (
	// fetchWait is how long the broker waits for a first event.
	fetchWait = time.Second
	// eventOverhead is what an unfinished event takes in memory beside its bytes.
	eventOverhead = 1100
)

// errMoving says that two brokers, or one in two moments, disagree about where a log lies.
var errMoving = errors.New("the offset is out of range by one answer, in range by the next")

// fetch reads a partition once, however long that takes, and hands the events to the dispatcher. It ends without a word when
// the generation's fetching ends: never advance on a dead context.
func (c *Consumer) fetch(ctx context.Context, f dispatch.Fetch) {
	var trouble trouble
	var bad attempts
	defer c.readable(&bad)
	log := c.log.With(slog.String("topic", f.Topic), slog.Int("partition", f.Number))
	for {
		batch, err := c.options.Cluster.Fetch(ctx, broker.FetchRequest{
			Topic: f.Topic, Partition: f.Number, Offset: f.Offset, MaxBytes: f.Bytes, MaxDecoded: f.Bytes, MaxWait: fetchWait,
		})
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			trouble.Over(log, "fetching again")
			c.readable(&bad)
			c.fetched(ctx, log, f, batch)
			return
		case errors.Is(err, broker.ErrUnknownPartition):
			c.send(func(now time.Time) {
				c.dispatcher.Stopped(f.Partition)
				c.dispatcher.Fetched(now, f, nil, f.Offset)
			})
			return
		case errors.Is(err, broker.ErrOffsetOutOfRange):
			if err = c.regain(ctx, log, f); err == nil {
				return
			}
		}
		if !c.unreadable(ctx, log, f, &bad, err) {
			trouble.tell(log, "cannot fetch; trying again", err)
		}
		if !trouble.Wait(ctx) {
			return
		}
	}
}

func (c *Consumer) fetched(ctx context.Context, log *slog.Logger, f dispatch.Fetch, batch broker.Batch) {
	read := time.Now()
	events := make([]dispatch.Event, len(batch.Records))
	for i, r := range batch.Records {
		// Each by itself: an event that stays unfinished for hours must not keep its neighbours in memory.
		e := &Event{Record: r}
		size := len(r.Key) + len(r.Value) + eventOverhead
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value)
		}
		items, ok := c.decode(ctx, log, e)
		if !ok {
			return
		}
		events[i] = dispatch.Event{
			Offset: r.Offset, Time: r.Time, Since: broker.Since(r.Time, read), Bytes: size, Items: items, Record: e,
		}
	}
	c.counts.fetched.Add(uint64(len(events)))
	var ended *hold
	ask := false
	c.send(func(now time.Time) {
		c.ends[f.Partition] = batch.HighWatermark
		ended, ask = c.holds.fetched(now, f.Partition, batch)
		c.dispatcher.Fetched(now, f, events, batch.Next)
	})
	if ended != nil || ask {
		c.tellHold(ctx, log, f.Partition, batch.LastStable, ended)
	}
}

// decode asks what an event wants, for as long as that cannot be told. False: ctx has ended.
func (c *Consumer) decode(ctx context.Context, log *slog.Logger, e *Event) ([]dispatch.Item, bool) {
	items, err := c.options.Decode(ctx, e)
	if err == nil {
		return items, true
	}
	var trouble trouble
	key := waitDecode + e.Topic + "/" + strconv.Itoa(e.Partition)
	defer c.waits.end(key)
	for err != nil {
		c.waits.begin(key, "events of the topic "+e.Topic+" cannot be decoded yet: "+withoutPorts(err.Error()))
		trouble.tell(log, "cannot decode an event yet; its partition waits; trying again", err)
		if !trouble.Wait(ctx) {
			return nil, false
		}
		items, err = c.options.Decode(ctx, e)
	}
	trouble.Over(log, "events can be decoded again")
	return items, true
}

// regain finds out where the log has gone when the offset lies outside of it.
func (c *Consumer) regain(ctx context.Context, log *slog.Logger, f dispatch.Fetch) error {
	all, err := c.options.Cluster.Bounds(ctx, f.Topic, []int{f.Number})
	if err != nil {
		return err
	}
	bounds := all[f.Number]
	switch {
	case f.Offset < bounds.First:
		c.counts.expired.Add(uint64(bounds.First - f.Offset)) //nolint:gosec // positive in this case
		log.ErrorContext(ctx, "events expired unread: retention overtook the worker; continuing at the log's start",
			slog.Int64("from_offset", f.Offset), slog.Int64("to_offset", bounds.First-1),
			slog.Int64("at_most", bounds.First-f.Offset))
		c.send(func(now time.Time) { c.dispatcher.Fetched(now, f, nil, bounds.First) })
	case f.Offset > bounds.Last:
		c.counts.restarted.Add(1)
		if c.unknown.restarted(f.Partition) {
			log.ErrorContext(ctx, "the log ends below the group's offset: it was truncated, or the topic was deleted and created again; "+
				"reading the topic's partitions from their start; further ones of this topic are not logged",
				slog.Int64("offset", f.Offset), slog.Int64("log_start", bounds.First), slog.Int64("log_end", bounds.Last))
		}
		c.send(func(now time.Time) { c.dispatcher.Restarted(now, f.Partition, bounds.First) })
	default:
		return errMoving
	}
	return nil
}
