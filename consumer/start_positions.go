package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// Start says where a group without commits starts reading. The zero value is the start of the log. Partitions added to
// a consumed topic are always read from their start.
type Start struct {
	// Latest skips all events that exist when the group first commits.
	Latest bool
	// At is the time of the first event to consume, unless Latest is set.
	At time.Time
}

// startPatience is how long a topic may be unknown to the brokers before a generation starts without it. A new topic is
// unknown until the connection pool has renewed its metadata.
const startPatience = 3 * time.Second

// starts is the part of a Consumer that finds the position of each partition at the start of a generation.
type starts struct {
	*base

	topics *commitTopics
	sizes  map[string]int    // how many partitions each topic had when this worker first saw it
	begun  map[string]string // the starts that were logged last, by topic
	spread bool              // as last determined; logged when it becomes true
}

// positions reads the group's offsets, however long that takes. For a partition without a commit it chooses and logs
// the start. It returns missing partitions, such as those of a deleted topic, in gone, so that they do not hold up the
// others. It returns false if ctx has ended.
func (s *starts) positions(
	ctx context.Context, own []event.Partition,
) (_ []turn.Position, gone []event.Partition, ok bool) {
	if len(own) == 0 {
		return nil, nil, true
	}
	var again retrier
	defer s.waits.end(waitOffsets)
	for began := time.Now(); ; {
		at, err := s.readPositions(ctx, own)
		if err == nil || at.gone != nil && time.Since(began) > startPatience {
			again.Over(s.log).InfoContext(ctx, "the group's offsets can be read")
			s.logStarts(ctx, at.begun)
			return at.positions, at.gone, true
		}
		if ctx.Err() != nil {
			return nil, nil, false
		}
		r := offsetsReason(err)
		s.waits.begin(waitOffsets, r.String())
		again.explain(s.log, r, err).WarnContext(ctx, "cannot read the group's offsets; trying again")
		if !again.Wait(ctx) {
			return nil, nil, false
		}
	}
}

// standing is the group's position in each partition.
type standing struct {
	positions []turn.Position
	begun     []beginning       // partitions where the group never committed
	gone      []event.Partition // partitions that do not exist, and have no position
}

// readPositions returns both a standing and an error if partitions are missing.
func (s *starts) readPositions(ctx context.Context, own []event.Partition) (standing, error) {
	committed, err := s.options.Cluster.Committed(ctx, s.options.Group, own)
	if err != nil {
		return standing{}, err
	}
	positions := make([]turn.Position, len(own))
	fresh := map[string][]int{}
	for i, p := range own {
		positions[i] = turn.Position{
			Partition: p, Next: committed[p].Next, Metadata: committed[p].Metadata,
		}
		if committed[p].Next < 0 {
			fresh[p.Topic] = append(fresh[p.Topic], p.Number)
		} else {
			s.topics.hasOffset(p)
		}
	}
	var at standing
	var missing error
	for topic, partitions := range fresh {
		b, err := s.begin(ctx, topic, partitions)
		if errors.Is(err, kafkaerr.ErrUnknownPartition) {
			missing = err
			b, err = s.beginKnown(ctx, topic, partitions)
		}
		if err != nil {
			return standing{}, err
		}
		at.begun = append(at.begun, b)
		b.apply(positions)
	}
	for _, p := range positions {
		if p.Next < 0 {
			at.gone = append(at.gone, p.Partition)
		}
	}
	at.positions = slices.DeleteFunc(positions, func(p turn.Position) bool { return p.Next < 0 })
	s.describeTopics(ctx, at.positions)
	if err := s.findEnds(ctx, at.positions); err != nil {
		return standing{}, err
	}
	return at, missing
}

// describeTopics adds to the positions what decides whether repeats are skipped: the topics' partition counts, and
// whether an order's events in two topics may have two owners. A key has the same partition number in topics with equal
// partition counts, and the range balancer gives a member the same partition numbers of each topic. If there are
// several topics and they cannot be described, two owners are assumed.
func (s *starts) describeTopics(ctx context.Context, positions []turn.Position) {
	if !s.options.Dispatch.SkipRepeats {
		return
	}
	topology, err := s.options.Cluster.Topics(ctx, s.options.Topics...)
	spread := len(s.options.Topics) > 1 && (err != nil || !topology.EqualPartitions())
	switch {
	case !spread || s.spread || ctx.Err() != nil:
	case err != nil:
		s.log.InfoContext(ctx, "cannot find out whether the topics have equal numbers of partitions, so events that repeat "+
			"a status are not skipped", slog.Any("error", err))
	default:
		s.log.InfoContext(ctx, "two workers may read an order's events in two topics, so events that repeat a status are "+
			"not skipped; give the topics equal numbers of partitions")
	}
	s.spread = spread
	for i := range positions {
		p := &positions[i]
		p.Spread, p.Partitions = spread, topology.Topics[p.Topic].Partitions
	}
}

