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

	"leadhit-sync/consumer/broker"
)

const (
	// Protocol is the name of the assignment protocol by which workers share the partitions. Kafka admits only consumers that
	// know a protocol of the same name, so it refuses a foreign client that uses our group id by mistake. Under a common name,
	// such as "range", that client would be given partitions, and nobody would call LeadHit for their events. For the same
	// reason workers with an older name and workers with this one cannot be in the group together.
	Protocol = "leadhit-sync"
	// compareEvery is how often the leader compares what it assigned with the partitions that exist.
	compareEvery = 10 * time.Second
	// unevenFor is how long the members' topics may differ before the log warns: in a rolling update they do.
	unevenFor = time.Minute
)

// balancer assigns as kafka-go's range balancer does, under a protocol name of ours, and notes what it assigned. kafka-go
// asks it only on the group's leader.
type balancer struct {
	kafka.RangeGroupBalancer
	mu       sync.Mutex
	assigned *assignment
}

// assignment is what the leader assigned.
type assignment struct {
	// partitions counts those of each topic that a member consumes; 0: the topic does not exist, or cannot be described.
	partitions map[string]int
	// uneven are the topics that some members consume and others do not, sorted.
	uneven []string
}

// ProtocolName is asked when the worker joins.
func (b *balancer) ProtocolName() string { return Protocol }

// AssignGroups assigns the partitions of the topics that exist.
func (b *balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
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

// take returns what was assigned since the last time; nil if another member leads.
func (b *balancer) take() *assignment {
	b.mu.Lock()
	defer b.mu.Unlock()
	note := b.assigned
	b.assigned = nil
	return note
}

// leads notes at the start of a generation what the leader knows. The other members know none of it.
func (c *Consumer) leads(led *assignment) {
	if led == nil {
		c.counts.unowned.Store(0)
		c.waits.end(waitUneven)
		c.waits.only(waitMissing, nil)
		c.absent, c.uneven = "", ""
		return
	}
	missing := make(map[string]reason)
	for topic, n := range led.partitions {
		if n == 0 {
			missing[topic] = absent([]string{topic})
		}
	}
	c.noteMissing(missing)
	c.noteUneven(led.uneven)
}

// compare returns when the partitions that exist are no longer those that this member, as the leader, has assigned:
// partitions were added, or a topic was created. The group assigns again only when the leader returns. compare also returns at the
// end of ctx too.
func (c *Consumer) compare(ctx context.Context, led *assignment) {
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	var trouble trouble
	topics := slices.Sorted(maps.Keys(led.partitions))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		topology, err := c.options.Cluster.Topics(ctx, topics...)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			trouble.explain(c.log, "cannot compare the assignment with the partitions that exist", accessReason(err), err)
			continue
		}
		trouble.Over(c.log, "can compare the assignment again")
		c.counts.unowned.Store(int64(unowned(topology, led)))
		c.noteMissing(undescribed(topology))
		c.noteUneven(led.uneven)
		if c.changed(ctx, topology, led) {
			return
		}
	}
}

// changed says whether a topic that exists has other partitions than were assigned. One that does not exist keeps its
// assignment: if it comes and goes, a new one each time would make a storm of generations.
func (c *Consumer) changed(ctx context.Context, topology broker.Topology, led *assignment) bool {
	for _, topic := range slices.Sorted(maps.Keys(topology.Topics)) {
		info := topology.Topics[topic]
		if info.Err == nil && info.Partitions != led.partitions[topic] {
			c.log.InfoContext(ctx, "the topic's partitions have changed; the group assigns them again", slog.String("topic", topic),
				slog.Int("assigned", led.partitions[topic]), slog.Int("partitions", info.Partitions))
			return true
		}
	}
	return false
}

// unowned counts the partitions that exist and that nobody was assigned.
func unowned(t broker.Topology, led *assignment) int {
	n := 0
	for topic, info := range t.Topics {
		n += max(info.Partitions-led.partitions[topic], 0)
	}
	return n
}

// undescribed returns the topics that a broker did not describe, and why.
func undescribed(t broker.Topology) map[string]reason {
	missing := make(map[string]reason)
	for name, topic := range t.Topics {
		if topic.Err != nil {
			missing[name] = topicsReason(broker.Topology{Topics: map[string]broker.TopicInfo{name: topic}}, topic.Err)
		}
	}
	return missing
}

// noteMissing notes the topics that nobody consumes because they do not exist, and logs each change.
func (c *Consumer) noteMissing(missing map[string]reason) {
	names := slices.Sorted(maps.Keys(missing))
	c.waits.only(waitMissing, names)
	for topic, r := range missing {
		c.waits.begin(waitMissing+topic, r.String())
	}
	if all := strings.Join(names, ","); all != c.absent {
		if c.absent = all; all == "" {
			c.log.Info("all topics exist again")
			return
		}
		c.log.Warn("topics do not exist or cannot be described, so nobody consumes them; the group consumes the others; "+
			"create them, or remove them from KAFKA_TOPICS", slog.Any("topics", names))
	}
}

// noteUneven notes that the members consume different topics, and warns when that lasts.
func (c *Consumer) noteUneven(topics []string) {
	all := strings.Join(topics, ",")
	if all == "" {
		c.waits.end(waitUneven)
		c.uneven = ""
		return
	}
	c.waits.begin(waitUneven, "workers of the group have different KAFKA_TOPICS: not all of them consume "+
		strings.Join(topics, ", ")+"; give all workers the same")
	if all != c.uneven && time.Since(c.waits.since(waitUneven)) >= unevenFor {
		c.uneven = all
		c.log.Warn("workers of the group have different KAFKA_TOPICS, so not all of them consume each topic; give all workers the same",
			slog.Any("topics", topics))
	}
}
