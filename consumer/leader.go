package consumer

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/inspect"
)

const (
	// Protocol is the name of the assignment protocol with which workers share the partitions. Kafka admits only consumers
	// that know a protocol of the same name, so it rejects another program's client that uses our group id by mistake.
	// Under a common name, such as "range", that client would be given partitions, and no worker would call LeadHit for
	// their events. For the same reason, workers that use an older name and workers that use this one cannot be in the
	// group together.
	Protocol = "leadhit-sync"
	// compareEvery is how often the leader compares what it assigned with the partitions that exist.
	compareEvery = 10 * time.Second
	// unevenFor is how long the members' topics may differ before the log warns, because in a rolling update they differ
	// for a while.
	unevenFor = time.Minute
)

// balancer assigns as kafka-go's range balancer does, under our own protocol name, and records what it assigned.
// kafka-go calls it only on the group's leader.
type balancer struct {
	kafka.RangeGroupBalancer
	mu       sync.Mutex
	assigned *assignment
}

// assignment summarises what this member assigned as the group's leader.
type assignment struct {
	// partitions is how many partitions were assigned, for each topic that a member consumes. 0 means that the topic does
	// not exist, or cannot be described.
	partitions map[string]int
	// uneven is the sorted list of topics that some members consume and others do not.
	uneven []string
}

// ProtocolName returns [Protocol]. kafka-go calls it when the worker joins.
func (b *balancer) ProtocolName() string { return Protocol }

// AssignGroups assigns the partitions of the topics that exist.
func (b *balancer) AssignGroups(
	members []kafka.GroupMember, partitions []kafka.Partition,
) kafka.GroupMemberAssignments {
	assignments := b.RangeGroupBalancer.AssignGroups(members, partitions)
	note := &assignment{partitions: make(map[string]int)}
	consumers := make(map[string]int)
	for _, m := range members {
		for _, topic := range m.Topics {
			consumers[topic]++
			note.partitions[topic] = 0
		}
	}
	for topic, n := range consumers {
		if n < len(members) {
			note.uneven = append(note.uneven, topic)
		}
	}
	slices.Sort(note.uneven)
	for _, topics := range assignments {
		for topic, given := range topics {
			note.partitions[topic] += len(given)
		}
	}
	b.mu.Lock()
	b.assigned = note
	b.mu.Unlock()
	return assignments
}

// take returns what was assigned since the last take, or nil if another member leads.
func (b *balancer) take() *assignment {
	b.mu.Lock()
	defer b.mu.Unlock()
	note := b.assigned
	b.assigned = nil
	return note
}

// leader performs the duties of the group's leader. Two goroutines use it, but never at once: the membership's, and the
// one that runs compare.
type leader struct {
	*base

	absent string // the missing topics that were logged last
	uneven string // the topics that not all members consume, as logged last
}

// leads is called at the start of a generation; led is nil unless this member is the group's leader. On the leader,
// leads records the topics that are missing and those that not all members consume. On any other member it clears both.
func (l *leader) leads(led *assignment) {
	if led == nil {
		// Another member leads now. Only the leader's figures and waits are current, so this member drops its own.
		l.counts.unowned.Store(0)
		l.waits.end(waitUneven)
		l.waits.only(waitMissing, nil)
		l.absent, l.uneven = "", ""
		return
	}
	missing := make(map[string]reason)
	for topic, n := range led.partitions {
		if n == 0 {
			missing[topic] = absent([]string{topic})
		}
	}
	l.noteMissing(missing)
	l.noteUneven(led.uneven)
}

// compare returns when the partitions that exist differ from those that this member assigned as the leader, because
// partitions were added or a topic was created. The group reassigns partitions only when its leader rejoins. compare
// also returns when ctx ends.
func (l *leader) compare(ctx context.Context, led *assignment) {
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	var again retrier
	topics := slices.Sorted(maps.Keys(led.partitions))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		topology, err := l.options.Cluster.Topics(ctx, topics...)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			again.explain(l.log, accessReason(err), err).WarnContext(ctx,
				"cannot compare the assignment with the partitions that exist")
			continue
		}
		again.Over(l.log).InfoContext(ctx, "the assignment can be compared again")
		l.counts.unowned.Store(int64(unowned(topology, led)))
		l.noteMissing(undescribed(topology))
		l.noteUneven(led.uneven)
		if l.changed(ctx, topology, led) {
			return
		}
	}
}

// changed reports whether a topic that exists has partitions other than those assigned. A missing topic keeps its
// assignment. Otherwise a topic that comes and goes would start one generation after another.
func (l *leader) changed(ctx context.Context, topology inspect.Topology, led *assignment) bool {
	for _, topic := range slices.Sorted(maps.Keys(topology.Topics)) {
		info := topology.Topics[topic]
		if info.Err == nil && info.Partitions != led.partitions[topic] {
			l.log.InfoContext(ctx, "the topic's partitions have changed; the group is reassigning them",
				slog.String("topic", topic), slog.Int("assigned", led.partitions[topic]),
				slog.Int("partitions", info.Partitions))
			return true
		}
	}
	return false
}

// unowned counts the existing partitions that were assigned to no member.
func unowned(t inspect.Topology, led *assignment) int {
	n := 0
	for topic, info := range t.Topics {
		n += max(info.Partitions-led.partitions[topic], 0)
	}
	return n
}

// undescribed returns the topics that a broker did not describe, and why.
func undescribed(t inspect.Topology) map[string]reason {
	missing := make(map[string]reason)
	for name, topic := range t.Topics {
		if topic.Err != nil {
			missing[name] = topicsReason(inspect.Topology{Topics: map[string]inspect.TopicInfo{name: topic}}, topic.Err)
		}
	}
	return missing
}

// noteMissing records the topics that do not exist or cannot be described, each with its reason. It logs when the set
// changes.
func (l *leader) noteMissing(missing map[string]reason) {
	names := slices.Sorted(maps.Keys(missing))
	l.waits.only(waitMissing, names)
	for topic, r := range missing {
		l.waits.begin(waitMissing+topic, r.String())
	}
	if all := strings.Join(names, ","); all != l.absent {
		if l.absent = all; all == "" {
			l.log.Info("all topics are available again")
			return
		}
		l.log.Warn("topics do not exist or cannot be described; the group consumes its other topics; "+
			"create the missing topics, grant Describe on the others, or remove them from KAFKA_TOPICS",
			slog.Any("topics", names))
	}
}

// noteUneven records that the members consume different topics, and warns if that lasts.
func (l *leader) noteUneven(topics []string) {
	all := strings.Join(topics, ",")
	if all == "" {
		l.waits.end(waitUneven)
		l.uneven = ""
		return
	}
	// A rolling update changes KAFKA_TOPICS worker by worker, so the log line waits for unevenFor. State shows the
	// difference at once.
	l.waits.begin(waitUneven, "workers of the group have different KAFKA_TOPICS: not all of them consume "+
		strings.Join(topics, ", ")+"; give all workers the same topics")
	if all != l.uneven && time.Since(l.waits.since(waitUneven)) >= unevenFor {
		l.uneven = all
		l.log.Warn("workers of the group have different KAFKA_TOPICS, so some topics are consumed by only some workers; "+
			"give all workers the same topics", slog.Any("topics", topics))
	}
}
