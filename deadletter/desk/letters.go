package desk

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

const (
	// causesShown is how many causes a page lists at first. A link shows all.
	causesShown = 20
	// lettersShown is how many letters a page has.
	lettersShown = 50
	// mostPages is the highest page number. There is a limit because View.List also returns the letters of all earlier
	// pages. A filter finds older letters.
	mostPages = 2000
)

// lettersPage is the list of causes with the letters under them.
type lettersPage struct {
	selection

	Totals totals
	Tabs   []tab
	Causes []causeRow
	// CauseCount is the number of causes that match. More is how many of them are not shown.
	CauseCount, More int
	All              string // address of the page with all causes
	One              bool   // the filter names one cause

	Letters         []view.Letter
	Matching, First int // letters that match; the number of the first one shown, from 1
	Last            int
	Newer, Older    string // addresses of the adjacent pages

	PlanAll, DismissAll string // addresses of the forms for all letters that match
	Hints               hints
	Runs                []view.Run // that are not over
	Command             string
}

// totals cover all letters of the group, whatever the filter says.
type totals struct {
	States          map[fold.State]int
	Would           map[string]map[replay.Class]int // what a replay would do with open letters, by fingerprint
	Letters         int
	Orders          int          // of open letters
	Open            []view.Cause // of open letters
	New             int          // how many of these causes are new
	Oldest, Expires time.Time
	Hours           spark
	LastFailure     time.Time
}

// tab is one state with the number of its letters that match.
type tab struct {
	Name  string
	Count int
	URL   string
}

// causeRow is a cause with what a replay of its letters would do now.
type causeRow struct {
	view.Cause

	Spark    spark
	Open     int
	Would    []classCount
	Ready    int
	URL      string
	Plan     string
	Dismiss  string
	Selected bool
}

// classCount is the number of a plan's letters in one class.
type classCount struct {
	Class replay.Class
	Count int
}

// hints counts what the page's other numbers leave out.
type hints struct {
	Malformed, MalformedEntries, Expired int
	Elsewhere                            int
}

// letters serves the list.
func (d *desk) letters(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Has("q") {
		typed := words(query.Get("q"))
		for _, name := range filterNames() {
			if typed[name] == nil && query[name] != nil {
				typed[name] = query[name]
			}
		}
		seeOther(w, r, address("/letters", typed))
		return
	}
	texts := d.texts[languageOf(r)]
	now := time.Now()
	s := selectionOf(query, now)
	p := lettersPage{selection: s, Command: s.command("letters list")}
	read := d.reading()
	if read.At.IsZero() { // counts of only some letters would mislead, and counting would delay the read
		d.show(w, r, http.StatusOK, "letters", read, p)
		return
	}
	p.Totals, read = look(d, "totals "+texts.lang, func(v *view.View, read Reading) totals {
		return totalsOf(v, read, now, texts)
	})
	key := s.Query.Encode() // a relative time, such as 24h, counts from the request that filled the cache
	all, _ := look(d, "causes "+key, func(v *view.View, read Reading) []causeRow {
		return causesOf(v, s, p.Totals, read, now)
	})
	p.PlanAll, p.DismissAll = address("/plan", s.Query), address("/dismiss", s.Query)
	p.show(all, query.Get("causes") == "all", texts)
	page, _ := strconv.Atoi(query.Get("page"))
	p.Tabs = s.tabs(p.turn(d, min(max(page, 1), mostPages), key))
	p.Hints, _ = look(d, "hints", func(v *view.View, _ Reading) hints { return hintsOf(v) })
	p.Runs, _ = look(d, "running", func(v *view.View, _ Reading) []view.Run { return unfinished(v.Runs(), now) })
	d.show(w, r, http.StatusOK, "letters", read, &p)
}

// totalsOf computes what does not depend on the filter.
func totalsOf(v *view.View, read Reading, now time.Time, texts *texts) totals {
	t := totals{Would: map[string]map[replay.Class]int{}}
	all := v.List(view.Filter{}, "-failed", 1)
	t.Letters, t.States, t.LastFailure = all.Total, all.States, all.Newest
	open := view.Filter{States: []fold.State{fold.Open}}
	for fingerprint, l := range v.ByCause(open) {
		judge(t.Would, fingerprint, l, read)
	}
	t.Orders, t.Open = v.Orders(open), v.Causes(open, now)
	for _, c := range t.Open {
		if c.Trend == view.TrendNew {
			t.New++
		}
		t.Oldest, t.Expires = earlier(t.Oldest, c.First), earlier(t.Expires, c.Expires)
	}
	hours := v.Hours(now)
	t.Hours = newSpark(hours[:], 240, 32, texts.hoursLabel(hours))
	return t
}

// judge determines what a replay would do with a letter now, and adds the letter to the counts of its fingerprint.
func judge(would map[string]map[replay.Class]int, fingerprint string, l view.Letter, read Reading) {
	if would[fingerprint] == nil {
		would[fingerprint] = map[replay.Class]int{}
	}
	would[fingerprint][read.Limits.Judge(l).Class]++
}

// earlier returns the earlier of two times. It ignores a time that is zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// hoursLabel describes in words what a chart of 24 hours shows.
func (t *texts) hoursLabel(hours [24]int) string {
	sum, most := 0, 0
	for _, n := range hours {
		sum, most = sum+n, max(most, n)
	}
	text, _ := t.t("letters.hours", sum, most).(string)
	return text
}

