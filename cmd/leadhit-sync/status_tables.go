package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/status"
)

// mostPartitions and mostOrderRows limit how many partitions, and how many orders, have lines of their own.
const mostPartitions, mostOrderRows = 20, 20

// partitions prints all partitions or, if there are too many, those with the oldest unfinished events. An old event
// reveals a partition that makes no progress, while many events only reveal a busy one.
func (p *statusPrinter) partitions() {
	all := slices.Clone(p.status.Partitions)
	p.page.Line("")
	if len(all) == 0 {
		p.page.Line("no partitions")
		return
	}
	rest := ""
	if shown := p.rows.partitions; len(all) > shown {
		slices.SortStableFunc(all, func(a, b status.Partition) int {
			return cmp.Or(cmp.Compare(ageOf(b), ageOf(a)), cmp.Compare(b.Unfinished, a.Unfinished))
		})
		unfinished := 0
		for _, at := range all[shown:] {
			unfinished += at.Unfinished
		}
		rest = fmt.Sprintf("and %d more partitions with %s", len(all)-shown, count(unfinished, "unfinished event"))
		all = all[:shown]
	}
	p.page.Columns(terminal.Place)
	p.page.Row("PARTITION", "COMMITTED", "FETCHED", "END", "OLDEST", "AGE", "UNFINISHED")
	for _, at := range all {
		p.partition(at)
	}
	if rest != "" {
		p.page.Line("%s", rest)
	}
}

// ageOf returns the age of a partition's oldest unfinished event, including events that are held back.
func ageOf(at status.Partition) float64 {
	if at.OpenTransaction != nil {
		return max(at.OldestAge, at.OpenTransaction.Age)
	}
	return at.OldestAge
}

// partition adds at most one note, about the problem that causes the others.
func (p *statusPrinter) partition(at status.Partition) {
	age := "-"
	if at.OldestAge > 0 {
		age = lasting(seconds(at.OldestAge))
	}
	p.page.Row(fmt.Sprintf("%s/%d", at.Topic, at.Partition), offset(at.Committed), offset(at.Fetched), offset(at.End),
		offset(at.OldestOffset), age, strconv.Itoa(at.Unfinished))
	switch {
	case at.Unknown:
		p.page.Note("  the broker does not know this partition; its calls and commits wait")
	case at.OpenTransaction != nil:
		p.page.Note(fmt.Sprintf("  an open transaction at %d holds back %s, the first %s old", at.OpenTransaction.LastStable,
			count(int(at.OpenTransaction.HeldBack), "event"), lasting(seconds(at.OpenTransaction.Age))))
	case at.WindowFull:
		p.page.Note("  window full; fetching continues when some of these events are finished")
	}
}

func offset(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// orders prints the orders that wait for a retry, grouped by their last response. A response that many orders share
// then takes one line, which shows at once that the problem is LeadHit and not an order.
func (p *statusPrinter) orders() {
	s := p.status
	if len(s.Orders) == 0 {
		return
	}
	p.page.Line("")
	if waiting := waitingOf(s); waiting > 1 {
		p.page.Line("%d orders wait for a retry", waiting)
	}
	p.page.Columns(terminal.Whole, terminal.Text, terminal.Whole, terminal.Whole, terminal.Whole, terminal.Place)
	p.page.Row("ORDER", "STATUS", "ATTEMPTS", "NEXT", "AGE", "EVENT")
	left := p.rows.orders
	for _, g := range groupsOf(s) {
		if left == 0 {
			break // the line above the table counts all orders
		}
		rows := g.listed[:min(len(g.listed), left)]
		left -= len(rows)
		for i, o := range rows {
			if i == 0 {
				p.page.Note(count(g.orders, "order") + ": " + terminal.Quote(lastOutcome(o)))
			}
			p.page.Row(o.Order, o.Status, strconv.Itoa(o.Tries), p.nextAttempt(o), p.ageOf(o), o.Event)
		}
		if rest := g.orders - len(rows); rest > 0 {
			p.page.Note(fmt.Sprintf("  and %d more", rest))
		}
	}
}

func (p *statusPrinter) ageOf(o status.WaitingOrder) string {
	if o.Time.IsZero() { // the worker has an older version
		return "-"
	}
	return lasting(p.status.At.Sub(o.Time))
}

// outcomeGroup describes the orders with the same last response: their number, and the orders that the status lists.
type outcomeGroup struct {
	orders int
	listed []status.WaitingOrder
}

// groupsOf groups the listed orders by their last response, the largest group first. It leaves out groups without a
// listed order.
func groupsOf(s status.Worker) []*outcomeGroup {
	byOutcome := make(map[status.Outcome]*outcomeGroup)
	var all []*outcomeGroup
	for _, o := range s.Orders {
		g := byOutcome[o.Outcome()]
		if g == nil {
			g = &outcomeGroup{}
			byOutcome[o.Outcome()] = g
			all = append(all, g)
		}
		g.listed = append(g.listed, o)
		g.orders = len(g.listed)
	}
	for _, a := range s.Outcomes {
		if g := byOutcome[a.Outcome]; g != nil {
			g.orders = max(g.orders, a.Orders)
		}
	}
	slices.SortStableFunc(all, func(a, b *outcomeGroup) int { return cmp.Compare(b.orders, a.orders) })
	return all
}

// nextAttempt treats a wait of less than half a second as over, because it would round to "in 0s". A letter is not
// paused, because it goes to Kafka, not to LeadHit.
func (p *statusPrinter) nextAttempt(o status.WaitingOrder) string {
	switch {
	case o.Next != nil && o.Next.Sub(p.status.At) >= time.Second/2:
		return "in " + lasting(o.Next.Sub(p.status.At))
	case p.status.Paused && !o.Letter:
		return "paused"
	}
	return "now"
}

// lastOutcome describes an order's last outcome. A message about an HTTP error already begins with the cause, so the
// cause is not repeated.
func lastOutcome(o status.WaitingOrder) string {
	text, message := o.Cause, strings.TrimSpace(o.Message)
	switch {
	case message == "":
	case strings.HasPrefix(strings.ToLower(message), strings.ToLower(o.Cause)):
		text = message // HTTP 503: http 503 …
	default:
		text += ": " + message
	}
	if o.Letter {
		text = "its dead letter cannot be stored; " + text
	}
	return text
}
