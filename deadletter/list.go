package deadletter

import (
	"container/list"
	"hash/maphash"
	"iter"
	"time"

	"leadhit-sync/consumer/event"
)

// Filter selects letters. A zero field matches every letter.
type Filter struct {
	Cause, Topic, OrderID, ID, Fingerprint string
	// Group selects letters of this consumer group and letters without a group. Several groups may share a topic.
	Group string
	Since time.Time // failed at this time or later
	Limit int       // at most this many, the newest first; 0 means 50
}

const defaultLimit = 50

// Listing is the result of reading the letters' topic.
type Listing struct {
	// Letters are the newest first. Of letters with one id only the last is listed. They have no key, headers and value,
	// unless the filter has an ID.
	Letters []Letter
	Read    int // records
	Matched int // records that match; a letter that was stored twice counts twice
	Total   int // letters that match, each id once; exact up to a million
	Broken  int // records that are not letters or cannot be read

	// Causes and Topics count the records of all letters, and Newest is when the last one failed, whatever the filter.
	// They help a user whose filter matches nothing.
	Causes, Topics map[string]int
	Newest         time.Time
	// Elsewhere counts the records of other groups that match everything except the filter's Group.
	Elsewhere map[string]int
}

// Bounds of memory: names that are counted separately, and ids that are remembered.
const (
	mostNames = 100
	mostIDs   = 1 << 20
	otherName = "others"
)

// List reads all records, oldest first, and keeps the newest letters that match. It holds at most Limit letters in
// memory, without their events, because it may run in a worker's pod and share its memory limit. If records yields an
// error, List returns it with the listing so far.
func List(records iter.Seq2[event.Record, error], f Filter) (Listing, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	r := lister{
		filter: f,
		ids:    newDistinct(),
		newest: newest{limit: f.Limit, order: list.New(), byKey: make(map[string]*list.Element)},
		found:  Listing{Causes: make(map[string]int), Topics: make(map[string]int), Elsewhere: make(map[string]int)},
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
	case err != nil: // another program's record, or a letter of a later release
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

// keep records a letter that matches.
func (r *lister) keep(l Letter) {
	r.found.Matched++
	r.found.Total += r.ids.add(keyOf(l))
	if r.filter.ID == "" {
		l = l.WithoutEvent(l.Digest())
	}
	r.newest.add(l)
}

// listing returns the listing so far.
func (r *lister) listing() Listing {
	r.found.Letters = r.newest.all()
	return r.found
}

// newest keeps the letters that were added last, each key once. The end of the topic is not known in advance, so the
// oldest letter is dropped whenever there is one too many.
type newest struct {
	limit int
	order *list.List // of Letter, the newest in front
	byKey map[string]*list.Element
}

// keyOf identifies a letter. The id alone does not, because two groups may refuse the same event.
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

// note counts a letter whatever the filter.
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

// distinct counts distinct texts. It keeps only hashes, 8 bytes each. Beyond mostIDs, each unknown text counts as new.
type distinct struct {
	seed maphash.Seed
	met  map[uint64]struct{}
}

func newDistinct() distinct {
	return distinct{seed: maphash.MakeSeed(), met: make(map[uint64]struct{})}
}

// add returns 1 for a new text, and 0 for a known one.
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

func (f Filter) match(l Letter) bool {
	is := func(wanted, got string) bool { return wanted == "" || wanted == got }
	return is(f.Cause, l.Cause) && is(f.Topic, l.Topic) && is(f.OrderID, l.OrderID) && is(f.ID, l.ID()) &&
		(f.Since.IsZero() || !l.FailedAt.Before(f.Since)) && (f.Fingerprint == "" || f.Fingerprint == l.Fingerprint())
}
