package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
)

const (
	// fetchWait is how long the broker waits for a first event.
	fetchWait = time.Second
	// eventOverhead is what an unfinished event takes in memory beside its bytes.
	eventOverhead = 1100
	// The waits between tries that failed.
	firstWait, longestWait = 100 * time.Millisecond, 2 * time.Second
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
			trouble.over(log, "fetching again")
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
		if !trouble.wait(ctx) {
			return
		}
	}
}

func (c *Consumer) fetched(ctx context.Context, log *slog.Logger, f dispatch.Fetch, batch broker.Batch) {
	read := time.Now()
	events := make([]dispatch.Event, len(batch.Records))
	for i, r := range batch.Records {
		// Each by itself: an event that stays unfinished for hours must not keep its neighbours in memory.
		e := &Event{Topic: f.Topic, Partition: f.Number, Record: r}
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
	for err != nil {
		trouble.tell(log, "cannot tell yet what an event means; its partition waits", err)
		if !trouble.wait(ctx) {
			return nil, false
		}
		items, err = c.options.Decode(ctx, e)
	}
	trouble.over(log, "events can be read again")
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
		log.ErrorContext(ctx, "events expired unread: retention has passed the worker; going on at the log's start",
			slog.Int64("from_offset", f.Offset), slog.Int64("to_offset", bounds.First-1),
			slog.Int64("at_most", bounds.First-f.Offset))
		c.send(func(now time.Time) { c.dispatcher.Fetched(now, f, nil, bounds.First) })
	case f.Offset > bounds.Last:
		c.counts.restarted.Add(1)
		log.ErrorContext(ctx, "the log ends below the group's offset: it was truncated or made anew; going on at its start",
			slog.Int64("offset", f.Offset), slog.Int64("log_start", bounds.First), slog.Int64("log_end", bounds.Last))
		c.send(func(now time.Time) { c.dispatcher.Restarted(now, f.Partition, bounds.First) })
	default:
		return errMoving
	}
	return nil
}

// verify finds out what became of a partition that the broker did not know: gone for a moment, or made anew. Kafka
// deletes a group's offsets together with their topic, so a missing offset tells.
func (c *Consumer) verify(ctx context.Context, p dispatch.Partition) {
	var trouble trouble
	log := c.log.With(slog.String("topic", p.Topic), slog.Int("partition", p.Number))
	log.WarnContext(ctx, "the broker does not know the partition; its calls and commits wait until it is back")
	at := broker.TopicPartition{Topic: p.Topic, Partition: p.Number}
	// The wait comes first: a broker that answers one request so and the next one otherwise must not keep us spinning.
	for trouble.wait(ctx) {
		bounds, err := c.options.Cluster.Bounds(ctx, p.Topic, []int{p.Number})
		if err == nil {
			var committed map[broker.TopicPartition]broker.Committed
			if committed, err = c.options.Cluster.Committed(ctx, c.options.Group, []broker.TopicPartition{at}); err == nil {
				err = c.verified(ctx, log, p, bounds[p.Number], committed[at].Next)
			}
			if err == nil {
				return
			}
		}
		if ctx.Err() == nil {
			trouble.tell(log, "partition still unknown; trying again", err)
		}
	}
}

func (c *Consumer) verified(ctx context.Context, log *slog.Logger, p dispatch.Partition, b broker.Bounds, committed int64) error {
	if committed >= 0 {
		log.InfoContext(ctx, "the partition is back, and the one it was")
		c.send(func(now time.Time) { c.dispatcher.Trusted(now, p) })
		return nil
	}
	if c.neverCommitted(p) {
		// Nothing to miss yet, so its absence proves nothing; whichever log this is, the group begins in it.
		starts, err := c.starts(ctx, p.Topic, []int{p.Number})
		if err != nil {
			return err
		}
		c.send(func(now time.Time) { c.dispatcher.Restarted(now, p, starts[p.Number]) })
		return nil
	}
	c.counts.restarted.Add(1)
	log.ErrorContext(ctx, "the topic was deleted and made anew; going on at its start", slog.Int64("log_start", b.First))
	c.send(func(now time.Time) { c.dispatcher.Restarted(now, p, b.First) })
	return nil
}

// neverCommitted says that this generation began without an offset of the group, and no commit was acknowledged since.
func (c *Consumer) neverCommitted(p dispatch.Partition) bool {
	never := false
	c.send(func(time.Time) {
		for _, state := range c.dispatcher.State().Partitions {
			never = never || state.Partition == p && state.Committed < 0
		}
	})
	return never
}
