package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/replay"
)

// fewOrders is how many order ids a plan shows.
const fewOrders = 10

// planView is the JSON form of a plan.
type planView struct {
	Schema  string               `json:"schema"` // plan.v1
	Group   string               `json:"group"`
	Filter  string               `json:"filter"`
	Counts  map[replay.Class]int `json:"counts"`
	Letters []plannedView        `json:"letters"` // those that would be replayed
	Left    []plannedView        `json:"left"`    // the first of those that are left alone
	Orders  int                  `json:"orders"`
	// FirstOrders has at most ten order ids.
	FirstOrders []string `json:"first_orders"`
	Warnings    []string `json:"warnings"`
}

// plannedView is one letter in a plan. Class is ready, or names the reason why the letter is left alone; Why explains
// the reason in words.
type plannedView struct {
	ID      string       `json:"id"`
	OrderID string       `json:"order_id"`
	Cause   string       `json:"cause"`
	N       int          `json:"n"` // replays so far
	Class   replay.Class `json:"class"`
	Why     string       `json:"why,omitempty"`
	Force   bool         `json:"force,omitempty"`
	// Becomes is what the current mapping makes of the letter's event; null if that is not known.
	Becomes *event.Item `json:"becomes"`
}

// json returns the JSON form of the plan. It has empty lists rather than null, so that a script can loop over them.
func (p replayPlan) json() planView {
	orders := p.Orders()
	first := orders[:min(fewOrders, len(orders))]
	return planView{
		Schema: "plan.v1", Group: p.Group, Filter: p.Filter, Counts: p.Counts, Letters: plannedViews(p.Letters),
		Left: plannedViews(p.Left), Orders: len(orders), FirstOrders: append([]string{}, first...),
		Warnings: texts(p.Warnings),
	}
}

func texts(notes []life.Note) []string {
	all := make([]string, len(notes))
	for i, n := range notes {
		all[i] = n.String()
	}
	return all
}

func plannedViews(all []replay.Planned) []plannedView {
	views := make([]plannedView, len(all))
	for i, l := range all {
		views[i] = plannedView{l.ID.String(), l.Order, l.Cause, l.N, l.Class, l.Why, l.Force, l.Becomes}
	}
	return views
}

// print shows the plan.
func (p replayPlan) print(out io.Writer) error {
	var page terminal.Page
	var counts []string
	for _, class := range replay.Classes() {
		if n := p.Counts[class]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, class))
		}
	}
	if len(counts) == 0 {
		page.Line("no letters match")
	} else {
		page.Line("%s.", strings.Join(counts, " · "))
	}
	if len(p.Left) > 0 {
		page.Line("Left alone%s:", firstOf(len(p.Left), p.Counts))
	}
	for _, l := range p.Left {
		page.Row("-", l.ID.String(), string(l.Class), l.Why)
	}
	p.printReady(&page)
	for _, warning := range p.Warnings {
		page.Line("warning: %s", terminal.Escape(warning.String()))
	}
	return page.Print(out)
}

// firstOf describes how much of a list is shown. It returns "" if the whole list is shown.
func firstOf(shown int, counts map[replay.Class]int) string {
	all := 0
	for class, n := range counts {
		if class != replay.Ready {
			all += n
		}
	}
	if all == shown {
		return ""
	}
	return fmt.Sprintf(", the first %d of %d", shown, all)
}

// printReady groups the letters by what the current mapping makes of them. A person must see this before a replay,
// because the mapping may have changed since the letters failed.
func (p replayPlan) printReady(page *terminal.Page) {
	if len(p.Letters) == 0 {
		return
	}
	orders := p.Orders()
	page.Line("Replay %s of %s at %s/s (about %s):", count(len(p.Letters), "letter"), count(len(orders), "order"),
		strconv.FormatFloat(p.Rate, 'f', -1, 64), atRate(len(p.Letters), p.Rate))
	shown := orders[:min(fewOrders, len(orders))]
	text := strings.Join(shown, ", ")
	if len(orders) > len(shown) {
		text += ", …"
	}
	page.Row("orders", text)
	calls := map[string]int{}
	for _, l := range p.Letters {
		calls[becomesText(l.Becomes)]++
	}
	for _, text := range slices.Sorted(maps.Keys(calls)) {
		page.Row("current mapping", fmt.Sprintf("%d × %s", calls[text], text))
	}
}

// becomesText describes what a replay would do with the current mapping, which may have changed since the letter
// failed.
func becomesText(item *event.Item) string {
	switch {
	case item == nil:
		return "not known"
	case item.Action == event.Call:
		return "call " + item.Status
	case item.Action == event.Ignore:
		return "resolved without a call: " + item.Message
	}
	return "refused: " + item.Cause
}

func atRate(letters int, rate float64) string {
	return (time.Duration(math.Ceil(float64(letters)/rate)) * time.Second).String()
}