// tabs returns a tab for each state, and one for all states. The first tab's address has no state, because a list
// without a state shows the open letters.
func (s *selection) tabs(counts map[fold.State]int) []tab {
	var all []tab
	sum := 0
	for _, state := range fold.States() {
		all = append(all, tab{string(state), counts[state], s.with("/letters", "state", string(state))})
		sum += counts[state]
	}
	all[0].URL = s.with("/letters", "state", "")
	return append(all, tab{"all", sum, s.with("/letters", "state", "all")})
}

// causesOf groups the matching letters by cause, with what a replay would do to the open ones. If the filter selects
// whole causes, causesOf need not look at each letter again.
func causesOf(v *view.View, s selection, t totals, read Reading, now time.Time) []causeRow {
	would := t.Would
	if !s.wholeCauses() {
		would = map[string]map[replay.Class]int{}
		f := s.Filter
		f.States = []fold.State{fold.Open}
		for fingerprint, l := range v.ByCause(f) {
			judge(would, fingerprint, l, read)
		}
	}
	var all []causeRow
	causes := t.Open
	if len(s.Query) > 0 {
		causes = v.Causes(s.Filter, now)
	}
	for _, c := range causes {
		row := causeRow{Cause: c, Open: c.States[fold.Open]}
		for _, class := range replay.Classes() {
			if n := would[c.Fingerprint][class]; n > 0 {
				row.Would = append(row.Would, classCount{class, n})
			}
		}
		row.Ready = would[c.Fingerprint][replay.Ready]
		row.URL = s.with("/letters", "fingerprint", c.Fingerprint)
		row.Plan = s.with("/plan", "fingerprint", c.Fingerprint)
		row.Dismiss = s.with("/dismiss", "fingerprint", c.Fingerprint)
		all = append(all, row)
	}
	return all
}

// show fills in the first causes, or all causes if whole is set or only a few more remain.
func (p *lettersPage) show(all []causeRow, whole bool, texts *texts) {
	p.CauseCount = len(all)
	p.One = p.Fingerprint != "" && len(all) == 1
	shown := all
	if !whole && len(all) > causesShown+5 {
		shown, p.More = all[:causesShown], len(all)-causesShown
		p.All = p.with("/letters", "causes", "all")
	}
	for _, row := range shown { // a copy, because the cache keeps the rows
		row.Spark = newSpark(row.Hours[:], 96, 26, texts.hoursLabel(row.Hours))
		p.Causes = append(p.Causes, row)
	}
}

// turn fills in one page of letters. It returns how many letters match, by state.
func (p *lettersPage) turn(d *desk, number int, key string) map[fold.State]int {
	skip := (number - 1) * lettersShown
	is, _ := look(d, "letters "+strconv.Itoa(number)+" "+key, func(v *view.View, _ Reading) view.List {
		l := v.List(p.Filter, "-failed", skip+lettersShown)
		l.Letters = slices.Clone(l.Letters[min(skip, len(l.Letters)):])
		return l
	})
	p.Letters, p.Matching = is.Letters, is.Total
	p.First, p.Last = min(skip+1, is.Total), min(skip+lettersShown, is.Total)
	if number > 1 {
		p.Newer = p.with("/letters", "page", strconv.Itoa(number-1)) + "#letters"
	}
	if skip+lettersShown < is.Total {
		p.Older = p.with("/letters", "page", strconv.Itoa(number+1)) + "#letters"
	}
	return is.States
}

// hintsOf counts what the list does not show but a user may expect in it.
func hintsOf(v *view.View) hints {
	h := hints{Malformed: v.Malformed, MalformedEntries: v.MalformedEntries, Expired: v.Expired()}
	for _, n := range v.Elsewhere(view.Filter{}) {
		h.Elsewhere += n
	}
	return h
}

// runForgotten is how long a run without a recorded end is shown as running. After this time, the run's process has
// probably been killed.
const runForgotten = time.Hour

// unfinished returns the runs that are not over. It leaves out a run whose process was killed long ago, unless workers
// still have its letters.
func unfinished(runs []view.Run, now time.Time) []view.Run {
	var all []view.Run
	for _, r := range runs {
		if r.Waiting > 0 || r.Stopped.IsZero() && now.Sub(r.Started) < runForgotten {
			all = append(all, r)
		}
	}
	return all
}

// Unfiltered reports whether the page shows all open letters.
func (p *lettersPage) Unfiltered() bool { return len(p.Query) == 0 }

// Names returns the names of all parts that a filter can have.
func (*lettersPage) Names() []string { return filterNames() }

// Mixed reports whether the page may show letters of several states.
func (p *lettersPage) Mixed() bool { return len(p.States) != 1 }

// CanReplay reports whether the page may show open letters, which can be replayed or dismissed.
func (p *lettersPage) CanReplay() bool {
	return len(p.States) == 0 || slices.Contains(p.States, fold.Open)
}

// CanReopen reports whether the page may show closed letters, which can be reopened.
func (p *lettersPage) CanReopen() bool {
	return len(p.States) == 0 || slices.ContainsFunc(p.States, func(s fold.State) bool {
		return s == fold.Resolved || s == fold.Superseded || s == fold.Dismissed
	})
}

// Any reports whether there is anything to show.
func (h hints) Any() bool { return h != hints{} }

// OpenLetters returns the number of open letters of the group.
func (t totals) OpenLetters() int { return t.States[fold.Open] }
