package view

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger/fold"
)

type match struct {
	group *group
	kept  *kept
}

// each yields the letters that match, in no particular order.
func (v *View) each(f Filter) iter.Seq[match] {
	return func(yield func(match) bool) {
		prepared := f.prepare(v.headers)
		for name, g := range v.groups {
			if name != v.own && !f.AllGroups {
				continue
			}
			for _, k := range g.all {
				if prepared.match(k) && !yield(match{g, k}) {
					return
				}
			}
		}
	}
}

// match returns the letters that match, sorted.
func (v *View) match(f Filter) []match { return slices.SortedFunc(v.each(f), byID) }

func byID(a, b match) int {
	x, y := a.kept.id(), b.kept.id()
	return cmp.Or(strings.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition),
		cmp.Compare(x.Offset, y.Offset), cmp.Compare(x.Item, y.Item), strings.Compare(a.kept.group, b.kept.group))
}

// newestFirst orders letters by their last failure, the latest first.
func newestFirst(a, b match) int {
	if c := cmp.Compare(b.kept.failed, a.kept.failed); c != 0 {
		return c
	}
	return byID(b, a)
}

// ByCause yields the letters that match, in no particular order. It yields each with its fingerprint, which would be
// expensive to recompute. In each letter, only the fields that a plan uses are set: its id, Group, Place and Omitted,
// and in its Ledger the State, Known, N, Overtaken, Order, Key and Offset.
func (v *View) ByCause(f Filter) iter.Seq2[string, Letter] {
	return func(yield func(string, Letter) bool) {
		omitted, states := &deadletter.Digest{}, fold.States()
		for m := range v.each(f) {
			k, id, l := m.kept, m.kept.id(), Letter{}
			l.Ledger = fold.Status{
				Letter: fold.Letter{ID: id, Order: k.order, Key: k.key, Offset: k.at},
				State:  states[k.state], Known: true, N: int(k.n), Overtaken: k.overtaken,
			}
			l.Group = k.group
			l.Topic, l.Partition, l.Offset, l.Item = id.Topic, id.Partition, id.Offset, id.Item
			l.Place = event.Place{Partition: int(k.partition), Offset: k.at}
			if k.value == valueOmitted {
				l.Omitted = omitted
			}
			if !yield(k.fingerprint, l) {
				return
			}
		}
	}
}

// Hours counts the letters of the view's group that failed in each of the last 24 hours, the oldest hour first.
func (v *View) Hours(now time.Time) (hours [24]int) {
	for _, k := range v.groups[v.own].all {
		if i, ok := hourOf(k, millis(now)); ok {
			hours[i]++
		}
	}
	return hours
}

// hourOf returns the index of the hour in which a letter failed, among the last 24 hours. now is the current time in
// milliseconds.
func hourOf(k *kept, now int64) (int, bool) {
	if k.failed <= now-day.Milliseconds() || k.failed > now {
		return 0, false
	}
	return 23 - int((now-k.failed)/time.Hour.Milliseconds()), true
}

// Orders counts the distinct orders of the letters that match. Letters without an order do not count.
func (v *View) Orders(f Filter) int {
	var met numberSet
	for m := range v.each(f) {
		met.add(m.kept.number)
	}
	return met.count
}

// numberSet is a set of numbers above 0.
type numberSet struct {
	bits  []uint64
	count int
}

// add ignores 0, which stands for an unknown order. The set grows by half at a time, because the numbers arrive in any
// sequence.
func (s *numberSet) add(n int32) {
	word, bit := int(n/64), uint64(1)<<(n%64)
	if n <= 0 {
		return
	}
	if word >= len(s.bits) {
		s.bits = append(s.bits, make([]uint64, word+1-len(s.bits)+word/2)...)
	}
	if s.bits[word]&bit == 0 {
		s.bits[word] |= bit
		s.count++
	}
}
