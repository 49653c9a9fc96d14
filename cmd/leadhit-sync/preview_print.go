package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
)

const moment = "2006-01-02 15:04:05"

func (s summary) print(w io.Writer) error { return s.page().Print(w) }

// page lays out the summary for human readers. The most important lines come first: what was read, that LeadHit was not
// called, and the warnings. Sections without an entry are left out.
func (s summary) page() *terminal.Page {
	var p terminal.Page
	if s.Events == 0 {
		if len(s.HeldBack) > 0 {
			p.Line("no event since %s UTC can be read", s.Since.Format(moment))
		} else {
			p.Line("no events since %s UTC", s.Since.Format(moment))
		}
		s.printHeldBack(&p)
		return &p
	}
	last := ""
	if !s.Last.IsZero() {
		last = ", the last one at " + s.Last.Format(moment) + " UTC"
	}
	p.Line("%s of %s since %s UTC%s", count(s.Events, "event"), count(len(s.Topics), "topic"), s.Since.Format(moment),
		last)
	p.Line("nothing was called, nothing was committed")
	for _, warning := range s.Warnings {
		p.Row("warn", warning)
	}
	if len(s.Calls) > 0 {
		p.Line("")
		p.Row("CALL", "TIMES", "EXAMPLE", "ORDER")
	}
	for _, g := range s.Calls {
		p.Row(g.What, strconv.Itoa(g.Count), g.Example, g.OrderID)
	}
	if len(s.Ignored) > 0 {
		p.Line("")
		p.Row("IGNORED", "TIMES", "EXAMPLE", "BECAUSE")
	}
	for _, g := range s.Ignored {
		p.Row(cmp.Or(g.Mapping, "-"), strconv.Itoa(g.Count), g.Example, g.because())
	}
	if len(s.Refused) > 0 {
		p.Line("")
		p.Row("REFUSED", "TIMES", "EXAMPLE", "BECAUSE")
	}
	for _, g := range s.Refused {
		p.Row(g.What, strconv.Itoa(g.Count), g.Example, g.refusal())
	}
	if len(s.Calls) > 0 {
		s.printOrders(&p)
		s.printLoad(&p)
	}
	s.printOddTimes(&p)
	s.printHeldBack(&p)
	return &p
}

// because returns why an event is ignored: the rule or list, and the text if it says more.
func (g group) because() string {
	switch {
	case g.Rule != "":
		return g.By + ": " + g.Rule
	case g.Message != "" && g.Message != g.By:
		return g.By + ": " + g.Message
	}
	return g.By
}

// refusal returns why an event is refused.
func (g group) refusal() string {
	text := g.Message
	if g.Mapping != "" {
		text = g.Mapping + ": " + text
	}
	if g.Status != "" {
		text += ": " + terminal.Quote(g.Status)
	}
	return text
}

// printOrders prints "at least" if there were more orders than the limit, because a figure that is silently too small
// would be believed.
func (s summary) printOrders(p *terminal.Page) {
	atLeast := ""
	if s.Orders.Beyond > 0 {
		atLeast = "at least "
	}
	p.Line("")
	p.Row("orders", atLeast+strconv.Itoa(s.Orders.Count)+" with calls, "+atLeast+number(s.Orders.PerMinute)+" a minute")
	busiest := make([]string, len(s.Orders.Busiest))
	for i, b := range s.Orders.Busiest {
		busiest[i] = terminal.Quote(b.OrderID) + " with " + count(b.Calls, "call")
	}
	p.Row("busiest", strings.Join(busiest, ", "))
	p.Row("repeats", s.Orders.repeats(atLeast))
	if s.Orders.Spread > 0 {
		examples := make([]string, len(s.Orders.Examples))
		for i, e := range s.Orders.Examples {
			examples[i] = terminal.Quote(e.OrderID) + " in " + strings.Join(e.Partitions, " and ")
		}
		p.Row("warn", atLeast+count(s.Orders.Spread, "order")+" in two partitions, "+
			"so their events have no sequence to keep: "+strings.Join(examples, ", "))
	}
	if s.Orders.Beyond > 0 {
		p.Row("limit", fmt.Sprintf("figures about individual orders cover the first %d orders; %d of %s are about others",
			s.Orders.Count, s.Orders.Beyond, count(s.Orders.Calls, "call")))
	}
}

// repeats describes how many calls the events need, with and without repeats.
func (o ordersSummary) repeats(atLeast string) string {
	text := fmt.Sprintf("%s%d of %s would send the status that LeadHit already has for the order",
		atLeast, o.Repeats, count(o.Calls, "call"))
	atMost := ""
	if atLeast != "" {
		atMost = "at most "
	}
	switch {
	case o.Repeats == 0:
		return text
	case o.Skipped:
		return fmt.Sprintf("%s, so a worker makes %s%d, and a few more after a restart or a rebalance",
			text, atMost, o.Needed)
	case o.unequal:
		return text + "; a worker calls anyway, because the topics have different numbers of partitions"
	case o.spreads:
		return text + "; a worker calls anyway, because not every order has one key and partition of its own"
	case o.unexplained:
		return text + "; a worker calls anyway, because no known partitioner explains the partitions of all record keys"
	}
	return fmt.Sprintf("%s; with SKIP_REPEATS=true a worker makes %s%d", text, atMost, o.Needed)
}

// made returns how many calls a worker makes.
func (o ordersSummary) made() int {
	if o.Skipped {
		return o.Needed
	}
	return o.Calls
}

// printLoad shows a catch-up time of at least 1s, because rounding would print 0s although there is work to do.
func (s summary) printLoad(p *terminal.Page) {
	l := s.Load
	if l.Busiest == 0 {
		p.Row("calls", "no event has a plausible time, so there are no figures per minute")
	} else {
		s.printRates(p)
	}
	catchUp := time.Duration(l.CatchUp * float64(time.Second)).Round(time.Second)
	p.Row("catch-up", fmt.Sprintf("one worker needs %s for %s", max(catchUp, time.Second),
		count(s.Orders.made(), "call")))
}

// printRates shows the figures behind the number of workers, because a person may know a more accurate latency.
func (s summary) printRates(p *terminal.Page) {
	l := s.Load
	p.Row("calls", fmt.Sprintf("%s a minute, %d in the busiest one, %s UTC", number(l.CallsPerMinute), l.Busiest,
		l.BusiestMinute.Format(moment[:16])))
	enough := "one is enough"
	if l.Workers > 1 {
		enough = fmt.Sprintf("%d workers are needed", l.Workers)
	}
	p.Row("load", fmt.Sprintf("%s calls/s in the busiest minute; a worker makes %s (CALLS_IN_FLIGHT %d, %s a call): %s",
		number(l.Needed), number(l.PerWorker), l.InFlight, time.Duration(l.LatencyMillis)*time.Millisecond, enough))
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
