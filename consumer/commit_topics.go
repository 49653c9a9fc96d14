package consumer

import (
	"context"
	"maps"
	"slices"
	"sync"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// commitTopics finds out whether a topic was deleted and recreated. Kafka deletes a group's offsets together with their
// topic, but a commit for the old topic would be stored for the new one, and hide that nothing of it has been read.
//
// Since Kafka 4.2, a commit can name the topic by its id, and the coordinator refuses the id of a deleted topic. On
// older brokers, the group's offsets are read before the commit, as far as no fetch shows a deletion.
//
// An offset survives its topic if the coordinator dies before it has deleted the offset. Then only the id shows that
// the topic was recreated.
type commitTopics struct {
	*base

	// Only the committer uses these, and assigned between two committers.
	generation int                       // the last one
	ids        map[string]groups.TopicID // as the coordinator last returned them

	mu   sync.Mutex
	logs map[event.Partition]groups.TopicID // the topic that the group's offset in a partition belongs to
	// offsets are the partitions in which the group has had an offset; false if it was lost with its topic.
	offsets map[event.Partition]bool
}

func newCommitTopics(b *base) *commitTopics {
	return &commitTopics{
		base: b, ids: map[string]groups.TopicID{}, logs: map[event.Partition]groups.TopicID{},
		offsets: map[event.Partition]bool{},
	}
}

// assigned prepares for a generation. It keeps the logs of partitions that no other worker has had since the last one.
// The member id is of no use for this, because a worker that has lost its connection joins under another one.
func (t *commitTopics) assigned(generation int, own []event.Partition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	missed := generation != t.generation && generation != t.generation+1
	maps.DeleteFunc(t.logs, func(p event.Partition, _ groups.TopicID) bool { return missed || !slices.Contains(own, p) })
	t.generation = generation
	t.forget()
}

// check returns the ids for the commit, or nil if it must name the topics by their names. gone are the commit's
// partitions whose topic was recreated.
func (t *commitTopics) check(ctx context.Context, commit turn.Commit) (
	ids map[string]groups.TopicID, gone []event.Partition, err error,
) {
	if err := t.read(ctx, commit); err != nil {
		return nil, nil, err
	}
	byID := true
	for _, o := range commit.Offsets {
		_, known := t.ids[o.Topic]
		byID = byID && known
	}
	// The ids are read before the offsets. If the topic is recreated in between, either an offset is missing, or the
	// commit is refused.
	gone, err = t.uncommitted(ctx, commit, func(o turn.Offset) bool {
		if !byID {
			return !o.First && !o.Watched
		}
		_, bound := t.bound(o.Partition)
		return !o.First && !bound
	})
	if err != nil {
		return nil, nil, err
	}
	if byID {
		ids = maps.Clone(t.ids)
	}
	return ids, append(gone, t.compare(commit, gone, byID)...), nil
}

// compare returns the partitions of a commit whose offset belongs to a topic with another id, except those in gone.
func (t *commitTopics) compare(commit turn.Commit, gone []event.Partition, byID bool) []event.Partition {
	var other []event.Partition
	for _, o := range commit.Offsets {
		id, known := t.ids[o.Topic]
		log, bound := t.bound(o.Partition)
		switch {
		case !known, o.First, slices.Contains(gone, o.Partition):
		case bound && log != id:
			other = append(other, o.Partition)
		case !bound && byID:
			t.bind(o.Partition, id) // uncommitted has found its offset
		}
	}
	for _, p := range other {
		delete(t.ids, p.Topic) // the coordinator may have returned it before it knew the present topic
	}
	return other
}

// read reads the ids that are not known, and those of topics that the commit is the first for: their ids may have
// changed.
func (t *commitTopics) read(ctx context.Context, commit turn.Commit) error {
	var topics []string
	for _, o := range commit.Offsets {
		if _, known := t.ids[o.Topic]; (o.First || !known) && !slices.Contains(topics, o.Topic) {
			topics = append(topics, o.Topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	ids, err := t.options.Cluster.TopicIDs(ctx, t.options.Group, topics)
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
func (t *commitTopics) uncommitted(
	ctx context.Context, commit turn.Commit, choose func(turn.Offset) bool,
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
	committed, err := t.options.Cluster.Committed(ctx, t.options.Group, chosen)
	for p, is := range committed {
		if is.Next < 0 {
			none = append(none, p)
		}
	}
	return none, err
}

// recreated reports whether the topic has another id than the one that the group's offset belongs to. It returns false
// if either is not known.
func (t *commitTopics) recreated(ctx context.Context, p event.Partition) (bool, error) {
	log, bound := t.bound(p)
	if !bound {
		return false, nil
	}
	ids, err := t.options.Cluster.TopicIDs(ctx, t.options.Group, []string{p.Topic})
	id, known := ids[p.Topic]
	return known && id != log, err
}

// forget forgets the ids after a failed commit: a topic may have another id now, and the group an older coordinator.
func (t *commitTopics) forget() { clear(t.ids) }

func (t *commitTopics) bound(p event.Partition) (id groups.TopicID, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok = t.logs[p]
	return id, ok
}

func (t *commitTopics) bind(p event.Partition, id groups.TopicID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logs[p] = id
}

// acked records that a commit was acknowledged for a partition. ids are nil if the commit named the topic by its name.
func (t *commitTopics) acked(p event.Partition, ids map[string]groups.TopicID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offsets[p] = true
	if ids == nil {
		delete(t.logs, p) // it may be another topic
		return
	}
	t.logs[p] = ids[p.Topic]
}

// hasOffset records that the group has an offset in a partition.
func (t *commitTopics) hasOffset(p event.Partition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offsets[p] = true
}

// hadOffset reports whether this worker has seen an offset of the group in a partition. If there is none now, the topic
// was recreated.
func (t *commitTopics) hadOffset(p event.Partition) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.offsets[p]
	return ok
}

// lost records that the group's offset in a partition is of no use any more. It returns false if that is known.
func (t *commitTopics) lost(p event.Partition) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	had := t.offsets[p]
	t.offsets[p] = false
	return had
}
