package consumer

import (
	"context"
	"slices"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// commitTopics finds out, before each commit of a generation, whether a topic was deleted and recreated. Kafka deletes
// a group's offsets together with their topic, but a commit for the old topic would be stored for the new one, and hide
// that nothing of it has been read.
//
// Since Kafka 4.2, a commit can name the topic by its id, and the coordinator refuses the id of a deleted topic. On
// older brokers, the group's offsets are read before the commit, as far as no fetch shows a deletion.
type commitTopics struct {
	ids  map[string]groups.TopicID          // as the coordinator last returned them
	logs map[event.Partition]groups.TopicID // the topic that a partition's position belongs to
}

func newCommitTopics() commitTopics {
	return commitTopics{ids: map[string]groups.TopicID{}, logs: map[event.Partition]groups.TopicID{}}
}

// check returns the ids for the commit, or nil if it must name the topics by their names. gone are the commit's
// partitions whose topic was recreated.
func (t *commitTopics) check(ctx context.Context, cluster *broker.Cluster, group string, commit turn.Commit) (
	ids map[string]groups.TopicID, gone []event.Partition, err error,
) {
	for _, o := range commit.Offsets {
		if o.First {
			delete(t.logs, o.Partition) // it may be a new topic, even if this commit must name it by its name
		}
	}
	if err := t.read(ctx, cluster, group, commit); err != nil {
		return nil, nil, err
	}
	for _, o := range commit.Offsets {
		if _, known := t.ids[o.Topic]; !known {
			gone, err = uncommitted(ctx, cluster, group, commit, func(o turn.Offset) bool { return !o.First && !o.Watched })
			return nil, gone, err
		}
	}
	// The ids are read before the offsets. If the topic is recreated in between, either an offset is missing, or the
	// commit is refused.
	gone, err = uncommitted(ctx, cluster, group, commit, func(o turn.Offset) bool {
		_, known := t.logs[o.Partition]
		return !o.First && !known
	})
	for _, o := range commit.Offsets {
		switch log, known := t.logs[o.Partition]; {
		case err != nil, o.First, slices.Contains(gone, o.Partition):
		case !known:
			t.logs[o.Partition] = t.ids[o.Topic]
		case log != t.ids[o.Topic]:
			gone = append(gone, o.Partition)
		}
	}
	return t.ids, gone, err
}

// read reads the ids that are not known, and those of topics that the commit is the first for: their ids may have
// changed.
func (t *commitTopics) read(ctx context.Context, cluster *broker.Cluster, group string, commit turn.Commit) error {
	var topics []string
	for _, o := range commit.Offsets {
		if _, known := t.ids[o.Topic]; (o.First || !known) && !slices.Contains(topics, o.Topic) {
			topics = append(topics, o.Topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	ids, err := cluster.TopicIDs(ctx, group, topics)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		delete(t.ids, topic)
		if id, ok := ids[topic]; ok {
			t.ids[topic] = id
		}
	}
	return nil
}

// uncommitted returns the chosen partitions of a commit for which the group has no offset.
func uncommitted(
	ctx context.Context, cluster *broker.Cluster, group string, commit turn.Commit, choose func(turn.Offset) bool,
) ([]event.Partition, error) {
	var chosen, none []event.Partition
	for _, o := range commit.Offsets {
		if choose(o) {
			chosen = append(chosen, o.Partition)
		}
	}
	if len(chosen) == 0 {
		return nil, nil
	}
	committed, err := cluster.Committed(ctx, group, chosen)
	for p, is := range committed {
		if is.Next < 0 {
			none = append(none, p)
		}
	}
	return none, err
}

// acked records that a commit with ids was acknowledged for a partition.
func (t *commitTopics) acked(p event.Partition) { t.logs[p] = t.ids[p.Topic] }

// forget forgets the ids after a failed commit: a topic may have another id now, and the group an older coordinator.
func (t *commitTopics) forget() { clear(t.ids) }