// progressLine returns the line that a terminal shows during a run.
func progressLine(s replay.Summary, since time.Duration, rate float64) string {
	const width = 10
	done, total := s.Done(), max(s.Planned, 1)
	full := done * width / total
	return fmt.Sprintf("%s  %s%s %d/%d  %.1f/s  resolved %d  refused again %d  superseded %d  eta %s", s.Run,
		strings.Repeat("█", full), strings.Repeat("░", width-full), done, s.Planned,
		float64(done)/max(since.Seconds(), 1), s.Resolved, s.Refused, s.Superseded, atRate(s.Planned-done, rate))
}

// endedRun is the result of a run.
type endedRun struct {
	replay.Summary

	plan       replayPlan
	by, reason string
}

// replayView is the JSON form of a run that this command carried out.
type replayView struct {
	Schema string               `json:"schema"` // replay.v1
	Group  string               `json:"group"`
	Run    string               `json:"run"` // "" if no letter was ready
	By     string               `json:"by"`
	Reason string               `json:"reason"`
	Filter string               `json:"filter"`
	Counts map[replay.Class]int `json:"counts"` // of the plan
	// Waiting counts the planned letters that are requeued and have no outcome yet; the workers finish them without
	// this run. Untouched counts those that were not requeued. Changed lists those that were left alone, because
	// another change came first.
	Planned    int           `json:"planned"`
	Resolved   int           `json:"resolved"`
	Refused    int           `json:"refused"`
	Superseded int           `json:"superseded"`
	Failed     int           `json:"failed"`
	Dismissed  int           `json:"dismissed"`
	Waiting    int           `json:"waiting"`
	Untouched  int           `json:"untouched"`
	Changed    []changedView `json:"changed"`
	Stop       replay.Stop   `json:"stop"` // "" if everything was done
	Why        string        `json:"why"`
	Warnings   []string      `json:"warnings"`
}

// changedView is a letter that had changed when the run reached it. By and Run name the replay that came first, if any.
type changedView struct {
	ID    string     `json:"id"`
	State fold.State `json:"state"`
	By    string     `json:"by,omitempty"`
	Run   string     `json:"run,omitempty"`
}

func (e endedRun) json() replayView {
	v := replayView{
		"replay.v1", e.plan.Group, e.Run, e.by, e.reason, e.plan.Filter, e.plan.Counts, e.Planned, e.Resolved, e.Refused,
		e.Superseded, e.Failed, e.Dismissed, e.Waiting, e.Untouched,
		[]changedView{},
		e.Stop, e.Why,
		texts(e.plan.Warnings),
	}
	for _, c := range e.Changed {
		v.Changed = append(v.Changed, changedView{c.ID.String(), c.Is, c.By, c.Run})
	}
	return v
}

// print shows the outcomes, what is still running and what is left.
func (e endedRun) print(out io.Writer) error {
	var p terminal.Page
	if e.Planned == 0 {
		p.Line("no letter is ready; no letter was requeued")
		return p.Print(out)
	}
	p.Line("run %s: %d of %d done", e.Run, e.Done(), e.Planned)
	for _, r := range []struct {
		what string
		n    int
	}{
		{"resolved", e.Resolved},
		{"refused again", e.Refused},
		{"superseded", e.Superseded},
		{"failed", e.Failed},
		{"dismissed", e.Dismissed},
		{"changed meanwhile", len(e.Changed)},
		{"waiting", e.Waiting},
		{"untouched", e.Untouched},
	} {
		if r.n > 0 || r.what == "resolved" {
			p.Row(r.what, strconv.Itoa(r.n))
		}
	}
	const most = 10
	for i, c := range e.Changed {
		if i == most {
			p.Line("and %d more that changed", len(e.Changed)-most)
			break
		}
		p.Line("%s", terminal.Escape(c.String()))
	}
	if e.Stop != "" {
		p.Line("stopped: %s", terminal.Escape(e.Why))
	}
	if e.Waiting > 0 {
		p.Line("%s requeued: the workers finish them without this command; see leadhit-sync runs %s",
			areLetters(e.Waiting), e.Run)
	}
	if e.Untouched > 0 {
		p.Line("%s untouched: run the same command again to replay them", areLetters(e.Untouched))
	}
	return p.Print(out)
}

func areLetters(n int) string {
	if n == 1 {
		return "1 letter is"
	}
	return strconv.Itoa(n) + " letters are"
}

// failure returns the error with the command's exit code. It is nil if all letters are resolved or, with --no-wait,
// requeued.
func (e endedRun) failure() error {
	left := e.Refused + e.Superseded + e.Failed + e.Dismissed + len(e.Changed)
	switch {
	case e.Stop == replay.Interrupted:
		return codedError{exitInterrupted, fmt.Errorf("run %s was interrupted", e.Run)}
	case e.Stop == replay.Broken:
		return fmt.Errorf("run %s: %s", e.Run, e.Why)
	case e.Stop != "":
		return codedError{exitPartly, fmt.Errorf("run %s stopped: %s", e.Run, e.Why)}
	case left > 0:
		return codedError{exitPartly, fmt.Errorf("run %s: %d of %d letters were not resolved", e.Run, left, e.Planned)}
	}
	return nil
}
