package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger/fold"
)

// Trend says whether a cause is new, has come back or is ongoing.
type Trend string

// The trends of a cause.
const (
	TrendNew       Trend = "new"       // its first letter failed within the last 24 hours
	trendRegressed Trend = "regressed" // its open letters failed a day or more after its last letter was resolved
	trendOngoing   Trend = "ongoing"
)

const day = 24 * time.Hour

// Cause is what the letters with one fingerprint have in common. All fields but Trend describe only the letters that
// match the filter.
type Cause struct {
	Fingerprint string
	// Name is the cause. Message is the message of the letter that failed last.
	Name, Stage, Message string
	Code                 int
	Trend                Trend
	Letters              int
	States               map[fold.State]int
	Orders               int // the number of distinct orders; letters without an order do not count
	First, Last          time.Time
	// Expires is the earliest time at which Kafka may delete a letter that is open or requeued; zero if no such time is
	// known.
	Expires  time.Time
	Versions []string // of the workers, oldest first
	// Hours counts the letters that failed in each of the last 24 hours, the oldest hour first.
	Hours [24]int
}

// Causes groups, by fingerprint, the letters that match. Causes with the most open letters come first.
func (v *View) Causes(f Filter, now time.Time) []Cause {
	groups := map[string]*gathered{}
	of := map[*shared]*gathered{} // the same groups, because a lookup by pointer is faster than by string
	for m := range v.each(f) {
		k := m.kept
		g := of[k.shared]
		if g == nil {
			if g = groups[k.fingerprint]; g == nil {
				g = &gathered{first: k.first, newest: m}
				groups[k.fingerprint] = g
			}
			of[k.shared] = g
			g.see(k.version)
		}
		g.add(m, millis(now))
	}
	trends := v.trends(f.AllGroups)
	var all []Cause
	for fingerprint, g := range groups {
		c := g.cause(v)
		c.Trend = trends[fingerprint].trend(now)
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.States[fold.Open], a.States[fold.Open]), b.Last.Compare(a.Last),
			strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	return all
}

// gathered is a cause while its letters are being read.
type gathered struct {
	orders   numberSet
	versions []string
	states   [5]int // by index in States
	hours    [24]int
	first    int64 // the first failure, in milliseconds
	newest   match // the letter that failed last
	expires  *kept // of the letters that wait, the one that was written first
}

// see adds the version of a worker to the versions.
func (g *gathered) see(version string) {
	if version != "" && !slices.Contains(g.versions, version) {
		g.versions = append(g.versions, version)
	}
}

// add adds a letter. now is the current time in milliseconds.
func (g *gathered) add(m match, now int64) {
	k := m.kept
	g.states[k.state]++
	g.orders.add(k.number)
	g.first = min(g.first, k.first)
	if k.failed >= g.newest.kept.failed && newestFirst(m, g.newest) < 0 {
		g.newest = m
	}
	if i, ok := hourOf(k, now); ok {
		g.hours[i]++
	}
	if waits(k.state) && k.written != noTime && (g.expires == nil || k.written < g.expires.written) {
		g.expires = k
	}
}

// waits reports whether letters in a state still wait for something: open and requeued letters do.
func waits(state uint8) bool { return state <= requeued }

// requeued is the index of fold.Requeued in fold.States.
const requeued = 1

// cause returns what was gathered, without the trend.
func (g *gathered) cause(v *View) Cause {
	last := g.newest.kept
	c := Cause{
		Fingerprint: last.fingerprint, Name: last.cause, Stage: last.stage, Message: last.message, Code: last.code,
		States: map[fold.State]int{}, Orders: g.orders.count, First: moment(g.first), Last: moment(last.failed),
		Versions: g.versions, Hours: g.hours,
	}
	for i, s := range fold.States() {
		if g.states[i] > 0 {
			c.States[s] = g.states[i]
			c.Letters += g.states[i]
		}
	}
	if g.expires != nil {
		c.Expires = v.expires(g.expires)
	}
	slices.SortFunc(c.Versions, func(a, b string) int { return cmp.Or(compareVersions(a, b), strings.Compare(a, b)) })
	return c
}

// trending is what the Trend of a cause depends on. It covers all letters of the cause.
type trending struct {
	first, resolved, open int64 // first letter, last resolution, first failure of an open letter; noTime for none
}

// trends considers all letters, not only those that a filter selects, because a cause does not become new when the
// filter leaves out its older letters.
func (v *View) trends(allGroups bool) map[string]trending {
	of := map[*shared]*trending{}
	resolved := stateNumber(fold.Resolved)
	for m := range v.each(Filter{AllGroups: allGroups}) {
		k := m.kept
		t := of[k.shared]
		if t == nil {
			t = &trending{k.first, noTime, noTime}
			of[k.shared] = t
		}
		t.first = min(t.first, k.first)
		switch {
		case k.state == resolved:
			t.resolved = max(t.resolved, millis(m.group.ended[k.id()].At))
		case waits(k.state):
			t.open = earlier(t.open, k.first)
		}
	}
	all := map[string]trending{}
	for s, t := range of {
		sum, ok := all[s.fingerprint]
		if !ok {
			sum = trending{t.first, noTime, noTime}
		}
		all[s.fingerprint] = trending{min(sum.first, t.first), max(sum.resolved, t.resolved), earlier(sum.open, t.open)}
	}
	return all
}

// earlier returns the earlier of two times. It ignores a time that is noTime.
func earlier(a, b int64) int64 {
	if a == noTime || b != noTime && b < a {
		return b
	}
	return a
}

func (t trending) trend(now time.Time) Trend {
	switch {
	case moment(t.first).After(now.Add(-day)):
		return TrendNew
	case t.resolved != noTime && t.open != noTime && !moment(t.open).Before(moment(t.resolved).Add(day)):
		return trendRegressed
	}
	return trendOngoing
}
