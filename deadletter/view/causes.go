package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// Trend says whether a cause is known.
type Trend string

// The trends of a cause.
const (
	TrendNew       Trend = "new"       // its first letter failed within the last 24 hours
	TrendRegressed Trend = "regressed" // it failed again, a day or more after its last letter was resolved
	TrendOngoing   Trend = "ongoing"
)

const day = 24 * time.Hour

// Cause is what the letters of one fingerprint have in common. All fields but Trend describe only the letters that
// match.
type Cause struct {
	Fingerprint string
	// Name is the cause. Message is that of the letter that failed last.
	Name, Stage, Message string
	Code                 int
	Trend                Trend
	Letters              int
	States               map[ledger.State]int
	Orders               int // different ones; letters without an order do not count
	First, Last          time.Time
	// Expires is when Kafka may delete the first letter that is open or requeued; zero if none will be.
	Expires  time.Time
	Versions []string // of the workers, oldest first
	// Hours counts the letters that failed in each of the last 24 hours, the oldest hour first.
	Hours [24]int
}

// Causes groups the letters that match by fingerprint. Causes with the most open letters come first.
func (v *View) Causes(f Filter, now time.Time) []Cause {
	groups := map[string]*gathered{}
	for m := range v.each(f) {
		g := groups[m.kept.fingerprint]
		if g == nil {
			g = &gathered{
				Cause:    Cause{Fingerprint: m.kept.fingerprint, States: map[ledger.State]int{}},
				versions: map[string]bool{},
			}
			groups[m.kept.fingerprint] = g
		}
		g.add(m, States()[m.kept.state], v.expires(m.kept), now)
	}
	trends := v.trends(f.AllGroups)
	var all []Cause
	for _, g := range groups {
		g.Orders = g.orders.count
		g.Trend = trends[g.Fingerprint].trend(now)
		slices.SortFunc(g.Versions, func(a, b string) int { return cmp.Or(compareVersions(a, b), strings.Compare(a, b)) })
		all = append(all, g.Cause)
	}
	slices.SortFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.States[ledger.Open], a.States[ledger.Open]), b.Last.Compare(a.Last),
			strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	return all
}

// gathered is a cause while its letters are read.
type gathered struct {
	Cause

	orders   numberSet
	versions map[string]bool
	newest   match // the letter that Message comes from
}

func (g *gathered) add(m match, state ledger.State, expires, now time.Time) {
	k := m.kept
	g.Letters++
	g.States[state]++
	g.orders.add(k.number)
	if k.version != "" && !g.versions[k.version] {
		g.versions[k.version] = true
		g.Versions = append(g.Versions, k.version)
	}
	if first := moment(k.first); g.First.IsZero() || first.Before(g.First) {
		g.First = first
	}
	if g.newest.kept == nil || newestFirst(m, g.newest) < 0 {
		g.newest = m
		g.Last, g.Name, g.Stage, g.Message, g.Code = moment(k.failed), k.cause, k.stage, k.message, k.code
	}
	if i, ok := hourOf(k, now); ok {
		g.Hours[i]++
	}
	waits := state == ledger.Open || state == ledger.Requeued
	if waits && !expires.IsZero() && (g.Expires.IsZero() || expires.Before(g.Expires)) {
		g.Expires = expires
	}
}

// trending is what the Trend of a cause depends on, over all its letters.
type trending struct {
	first, resolved, open int64 // first letter, last resolution, first failure of an open letter; noTime for none
}

func (v *View) trends(allGroups bool) map[string]trending {
	all := map[string]trending{}
	for m := range v.each(Filter{AllGroups: allGroups}) {
		t, ok := all[m.kept.fingerprint]
		if !ok {
			t = trending{m.kept.first, noTime, noTime}
		}
		t.first = min(t.first, m.kept.first)
		switch States()[m.kept.state] {
		case ledger.Resolved:
			t.resolved = max(t.resolved, millis(m.group.ended[m.kept.id()].At))
		case ledger.Open, ledger.Requeued:
			if t.open == noTime || m.kept.first < t.open {
				t.open = m.kept.first
			}
		default:
		}
		all[m.kept.fingerprint] = t
	}
	return all
}

func (t trending) trend(now time.Time) Trend {
	switch {
	case moment(t.first).After(now.Add(-day)):
		return TrendNew
	case t.resolved != noTime && t.open != noTime && !moment(t.open).Before(moment(t.resolved).Add(day)):
		return TrendRegressed
	}
	return TrendOngoing
}
