package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger/fold"
)

// Sort is the order of a list: "failed", "expires" or "order". A minus in front reverses the order: "-failed" starts
// with the letter that failed last. The place in the letters' topic breaks ties.
type Sort string

// List is a part of the letters that match, with what a person needs to know about the rest.
type List struct {
	// Letters holds the letters up to the limit, in the requested order.
	Letters []Letter
	// Total is the number of letters that match. Records is the number of their records in the letters' topic.
	Total, Records int
	// States counts by state the letters that would match without the filter's States.
	States map[fold.State]int
	// Causes and Topics count the records of all letters by cause and by topic. Newest is when the last letter failed.
	// Only the filter's AllGroups affects them.
	Causes, Topics map[string]int
	Newest         time.Time
}

// List returns the first letters that match, in the given order. It visits each letter once, and builds only those that
// it returns.
func (v *View) List(f Filter, by Sort, limit int) List {
	list := List{States: map[fold.State]int{}, Causes: map[string]int{}, Topics: map[string]int{}}
	inAnyState := f
	inAnyState.States = nil
	prepared, wanted := inAnyState.prepare(v.headers), f.prepare(v.headers)
	first := first{by: by, limit: limit}
	records := map[*shared]int{}
	states := make([]int, len(fold.States()))
	newest := int64(noTime)
	for name, g := range v.groups {
		if name != v.own && !f.AllGroups {
			continue
		}
		for _, k := range g.all {
			records[k.shared] += int(k.records)
			newest = max(newest, k.failed)
			if !prepared.match(k) {
				continue
			}
			states[k.state]++
			if !wanted.in(k.state) {
				continue
			}
			list.Total++
			list.Records += int(k.records)
			first.add(match{g, k})
		}
	}
	for _, m := range first.sorted() {
		list.Letters = append(list.Letters, v.letter(m))
	}
	list.Newest = moment(newest)
	list.count(states, records)
	return list
}

// count fills in the counts. states has the same indexes as fold.States.
func (l *List) count(states []int, records map[*shared]int) {
	for i, s := range fold.States() {
		if states[i] > 0 {
			l.States[s] = states[i]
		}
	}
	for s, n := range records {
		l.Causes[s.cause] += n
		l.Topics[s.topic] += n
	}
}

// first keeps only the first matches in a Sort's order, so that a list of fifty does not keep a million letters in
// memory.
type first struct {
	by    Sort
	limit int
	found []match
	last  *match // the last match within the limit so far: matches after it do not count
}

func (l *first) add(m match) {
	if l.last != nil && l.by.compare(m, *l.last) >= 0 {
		return
	}
	l.found = append(l.found, m)
	if len(l.found) >= 2*l.limit+1000 {
		l.found = l.sorted()
		l.last = &l.found[len(l.found)-1]
	}
}

func (l *first) sorted() []match {
	slices.SortFunc(l.found, l.by.compare)
	l.found = l.found[:min(l.limit, len(l.found))]
	return l.found
}

// compare breaks ties by the place in the letters' topic, so that pages of a list neither repeat nor miss a letter.
func (s Sort) compare(a, b match) int {
	by, down := strings.CutPrefix(string(s), "-")
	var c int
	switch by {
	case "expires":
		c = cmp.Compare(a.kept.written, b.kept.written)
	case "order":
		c = strings.Compare(a.kept.order, b.kept.order)
	default:
		c = cmp.Compare(a.kept.failed, b.kept.failed)
	}
	if c = cmp.Or(c, cmp.Compare(a.kept.at, b.kept.at), byID(a, b)); down {
		return -c
	}
	return c
}
