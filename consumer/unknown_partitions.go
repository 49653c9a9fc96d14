package consumer

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/event"
)

const (
	// unknownPatience is how long a partition may be unknown to the brokers before that is logged. A new topic is
	// unknown until its metadata has reached all brokers and the connection pool.
	unknownPatience = 5 * time.Second
	// oneEvent is the time within which changes to a topic's partitions count as the same change.
	oneEvent = 30 * time.Second
)

// unknowns are the partitions that the brokers do not know, by topic. There is one log line per topic. The zero value
// is ready to use.
type unknowns struct {
	mu     sync.Mutex
	topics map[string]*unknownTopic
}

type unknownTopic struct {
	since      time.Time // when the first of the partitions became unknown
	partitions []int
	logged     bool
	restarted  time.Time // when a partition was last found to be recreated or truncated
}

func (u *unknowns) topic(name string) *unknownTopic {
	if u.topics == nil {
		u.topics = make(map[string]*unknownTopic)
	}
	if u.topics[name] == nil {
		u.topics[name] = new(unknownTopic)
	}
	return u.topics[name]
}

func (u *unknowns) add(p event.Partition) {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.topic(p.Topic)
	if len(t.partitions) == 0 {
		t.since, t.logged = time.Now(), false
	}
	t.partitions = append(t.partitions, p.Number)
	slices.Sort(t.partitions)
}

// due returns the topic's unknown partitions when it is time to log them.
func (u *unknowns) due(topic string) []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.topic(topic)
	if t.logged || time.Since(t.since) < unknownPatience {
		return nil
	}
	t.logged = true
	return slices.Clone(t.partitions)
}

// remove removes a partition. It reports whether this was the topic's last unknown partition, and whether the topic's
// unknown partitions were logged.
func (u *unknowns) remove(p event.Partition) (last, logged bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.topic(p.Topic)
	t.partitions = slices.DeleteFunc(t.partitions, func(n int) bool { return n == p.Number })
	return len(t.partitions) == 0, t.logged
}

// restarted records that a partition is reread from its start, and reports whether to log that. Further partitions of
// the same topic are not logged if they follow within oneEvent.
func (u *unknowns) restarted(p event.Partition) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.topic(p.Topic)
	was := t.restarted
	t.restarted = time.Now()
	return was.IsZero() || time.Since(was) > oneEvent
}

// verify finds out why the broker did not know a partition: either it was unknown for a moment, or the topic was
// recreated. Kafka deletes a group's offsets together with their topic, so a missing offset proves the deletion. A
// different topic id proves it too.
func (f *fetcher) verify(ctx context.Context, p event.Partition) {
	f.unknown.add(p)
	f.waits.begin(waitUnknown+p.Topic,
		"the brokers do not know all partitions of the topic "+p.Topic+" that this worker consumes")
	defer f.known(ctx, p)
	var again retrier
	log := f.log.With(slog.String("topic", p.Topic))
	// Wait first, so that a broker whose responses alternate does not cause a busy loop.
	for again.Wait(ctx) {
		err := f.judge(ctx, p)
		if err == nil {
			return
		}
		if partitions := f.unknown.due(p.Topic); partitions != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "the brokers do not know these partitions; calls and commits for them wait; "+
				"if the topic is gone for good, remove it from KAFKA_TOPICS",
				slog.Any("partitions", partitions), slog.Any("error", err))
		}
	}
}

// known ends the wait that verify began.
func (f *fetcher) known(ctx context.Context, p event.Partition) {
	last, logged := f.unknown.remove(p)
	if !last {
		return
	}
	f.waits.end(waitUnknown + p.Topic)
	if logged && ctx.Err() == nil {
		f.log.InfoContext(ctx, "the brokers know the topic's partitions again", slog.String("topic", p.Topic))
	}
}

// judge determines whether the log is the same, and informs the dispatcher. An error says why that is not known yet.
func (f *fetcher) judge(ctx context.Context, p event.Partition) error {
	recreated, err := f.topics.recreated(ctx, p)
	if err != nil {
		return err
	}
	bounds, err := f.options.Cluster.Bounds(ctx, p.Topic, []int{p.Number})
	if err != nil {
		return err
	}
	committed, err := f.options.Cluster.Committed(ctx, f.options.Group, []event.Partition{p})
	if err != nil {
		return err
	}
	b := bounds[p.Number]
	switch {
	case committed[p].Next >= 0 && !recreated:
		f.send(func(now time.Time) { f.dispatcher.Trusted(now, p, b.Last) })
		return nil
	case !f.topics.hadOffset(p):
		// Nothing was committed, so a missing offset proves nothing. Whichever log this is, the group starts in it.
		begun, err := f.starts.begin(ctx, p.Topic, []int{p.Number})
		if err != nil {
			return err
		}
		f.send(func(now time.Time) {
			f.dispatcher.Restarted(now, p, begun.starts[p.Number], begun.bounds[p.Number].Last)
		})
		return nil
	}
	if f.topics.lost(p) {
		f.counts.restarted.Add(1)
		if f.unknown.restarted(p) {
			f.log.ErrorContext(ctx, "the topic was deleted and created again; reading its partitions from their start; "+
				"further occurrences in this topic are not logged",
				slog.String("topic", p.Topic), slog.Int("partition", p.Number), slog.Int64("log_start", b.First))
		}
	}
	f.restart(p, b)
	return nil
}

// restart rereads a partition from its start, wherever KAFKA_START says that a group begins: all events of a new log
// came after the group's commits for the old one.
func (f *fetcher) restart(p event.Partition, b inspect.Bounds) {
	f.send(func(now time.Time) { f.dispatcher.Restarted(now, p, b.First, b.Last) })
}
