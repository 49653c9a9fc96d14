package operator

import (
	"cmp"
	"context"
	"hash/maphash"
	"maps"
	"slices"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/view"
)

// mostMentions limits the history of one letter or order. Only the newest records are read.
const mostMentions = 200

// mention says where a record about a letter or an order is. A mention takes 24 bytes; the whole history of all letters
// would take gigabytes.
type mention struct {
	hash      uint64 // of the letter's id, or of the order
	offset    int64
	partition int32
	entry     bool // a record in the ledger, not in the letters' topic
	counted   bool
}

// Index makes the reader remember where the records about each letter and order are, for HistoryOf and ReadOrder. Call
// it before the first Refresh.
func (r *Reader) Index() { r.indexed = true }

// mention keeps hashes rather than strings, because a topic may have millions of records. Two strings may share a hash,
// so the code that reads the record compares the text itself.
func (r *Reader) mention(id, order string, record event.Record, entry, counted bool) {
	if !r.indexed || id == "" {
		return
	}
	m := mention{r.hash(id), record.Offset, int32(record.Partition), entry, counted}
	r.mentions = append(r.mentions, m)
	if order != "" {
		m.hash = r.hash(orderKey(order))
		r.mentions = append(r.mentions, m)
	}
}

func (r *Reader) hash(text string) uint64 { return maphash.String(r.seed, text) }

// orderKey returns the key of an order. The key differs from every letter id, because ids have no newline.
func orderKey(order string) string { return "\n" + order }

// HistoryOf reads the records of a letter and the entries about it, oldest first. Records of one topic keep the topic's
// order if their writers' clocks agree. The ledger's order decides which entries counted, whatever the clocks say.
func (r *Reader) HistoryOf(ctx context.Context, l view.Letter) ([]life.Step, error) {
	all := []life.Step{}
	id := l.Ledger.ID.String()
	take := func(of, _ string, s life.Step, _ *deadletter.Letter) {
		if of == id {
			all = append(all, s)
		}
	}
	err := r.readMentions(ctx, cmp.Or(l.Group, r.Group), []string{id}, take)
	slices.SortStableFunc(all, func(a, b life.Step) int { return a.At.Compare(b.At) })
	return all, err
}

// readMentions reads the records of a group that mention letters or orders, and passes them to take. Records are found
// by hash, so take may also get a record that mentions none of the keys.
func (r *Reader) readMentions(ctx context.Context, group string, keys []string, take stepTaker) error {
	for _, m := range r.mentionsOf(keys) {
		topic := r.Letters
		if m.entry {
			topic = ledger.Topic(r.Letters)
		}
		record, found, err := r.recordAt(ctx, topic, int(m.partition), m.offset)
		if err != nil {
			return err
		}
		if !found {
			continue // it expired
		}
		if m.entry {
			takeEntryStep(group, record, m.counted, take)
		} else {
			takeLetterStep(group, record, take)
		}
	}
	return nil
}

// stepTaker receives a letter's id, the letter's order, and the step that a record describes. For a ledger entry, l is
// nil.
type stepTaker = func(id, order string, s life.Step, l *deadletter.Letter)

func takeEntryStep(group string, record event.Record, counted bool, take stepTaker) {
	if e, err := ledger.Parse(record.Value); err == nil && e.For(group) {
		take(e.ID, e.Order, life.EntryStep(e, counted), nil)
	}
}

// takeLetterStep skips letters of other groups, which may share the topic, and records that are not letters.
func takeLetterStep(group string, record event.Record, take stepTaker) {
	l, err := deadletter.Parse(record)
	if err != nil || l.Group != "" && l.Group != group {
		return
	}
	step := life.LetterStep(l, record.Place)
	if step.At.IsZero() {
		step.At = record.Time
	}
	take(l.ID(), l.OrderID, step, &l)
}

// mentionsOf returns the last mostMentions mentions of the given keys. Each record appears once, in the order of its
// topic.
func (r *Reader) mentionsOf(keys []string) []mention {
	wanted := map[uint64]bool{}
	for _, key := range keys {
		wanted[r.hash(key)] = true
	}
	var all []mention
	r.mu.RLock()
	for _, m := range r.mentions {
		if wanted[m.hash] {
			m.hash = 0
			all = append(all, m)
		}
	}
	r.mu.RUnlock()
	all = slices.Compact(all) // the mentions of a record are adjacent
	return all[max(0, len(all)-mostMentions):]
}

// recordAt reads one record. The second result is false if retention has removed the record.
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

// Recreated reports whether one of the topics is shorter than what was read from it. If so, the topic has been
// recreated, and a new Reader is needed.
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
