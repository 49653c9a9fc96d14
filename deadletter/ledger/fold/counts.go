package fold

import (
	"container/heap"
	"slices"
	"time"
)

// Counts says how many letters of one partition are open or requeued. Metrics read the counts often, so the [Fold]
// keeps them up to date instead of visiting all letters.
type Counts struct {
	// Open counts letters that were read and are within the Horizon. Overtaken letters do not count: they need no
	// replay, because LeadHit has a newer status for their orders.
	Open, Requeued int
	// Oldest is when the oldest open letter was stored; zero if no time is known.
	Oldest time.Time
}

// Counts returns the counts of a partition. If since is not zero, open letters that were stored earlier do not count,
// because retention deletes them, and nothing reports the deletion.
func (f *Fold) Counts(topic string, partition int, since time.Time) Counts {
	number, ok := f.topics[topic]
	t := f.tallies[source{number, int32(partition)}]
	if !ok || t == nil {
		return Counts{}
	}
	for len(t.ages) > 0 {
		switch oldest := t.ages[0]; {
		case oldest.stale():
			heap.Pop(&t.ages)
		case !since.IsZero() && oldest.time < since.UnixMilli():
			f.recount(oldest.letter, expired)
			heap.Pop(&t.ages)
		default:
			return Counts{t.open, t.requeued, time.UnixMilli(oldest.time).UTC()}
		}
	}
	return Counts{Open: t.open, Requeued: t.requeued}
}

// counted says which count includes a letter.
type counted uint8

const (
	uncounted counted = iota
	asOpen
	asRequeued
	expired // open, but stored before the time that was passed to Counts
)

// source is the partition that a letter's event came from.
type source struct{ topic, partition int32 }

// tally holds the counts of one partition.
type tally struct {
	open, requeued int
	ages           ages
}

// count updates the tally after a letter has changed.
func (f *Fold) count(s *letter) {
	is := uncounted
	switch state := s.state(); {
	case state == Requeued:
		is = asRequeued
	case state != Open || s.overtaken:
	case !s.known || s.at < 0: // our own letter counts once it is read back, because its time is unknown until then
	case s.counted == expired:
		return
	default:
		is = asOpen
	}
	f.recount(s, is)
}

func (f *Fold) recount(s *letter, is counted) {
	if s.counted == is {
		return
	}
	t := f.tally(s)
	switch s.counted {
	case asOpen:
		t.open--
	case asRequeued:
		t.requeued--
	case uncounted, expired:
	}
	s.counted = is
	switch is {
	case asOpen:
		t.open++
		t.age(s)
	case asRequeued:
		t.requeued++
	case uncounted, expired:
	}
}

func (f *Fold) tally(s *letter) *tally {
	of := source{s.place.topic, s.place.partition}
	t := f.tallies[of]
	if t == nil {
		if f.tallies == nil {
			f.tallies = map[source]*tally{}
		}
		t = &tally{}
		f.tallies[of] = t
	}
	return t
}

// age puts an open letter into the heap, with the time when it was stored. Closing a letter leaves its age in the heap;
// such stale ages are dropped when they are more than half of the heap.
func (t *tally) age(s *letter) {
	if s.time == 0 {
		return
	}
	if len(t.ages) > 2*t.open+64 {
		t.ages = slices.DeleteFunc(t.ages, age.stale)
		heap.Init(&t.ages)
	}
	heap.Push(&t.ages, age{s.time, s})
}

// age is an open letter in the heap. Its time is when the letter was stored, in milliseconds since 1970.
type age struct {
	time   int64
	letter *letter
}

// stale reports whether the letter no longer counts as open, or was stored again after another replay.
func (a age) stale() bool { return a.letter.counted != asOpen || a.letter.time != a.time }

// ages is a heap, the oldest first.
type ages []age

func (a *ages) Len() int           { return len(*a) }
func (a *ages) Less(i, j int) bool { return (*a)[i].time < (*a)[j].time }
func (a *ages) Swap(i, j int)      { (*a)[i], (*a)[j] = (*a)[j], (*a)[i] }

// Push implements [heap.Interface].
func (a *ages) Push(x any) { *a = append(*a, x.(age)) } //nolint:forcetypeassert // only age is pushed

// Pop implements [heap.Interface].
func (a *ages) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = age{}
	*a = (*a)[:len(*a)-1]
	return last
}
