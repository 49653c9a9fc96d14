package operator

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator/life"
)

// mostMentions bounds the history of one letter. Its newest records are read.
const mostMentions = 200

// mention is a record about a letter. It takes 24 bytes; the whole history of all letters would take gigabytes.
type mention struct {
	hash      uint64 // of the id
	offset    int64
	partition int32
	entry     bool // a record of the ledger, not of the letters' topic
	counted   bool
}

// Index makes the reader remember where the records about each letter are, for HistoryOf. Call it before the first
// Refresh.
func (r *Reader) Index() { r.indexed = true }

func (r *Reader) mention(id string, record event.Record, entry, counted bool) {
	if r.indexed && id != "" {
		r.mentions = append(r.mentions, mention{
			hash: maphash.String(r.seed, id), offset: record.Offset, partition: int32(record.Partition), entry: entry,
			counted: counted,
		})
	}
}

// HistoryOf reads the records of a letter and the entries about it, the oldest first.
func (r *Reader) HistoryOf(ctx context.Context, id ledger.ID) ([]life.Step, error) {
	var all []life.Step
	for _, m := range r.mentionsOf(id.String()) {
		topic := r.Letters
		if m.entry {
			topic = ledger.Topic(r.Letters)
		}
		record, found, err := r.recordAt(ctx, topic, int(m.partition), m.offset)
		if err != nil {
			return nil, err
		}
		if !found {
			continue // it expired
		}
		if step, ok := r.step(id, m, record); ok {
			all = append(all, step)
		}
	}
	slices.SortStableFunc(all, func(a, b life.Step) int { return a.At.Compare(b.At) })
	return all, nil
}

func (r *Reader) mentionsOf(id string) []mention {
	hash := maphash.String(r.seed, id)
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []mention
	for _, m := range r.mentions {
		if m.hash == hash {
			all = append(all, m)
		}
	}
	return all[max(0, len(all)-mostMentions):]
}

// step is false for a record about another letter whose id has the same hash, or of another group.
func (r *Reader) step(id ledger.ID, m mention, record event.Record) (life.Step, bool) {
	if m.entry {
		e, err := ledger.Parse(record.Value)
		return life.EntryStep(e, m.counted), err == nil && e.ID == id.String() && e.For(r.Group)
	}
	l, err := deadletter.Parse(record)
	if err != nil || l.ID() != id.String() || l.Group != "" && l.Group != r.Group {
		return life.Step{}, false
	}
	step := life.LetterStep(l, record.Place)
	if step.At.IsZero() {
		step.At = record.Time
	}
	return step, true
}

// recordAt reads one record. It is false if retention has removed it.
func (r *Reader) recordAt(ctx context.Context, topic string, partition int, offset int64) (event.Record, bool, error) {
	for record, err := range scan.Records(ctx, r.Cluster, scan.Range{
		Topic: topic, Partitions: []int{partition}, Uncommitted: true,
		From: scan.Position{Offset: offset}, Until: scan.Position{Offset: offset + 1},
	}) {
		if err != nil {
			return event.Record{}, false, err
		}
		if record.Offset == offset {
			return record, true, nil
		}
	}
	return event.Record{}, false, nil
}

// Recreated reports whether one of the topics is shorter than what was read of it: somebody deleted it, and the reader
// must start again.
func (r *Reader) Recreated(ctx context.Context) (bool, error) {
	r.mu.RLock()
	next := maps.Clone(r.next)
	r.mu.RUnlock()
	for p, offset := range next {
		bounds, err := r.Cluster.Bounds(ctx, p.Topic, []int{p.Number})
		if err != nil {
			return false, err
		}
		if bounds[p.Number].End < offset {
			return true, nil
		}
	}
	return false, nil
}
