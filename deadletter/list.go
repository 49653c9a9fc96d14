package deadletter

import (
	"container/list"
	"hash/maphash"
	"iter"
	"time"

	"leadhit-sync/consumer/event"
)

// Filter chooses letters; a zero field lets all through.
type Filter struct {
	Cause, Topic, OrderID, ID, Fingerprint string
	// Group lets letters of this consumer group through, and those that name none; "" is every group's. Several groups
	// may share a topic.
	Group string
	Since time.Time // failed then or later
	Limit int       // how many, the newest first; 0: 50
}

const defaultLimit = 50

// Listing is what a reading of the letters' topic found.
type Listing struct {
	// Letters are the newest first, each id once, with what was last written under it; without the events' keys,
	// headers and values, unless the filter asks for an ID.
	Letters []Letter
	Read    int // records
	Matched int // records that the filter let through; a letter that was stored twice counts twice
	Total   int // letters that the filter let through, each id once; exact up to a million
	Broken  int // records that are no letters or cannot be read

	// Causes and Topics count the records of all letters, whatever the filter, and Newest is when the last one failed:
	// they show what there is where nothing matches.
	Causes, Topics map[string]int
	Newest         time.Time
	// Elsewhere counts the records of other groups that the filter would have let through but for its Group.
	Elsewhere map[string]int
}

// Bounds of memory: names that are counted separately, and ids that are remembered.
const (
	mostNames = 100
	mostIDs   = 1 << 20
	otherName = "others"
)

// List reads the records, oldest first, to their end and keeps the newest letters that the filter lets through. It
// holds no more than Limit letters in memory, without their events, so that it may run beside a worker, within its
// memory. An error of the records ends the reading; List returns it with what was found until then.
func List(records iter.Seq2[event.Record, error], f Filter) (Listing, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	r := lister{
		filter: f, ids: newDistinct(), newest: newest{limit: f.Limit, order: list.New(), byKey: make(map[string]*list.Element)},
		found: Listing{Causes: make(map[string]int), Topics: make(map[string]int), Elsewhere: make(map[string]int)},
	}
	for record, err := range records {
		if err != nil {
			return r.listing(), err
		}
		r.read(record)
	}
	return r.listing(), nil
}

// lister gathers a listing, record by record.
type lister struct {
	filter Filter
	found  Listing
	ids    distinct
	newest newest
}

func (r *lister) read(record event.Record) {
	r.found.Read++
	l, err := Parse(record)
	switch {
	case err != nil: // others may write to the topic, and we may not understand a letter of a later release
		r.found.Broken++
	case r.filter.Group != "" && l.Group != "" && l.Group != r.filter.Group:
		if r.filter.match(l) {
			countName(r.found.Elsewhere, l.Group)
		}
	default:
		r.found.note(l)
		if r.filter.match(l) {
			r.keep(l)
		}
	}
}

// keep takes a letter that the filter let through.
func (r *lister) keep(l Letter) {
	r.found.Matched++
	r.found.Total += r.ids.add(keyOf(l))
	if r.filter.ID == "" {
		l = l.withoutEvent()
	}
	r.newest.add(l)
}

// listing returns what was found so far.
func (r *lister) listing() Listing {
	r.found.Letters = r.newest.all()
	return r.found
}

// newest keeps the letters that were added last, each key once. Which letters are the newest is known only at the end,
// so the oldest goes when there is one too many.
type newest struct {
	limit int
	order *list.List // of Letter, the newest in front
	byKey map[string]*list.Element
}

// keyOf identifies a letter: two groups may refuse the same event.
func keyOf(l Letter) string { return l.Group + " " + l.ID() }

func (n *newest) add(l Letter) {
	key := keyOf(l)
	if before, ok := n.byKey[key]; ok {
		n.order.Remove(before)
	}
	n.byKey[key] = n.order.PushFront(l)
	if n.order.Len() > n.limit {
		oldest, _ := n.order.Remove(n.order.Back()).(Letter)
		delete(n.byKey, keyOf(oldest))
	}
}

// all returns the letters, the newest first.
func (n *newest) all() []Letter {
	var all []Letter
	for e := n.order.Front(); e != nil; e = e.Next() {
		l, _ := e.Value.(Letter)
		all = append(all, l)
	}
	return all
}

// note counts a letter, whatever the filter.
func (found *Listing) note(l Letter) {
	countName(found.Causes, l.Cause)
	countName(found.Topics, l.Topic)
	if l.FailedAt.After(found.Newest) {
		found.Newest = l.FailedAt
	}
}

// countName counts a name separately, or among the others if there are too many.
func countName(counts map[string]int, name string) {
	if _, known := counts[name]; !known && len(counts) >= mostNames {
		name = otherName
	}
	counts[name]++
}

// distinct counts texts that were not met before. It keeps hashes alone; beyond mostIDs each text counts as a new one.
type distinct struct {
	seed maphash.Seed
	met  map[uint64]struct{}
}

func newDistinct() distinct {
	return distinct{seed: maphash.MakeSeed(), met: make(map[uint64]struct{})}
}

// add returns 1 for a new text, 0 for one that was met before.
func (d distinct) add(text string) int {
	hash := maphash.String(d.seed, text)
	if _, met := d.met[hash]; met {
		return 0
	}
	if len(d.met) < mostIDs {
		d.met[hash] = struct{}{}
	}
	return 1
}

// withoutEvent drops the event, whose key, headers and value may share one piece of memory.
func (l Letter) withoutEvent() Letter {
	l.digest = l.Digest()
	l.Key, l.Value, l.Headers = nil, nil, nil
	return l
}

func (f Filter) match(l Letter) bool {
	is := func(wanted, got string) bool { return wanted == "" || wanted == got }
	return is(f.Cause, l.Cause) && is(f.Topic, l.Topic) && is(f.OrderID, l.OrderID) && is(f.ID, l.ID()) &&
		(f.Since.IsZero() || !l.FailedAt.Before(f.Since)) && (f.Fingerprint == "" || f.Fingerprint == l.Fingerprint())
}
