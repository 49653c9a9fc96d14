package consumer

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
)

// Start says where a group begins that never committed. The zero value is the beginning of the log, which is also where
// partitions begin that are added to a topic while it is consumed.
type Start struct {
	Latest bool
	// At is the time of the first event to consume, unless Latest.
	At time.Time
}

// positions reads where the group stands, for as long as it takes. Where it never committed, the start is chosen and told.
// False: ctx has ended.
func (c *Consumer) positions(ctx context.Context, own []broker.TopicPartition) ([]dispatch.Position, bool) {
	if len(own) == 0 {
		return nil, true
	}
	var trouble trouble
	for {
		positions, err := c.readPositions(ctx, own)
		if err == nil {
			trouble.over(c.log, "the group's offsets are read")
			return positions, true
		}
		if ctx.Err() != nil {
			return nil, false
		}
		trouble.tell(c.log, "cannot read the group's offsets; trying again", err)
		if !trouble.wait(ctx) {
			return nil, false
		}
	}
}

func (c *Consumer) readPositions(ctx context.Context, own []broker.TopicPartition) ([]dispatch.Position, error) {
	committed, err := c.options.Cluster.Committed(ctx, c.options.Group, own)
	if err != nil {
		return nil, err
	}
	positions := make([]dispatch.Position, len(own))
	fresh := map[string][]int{}
	for i, at := range own {
		positions[i] = dispatch.Position{
			Partition: dispatch.Partition{Topic: at.Topic, Number: at.Partition},
			Next:      committed[at].Next, Metadata: committed[at].Metadata,
		}
		if committed[at].Next < 0 {
			fresh[at.Topic] = append(fresh[at.Topic], at.Partition)
		}
	}
	for topic, partitions := range fresh {
		starts, err := c.starts(ctx, topic, partitions)
		if err != nil {
			return nil, err
		}
		for i := range positions {
			if p := &positions[i]; p.Topic == topic && slices.Contains(partitions, p.Number) {
				p.Next, p.Metadata, p.Uncommitted = starts[p.Number], "", true
			}
		}
	}
	return positions, nil
}

// starts chooses where to begin in partitions of a topic where the group never committed, and tells what lies ahead.
func (c *Consumer) starts(ctx context.Context, topic string, partitions []int) (map[int]int64, error) {
	bounds, err := c.options.Cluster.Bounds(ctx, topic, partitions)
	if err != nil {
		return nil, err
	}
	starts := make(map[int]int64, len(partitions))
	for _, p := range partitions {
		starts[p] = bounds[p].First
		if c.options.Start.Latest {
			starts[p] = bounds[p].Last
		}
	}
	if at := c.options.Start.At; !at.IsZero() && !c.options.Start.Latest {
		if starts, err = c.options.Cluster.OffsetsAt(ctx, topic, partitions, at); err != nil {
			return nil, err
		}
	}
	for _, p := range partitions {
		if p >= c.sizes[topic] { // added while we consume: all of it is news
			starts[p] = bounds[p].First
		}
	}
	c.tellStart(ctx, topic, bounds, starts)
	return starts, nil
}

// found keeps how many partitions each topic had when this worker first saw it.
func (c *Consumer) found(t broker.Topology) {
	for topic, info := range t.Topics {
		if c.sizes[topic] == 0 {
			c.sizes[topic] = info.Partitions
		}
	}
}

// tellStart says how much lies ahead of the start, and how old it is: a wrong KAFKA_START shows here first.
func (c *Consumer) tellStart(ctx context.Context, topic string, bounds map[int]broker.Bounds, starts map[int]int64) {
	var events int64
	var oldest time.Time
	now := time.Now()
	for p, start := range starts {
		if start >= bounds[p].Last {
			continue
		}
		events += bounds[p].Last - start
		first, err := c.options.Cluster.TimeAt(ctx, topic, p, start)
		if err == nil && broker.Plausible(first, now) && (oldest.IsZero() || first.Before(oldest)) {
			oldest = first
		}
	}
	age := "unknown"
	if events == 0 || !oldest.IsZero() {
		age = max(now.Sub(cmp.Or(oldest, now)), 0).Round(time.Second).String()
	}
	log := c.log.With(slog.String("topic", topic), slog.Int("partitions", len(starts)), slog.Int64("events_ahead", events))
	if held := c.heldAhead(ctx, topic, starts); held > 0 {
		log = log.With(slog.Int64("events_behind_open_transactions", held))
	}
	log.InfoContext(ctx, "the group never committed here; it begins as KAFKA_START says", slog.String("oldest_age", age))
}

// heldAhead is how many events stand behind open transactions: they come on top of those ahead of the start.
func (c *Consumer) heldAhead(ctx context.Context, topic string, starts map[int]int64) int64 {
	held, err := c.options.Cluster.HeldBack(ctx, topic, slices.Sorted(maps.Keys(starts)))
	if err != nil {
		return 0 // it is a word about the start, and the start goes on without it
	}
	var events int64
	for _, h := range held {
		events += h.Events
	}
	return events
}
