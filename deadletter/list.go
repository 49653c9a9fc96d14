package deadletter

import (
	"container/list"
	"hash/maphash"
	"iter"
	"time"
)

// Filter chooses letters; a zero field lets all through.
type Filter struct {
	Cause, Topic, OrderID, ID, Fingerprint string
	// Group lets letters of this consumer group through, and those that name none; "" is every group's. Several groups may share
	// a topic.
	Group string
	Since time.Time // failed then or later
	Limit int       // the newest so many; 0: 50
}

const defaultLimit = 50

// Listing is what a reading of the letters' topic found.
type Listing struct {
	// Letters are the newest first, each id once, with what was last written under it; without the events' keys, headers and
	// values, unless the filter asks for an ID.
	Letters []Letter
	Read    int // records
	Matched int // records that the filter let through; a letter that was stored twice counts twice
	Total   int // letters that the filter let through, each id once; exact up to a million
	Broken  int // records that are no letters or cannot be read

	// Causes and Topics count the records of all letters, whatever the filter, and Newest is when the last one failed: they
	// show what there is where nothing matches.
	Causes, Topics map[string]int
	Newest         time.Time
	// Elsewhere counts the records of other groups that the filter would have let through but for its Group.
	Elsewhere map[string]int
}

// Names that are counted each by itself, and ids that are remembered: bounds of memory.
const (
	mostNames = 100
	mostIDs   = 1 << 20
	otherName = "others"
)

// List reads the records, oldest first, to their end and keeps the newest letters that the filter lets through. It holds
// no more than Limit letters in memory, without their events: it may run beside a worker, within its memory. An error of the records ends it; what was found until then is returned with it.
func List(records iter.Seq2[Record, error], f Filter) (Listing, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	found := Listing{Causes: make(map[string]int), Topics: make(map[string]int), Elsewhere: make(map[string]int)}
	var failed error
	ids := newDistinct()
	newest := list.New() // of Letter, the newest in front
	byID := make(map[string]*list.Element)
	for r, err := range records {
		if err != nil {
			failed = err
			break
		}
		found.Read++
		// Others may write to the topic, and a letter of a later release may be beyond us: count it, go on.
		l, err := Parse(r)
		if err != nil {
			found.Broken++
			continue
		}
		if f.Group != "" && l.Group != "" && l.Group != f.Group {
			if f.match(l) {
				countName(found.Elsewhere, l.Group)
			}
			continue
		}
		found.note(l)
		if !f.match(l) {
			continue
		}
		found.Matched++
		key := l.Group + " " + l.ID() // two groups may refuse the same event
		found.Total += ids.add(key)
		if before, ok := byID[key]; ok {
			newest.Remove(before)
		}
		if f.ID == "" {
			l = l.withoutEvent()
		}
		byID[key] = newest.PushFront(l)
		if newest.Len() > f.Limit {
			// Which letters are the newest is known only at the end, so the oldest goes when there is one too many.
			oldest, _ := newest.Remove(newest.Back()).(Letter)
			delete(byID, oldest.Group+" "+oldest.ID())
		}
	}
	for e := newest.Front(); e != nil; e = e.Next() {
		l, _ := e.Value.(Letter)
		found.Letters = append(found.Letters, l)
	}
	return found, failed
}

// note counts a letter, whatever the filter.
func (found *Listing) note(l Letter) {
	countName(found.Causes, l.Cause)
	countName(found.Topics, l.Topic)
	if l.FailedAt.After(found.Newest) {
		found.Newest = l.FailedAt
	}
}

// countName counts a name by itself, or among the others where there are too many.
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

// withoutEvent lets go of the event, whose key, headers and value may lie in one piece of memory.
func (l Letter) withoutEvent() Letter {
	l.value = describe(l)
	l.Key, l.Value, l.Headers = nil, nil, nil
	return l
}

func (f Filter) match(l Letter) bool {
	is := func(wanted, got string) bool { return wanted == "" || wanted == got }
	return is(f.Cause, l.Cause) && is(f.Topic, l.Topic) && is(f.OrderID, l.OrderID) && is(f.ID, l.ID()) &&
		(f.Since.IsZero() || !l.FailedAt.Before(f.Since)) && (f.Fingerprint == "" || f.Fingerprint == l.Fingerprint())
}