// findEnds finds out where the logs end now. Replays wait until the partitions have been fetched up to there.
func (s *starts) findEnds(ctx context.Context, positions []turn.Position) error {
	if !s.options.Dispatch.Replays {
		return nil
	}
	numbers := map[string][]int{}
	for _, p := range positions {
		numbers[p.Topic] = append(numbers[p.Topic], p.Number)
	}
	all := map[event.Partition]int64{}
	for topic, partitions := range numbers {
		bounds, err := s.options.Cluster.Bounds(ctx, topic, partitions)
		if errors.Is(err, kafkaerr.ErrUnknownPartition) {
			bounds, err = s.knownBounds(ctx, topic, partitions)
		}
		if err != nil {
			return err
		}
		for n, b := range bounds {
			all[event.Partition{Topic: topic, Number: n}] = b.Last
		}
	}
	for i := range positions {
		end, known := all[positions[i].Partition]
		if positions[i].End = end; !known {
			positions[i].End = turn.UnknownEnd
		}
	}
	return nil
}

// knownBounds returns the bounds of the partitions that exist.
func (s *starts) knownBounds(ctx context.Context, topic string, partitions []int) (map[int]inspect.Bounds, error) {
	all := map[int]inspect.Bounds{}
	for _, p := range partitions {
		one, err := s.options.Cluster.Bounds(ctx, topic, []int{p})
		if err != nil && !errors.Is(err, kafkaerr.ErrUnknownPartition) {
			return nil, err
		}
		maps.Copy(all, one)
	}
	return all, nil
}

// beginKnown calls begin with the partitions that exist.
func (s *starts) beginKnown(ctx context.Context, topic string, partitions []int) (beginning, error) {
	all := beginning{topic, map[int]inspect.Bounds{}, map[int]int64{}, nil}
	for _, p := range partitions {
		b, err := s.begin(ctx, topic, []int{p})
		if errors.Is(err, kafkaerr.ErrUnknownPartition) {
			continue
		}
		if err != nil {
			return beginning{}, err
		}
		maps.Copy(all.bounds, b.bounds)
		maps.Copy(all.starts, b.starts)
		all.recreated = append(all.recreated, b.recreated...)
	}
	return all, nil
}

// await returns when one of the partitions exists, or at the end of ctx.
func (s *starts) await(ctx context.Context, partitions []event.Partition) {
	var names []string
	for _, p := range partitions {
		names = append(names, fmt.Sprintf("%s/%d", p.Topic, p.Number))
		s.waits.begin(waitUnknown+p.Topic,
			"the brokers do not know all partitions of the topic "+p.Topic+" that this worker consumes")
		defer s.waits.end(waitUnknown + p.Topic)
	}
	s.log.WarnContext(ctx, "assigned partitions do not exist; consuming the others; "+
		"create the missing topics, or remove them from KAFKA_TOPICS", slog.Any("partitions", names))
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, p := range partitions {
			if _, err := s.options.Cluster.Bounds(ctx, p.Topic, []int{p.Number}); err == nil {
				s.log.InfoContext(ctx, "an assigned partition exists again; joining the group again",
					slog.String("topic", p.Topic), slog.Int("partition", p.Number))
				return
			}
		}
	}
}

// beginning is where the group starts reading those partitions of a topic that have no commit.
type beginning struct {
	topic     string
	bounds    map[int]inspect.Bounds
	starts    map[int]int64
	recreated []int // partitions where the group had an offset before
}

// apply writes the starts into the positions.
func (b beginning) apply(to []turn.Position) {
	for i := range to {
		p := &to[i]
		if start, begins := b.starts[p.Number]; begins && p.Topic == b.topic {
			p.Next, p.Metadata, p.Uncommitted = start, "", true
		}
	}
}

