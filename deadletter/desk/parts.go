package desk

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// functions returns the template functions that do not depend on the language.
func (d *desk) functions() template.FuncMap {
	return template.FuncMap{
		"asset": d.assetURL, "letterURL": letterURL, "orderURL": orderURL, "runURL": runURL, "soon": soon,
		"dict": dict, "runBar": newRunBar, "runDone": runDone,
		"runOthers":    func(r view.Run) int { return r.Superseded + r.Failed + r.Dismissed },
		"runUntouched": func(r view.Run) int { return r.Count - r.Asked - r.Lost },
		"revealURL":    revealURL, "shortVersion": shortVersion,
		"flags": flags,
	}
}

// letterURL returns the address of a letter's page. It escapes the topic, because a ledger entry may name a topic that
// Kafka would not accept.
func letterURL(id ledger.ID) string {
	path := fmt.Sprintf("/letters/%s/%d/%d", url.PathEscape(id.Topic), id.Partition, id.Offset)
	if id.Item != ledger.NoItem {
		path += fmt.Sprintf("?item=%d", id.Item)
	}
	return path
}

// revealURL returns the address for the form that reveals a letter's value. The letter's item is in the form, not in
// the address.
func revealURL(id ledger.ID) string {
	id.Item = ledger.NoItem
	return letterURL(id) + "/reveal"
}

// shortVersion returns a version without its commit.
func shortVersion(version string) string {
	short, _, _ := strings.Cut(version, "+")
	return short
}

// flags splits a command before each flag, so that a line does not break within a flag.
func flags(command string) []string {
	parts := strings.Split(command, " --")
	for i := range parts[1:] {
		parts[i+1] = "--" + parts[i+1]
	}
	return parts
}

// orderURL returns the address of an order's page. The id is in the query, because an order id may contain a slash, or
// be "..".
func orderURL(order string) string { return "/orders?" + url.Values{"id": {order}}.Encode() }

func runURL(run string) string { return "/runs/" + url.PathEscape(run) }

// expiresSoon is how long before its expiry an open letter becomes urgent. The alert on expiring letters has the same
// limit.
const expiresSoon = 72 * time.Hour

func soon(at, now time.Time) bool { return !at.IsZero() && at.Sub(now) < expiresSoon }

// dict builds the data for a nested template from names and values.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return all
}

// spark is a small bar chart.
type spark struct {
	Width, Height int
	Label         string
	Bars          []sparkBar
}

type sparkBar struct {
	X, Y, W, H int
	Empty      bool
}

// newSpark draws numbers as bars. A number above 0 is always visible, and 0 is drawn as a line at the bottom.
func newSpark(numbers []int, width, height int, label string) spark {
	s := spark{Width: width, Height: height, Label: label}
	most := 1
	for _, n := range numbers {
		most = max(most, n)
	}
	step := width / max(len(numbers), 1)
	for i, n := range numbers {
		bar := sparkBar{X: i * step, W: max(step-1, 1), H: n * height / most}
		switch {
		case n == 0:
			bar.H, bar.Empty = 1, true
		case bar.H < 2:
			bar.H = 2
		}
		bar.Y = height - bar.H
		s.Bars = append(s.Bars, bar)
	}
	return s
}

// runBar shows the outcomes of a run as parts of a bar that is 1000 units wide.
type runBar struct {
	Percent int
	Parts   []runPart
}

type runPart struct {
	X, W int
	Kind string
}

// newRunBar returns the bar of a run. The full width stands for the planned or the requeued letters, whichever are
// more, because a run may be stopped early, and its start may be missing from the ledger.
func newRunBar(r view.Run) runBar {
	whole := max(r.Count, r.Asked, 1)
	b := runBar{Percent: percent(runDone(r), whole)}
	x := 0
	for _, p := range []struct {
		count int
		kind  string
	}{{r.Resolved, "good"}, {r.Superseded + r.Dismissed, "muted"}, {r.Refused + r.Failed, "bad"}, {r.Waiting, "wait"}} {
		w := p.count * 1000 / whole
		if w > 0 {
			b.Parts = append(b.Parts, runPart{x, w, p.kind})
		}
		x += w
	}
	return b
}

// runDone counts the letters of a run that have an outcome.
func runDone(r view.Run) int { return r.Asked - r.Waiting }
