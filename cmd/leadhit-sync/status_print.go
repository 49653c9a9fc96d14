package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/operator/workerpage"
)

const (
	// statusWidth is the width at which sentences are wrapped. statusLabel is the width of the labels before them.
	statusWidth = 80
	statusLabel = 10
)

// screen is the size that a status has to fit. The zero value is for pipes and files: nothing is cut. A screen with
// columns but no lines is a terminal that scrolls: lines are cut, none are left out.
type screen struct{ columns, lines int }

// cut keeps a line on one row, because a line that wraps would take two, and the frame would scroll away.
func (s screen) cut(line string) string {
	if s.columns == 0 {
		return line
	}
	return terminal.Cut(line, s.columns)
}

// writeStatus prints the workers one after another, below a summary if there are several.
func writeStatus(w io.Writer, all []workerpage.Asked, on screen) error {
	_, err := io.WriteString(w, strings.Join(fitStatus(all, on), "\n")+"\n")
	return err
}

// summaryOf counts the workers in each state.
func summaryOf(all []workerpage.Asked) string {
	if len(all) == 0 {
		return "no workers"
	}
	counts := make(map[string]int)
	var states []string
	for _, a := range all {
		state := "not reached"
		if a.Status != nil {
			state = a.Status.Text()
		}
		if counts[state]++; counts[state] == 1 {
			states = append(states, state)
		}
	}
	slices.SortStableFunc(states, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	for i, state := range states {
		states[i] = strconv.Itoa(counts[state]) + " " + terminal.Quote(state)
	}
	return count(len(all), "worker") + ": " + strings.Join(states, ", ")
}

// statusPrinter prints one worker's status. Ages are relative to the worker's own clock. The clock of the operator's
// machine may differ, and would give negative ages.
type statusPrinter struct {
	page   *terminal.Page
	status status.Worker
	rows   rows
}

// labelled prints texts after a label. Each text starts on a line of its own and is wrapped.
func (p *statusPrinter) labelled(label string, texts ...string) {
	for _, text := range texts {
		for _, line := range terminal.Hang(terminal.Pad(label, statusLabel), terminal.Quote(text), statusWidth) {
			p.page.Note(line)
		}
		label = ""
	}
}

// print starts with the state, because that is what people look for.
func (p *statusPrinter) print(url string) {
	s := p.status
	p.state()
	p.labelled("worker", url, fmt.Sprintf("leadhit-sync %s, group %s, %s", s.Version, s.Group, s.At.UTC().Format(moment)+
		" UTC"))
	p.calls()
	p.events()
	p.letters()
	if s.TwoPartitions > 0 {
		p.labelled("warn", count(s.TwoPartitions, "order")+" had events in two partitions of a topic, "+
			"so in no fixed sequence: set the record key to the order id")
	}
	for _, f := range s.Flaws {
		if !f.Fatal { // fatal ones are listed as problems
			p.labelled("warn", "topic "+f.Topic+": "+f.String())
		}
	}
	p.partitions()
	p.orders()
}

// state puts the advice last: what, since when, who and why come before what to do.
func (p *statusPrinter) state() {
	s := p.status
	texts := []string{fmt.Sprintf("%s for %s, since %s", s.Text(), lasting(s.At.Sub(s.Since)), p.clock(s.Since))}
	for _, w := range s.Waits {
		texts = append(texts, fmt.Sprintf("%s: %s (for %s)", cmp.Or(unjoined(s), "waits"), w.For, lasting(s.At.Sub(w.Since))))
	}
	if s.By != "" {
		texts = append(texts, "by "+s.By+": "+s.Reason)
	}
	if advice := adviceOn(s); advice != "" {
		texts = append(texts, advice)
	}
	p.labelled("state", texts...)
	p.labelled("problem", s.Problems...)
}

// unjoined returns the phase of a worker that has not joined the group yet, as in /readyz and the log. It returns ""
// for other workers.
func unjoined(s status.Worker) string {
	switch s.Phase {
	case "starting", "waiting", "joining":
		return s.Phase
	}
	return ""
}

// adviceOn explains a state and what to do about it. It distinguishes pauses that end automatically from those that
// wait for a person, because only the latter need the resume command.
func adviceOn(s status.Worker) string {
	const resumes = "; calls resume automatically"
	switch s.State {
	case "unauthorised":
		return "LeadHit rejects the API key: check the key's file and the account at LeadHit" + resumes
	case "misconfigured":
		return "the address does not know set_order_status: check LEADHIT_URL (leadhit-sync check)" + resumes
	case "outage":
		return "LeadHit is down; single calls probe it, nothing is lost" + resumes
	case "flood":
		return "look at the letters and fix their cause; then run leadhit-sync resume"
	case "by hand":
		return "leadhit-sync resume ends it"
	case "starting", "waiting", "joining":
		if len(s.Waits) == 0 {
			return "if this takes longer than a minute, look at the worker's log"
		}
	}
	return ""
}

// calls shows the current limit, not the setting, because an overload at LeadHit may have lowered the limit.
func (p *statusPrinter) calls() {
	s := p.status
	limit := "no limit per second"
	if s.PerSecond > 0 {
		limit = "at most " + strconv.FormatFloat(s.PerSecond, 'f', 1, 64) + " per second"
	}
	texts := []string{
		fmt.Sprintf("%d of %d in flight, %s", s.InFlight, s.Limit, limit),
		fmt.Sprintf("%d made, %d failed and retried", s.Calls, s.Retries),
	}
	if s.Repeats > 0 {
		texts = append(texts, fmt.Sprintf("%d not made: LeadHit had accepted the status last", s.Repeats))
	}
	if s.RetryAfter != nil {
		texts = append(texts, fmt.Sprintf("LeadHit asked us to wait (Retry-After) until %s, for %s", p.clock(*s.RetryAfter),
			lasting(s.RetryAfter.Sub(s.At))))
	}
	p.labelled("calls", texts...)
}

// events shows the ages of the oldest unfinished event and of the oldest untried event, because adding workers lowers
// only the latter.
func (p *statusPrinter) events() {
	s := p.status
	unfinished := 0
	for _, at := range s.Partitions {
		unfinished += at.Unfinished
	}
	texts := []string{fmt.Sprintf("%d fetched, %d finished, %d unfinished", s.Events, s.Finished, unfinished)}
	if unfinished > 0 {
		texts = append(texts, "the oldest unfinished one is "+lasting(seconds(s.OldestAge))+" old, the oldest untried one "+
			lasting(seconds(s.Lag)))
	}
	if s.HeldBack > 0 {
		texts = append(texts, "open transactions hold back "+count(int(s.HeldBack), "event")+", the first is "+
			lasting(seconds(s.HeldBackAge))+" old")
	}
	if s.Blocked > 0 {
		texts = append(texts, count(s.Blocked, "event")+" behind an earlier one of the same order")
	}
	p.labelled("events", texts...)
}

// letters shows the last hour, because a sum since the start of the process says nothing about the present.
func (p *statusPrinter) letters() {
	s := p.status
	sum := 0
	causes := make([]string, len(s.LastHour))
	for i, c := range s.LastHour {
		sum += c.Letters
		causes[i] = strconv.Itoa(c.Letters) + " " + terminal.Quote(c.Cause)
	}
	text := strconv.Itoa(sum) + " in the last hour"
	if sum > 0 {
		text += ": " + strings.Join(causes, ", ")
	}
	texts := []string{text}
	if s.LettersInAir > 0 {
		texts = append(texts, strconv.Itoa(s.LettersInAir)+" not stored yet")
	}
	p.labelled("letters", texts...)
}

// clock formats a time of day, with the date unless that is today by the worker's clock.
func (p *statusPrinter) clock(t time.Time) string {
	t, now := t.UTC(), p.status.At.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(time.TimeOnly) + " UTC"
	}
	return t.Format(moment) + " UTC"
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// lasting formats a duration in its two largest units. A person compares ages at a glance, and seconds beside days say
// nothing.
func lasting(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
}