// begin chooses where to start reading the given partitions of a topic, which have no commit.
func (s *starts) begin(ctx context.Context, topic string, partitions []int) (beginning, error) {
	bounds, err := s.options.Cluster.Bounds(ctx, topic, partitions)
	if err != nil {
		return beginning{}, err
	}
	starts := make(map[int]int64, len(partitions))
	for _, p := range partitions {
		starts[p] = bounds[p].First
		if s.options.Start.Latest {
			starts[p] = bounds[p].Last
		}
	}
	if at := s.options.Start.At; !at.IsZero() && !s.options.Start.Latest {
		if starts, err = s.options.Cluster.OffsetsAt(ctx, topic, partitions, at); err != nil {
			return beginning{}, err
		}
	}
	for _, p := range partitions {
		if p >= s.sizes[topic] { // added while we consume: all its events are new
			starts[p] = bounds[p].First
		}
	}
	var recreated []int
	for _, p := range partitions {
		if s.topics.hadOffset(event.Partition{Topic: topic, Number: p}) {
			starts[p] = bounds[p].First
			recreated = append(recreated, p)
		}
	}
	return beginning{topic, bounds, starts, recreated}, nil
}

// found records how many partitions each topic had when this worker first saw it.
func (s *starts) found(t inspect.Topology) {
	for topic, info := range t.Topics {
		if s.sizes[topic] == 0 {
			s.sizes[topic] = info.Partitions
		}
	}
}

// logStarts logs each beginning once, even if a generation ends before its first commit and the next one begins at the
// same offsets.
func (s *starts) logStarts(ctx context.Context, begun []beginning) {
	for _, b := range begun {
		s.logRecreated(ctx, b)
		if starts := fmt.Sprint(b.starts); len(b.starts) > 0 && s.begun[b.topic] != starts {
			s.begun[b.topic] = starts
			s.logStart(ctx, b)
		}
	}
}

// logRecreated logs the recreated partitions, and removes them from b.starts.
func (s *starts) logRecreated(ctx context.Context, b beginning) {
	var lost []int
	for _, p := range b.recreated {
		delete(b.starts, p)
		if s.topics.lost(event.Partition{Topic: b.topic, Number: p}) {
			lost = append(lost, p)
		}
	}
	s.counts.restarted.Add(uint64(len(lost)))
	if lost != nil {
		s.log.ErrorContext(ctx, "the topic was deleted and created again; reading its partitions from their start",
			slog.String("topic", b.topic), slog.Any("partitions", lost))
	}
}

// logStart logs how many events follow the start, and the age of the oldest, because a wrong KAFKA_START first shows up
// in this line.
func (s *starts) logStart(ctx context.Context, b beginning) {
	topic, bounds, starts := b.topic, b.bounds, b.starts
	var events int64
	var oldest time.Time
	now := time.Now()
	for p, start := range starts {
		if start >= bounds[p].Last {
			continue
		}
		events += bounds[p].Last - start
		// Only the log line needs the time, so an error leaves the age unknown.
		first, err := s.options.Cluster.TimeAt(ctx, topic, p, start)
		if err == nil && event.Plausible(first, now) && (oldest.IsZero() || first.Before(oldest)) {
			oldest = first
		}
	}
	age := "unknown"
	if events == 0 || !oldest.IsZero() {
		age = max(now.Sub(cmp.Or(oldest, now)), 0).Round(time.Second).String()
	}
	log := s.log.With(slog.String("topic", topic), slog.Int("partitions", len(starts)),
		slog.Int64("events_ahead", events))
	if held := s.heldAhead(ctx, topic, starts); held > 0 {
		log = log.With(slog.Int64("events_behind_open_transactions", held))
	}
	log.InfoContext(ctx, "the group has no commits for these partitions of the topic; starting at KAFKA_START",
		slog.String("oldest_age", age))
}

// heldAhead counts the events that open transactions hold back. logStart does not count these as events ahead.
func (s *starts) heldAhead(ctx context.Context, topic string, starts map[int]int64) int64 {
	held, err := s.options.Cluster.HeldBack(ctx, topic, slices.Sorted(maps.Keys(starts)))
	if err != nil {
		return 0 // only the log line needs the number
	}
	var events int64
	for _, h := range held {
		events += h.Events
	}
	return events
}
