package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/cmd/worker"
)

// mostPartitions and mostOrderRows are how many partitions and orders have a line of their own.
const mostPartitions, mostOrderRows = 20, 20

// partitions prints all partitions, or of many those with the oldest unfinished events.
func (p *statusPrinter) partitions() {
	all := slices.Clone(p.status.Partitions)
	p.page.line("")
	if len(all) == 0 {
		p.page.line("no partitions")
		return
	}
	rest := ""
	if shown := p.room.partitions; len(all) > shown {
		slices.SortStableFunc(all, func(a, b worker.PartitionStatus) int {
			return cmp.Or(cmp.Compare(ageOf(b), ageOf(a)), cmp.Compare(b.Unfinished, a.Unfinished))
		})
		unfinished := 0
		for _, at := range all[shown:] {
			unfinished += at.Unfinished
		}
		rest = fmt.Sprintf("and %d more partitions with %s", len(all)-shown, count(unfinished, "unfinished event"))
		all = all[:shown]
	}
	t := table{
		rows:   []tableRow{{cells: []string{"PARTITION", "COMMITTED", "FETCHED", "END", "OLDEST", "AGE", "UNFINISHED"}}},
		places: []int{0},
	}
	for _, at := range all {
		t.rows = append(t.rows, partitionRow(at))
	}
	t.print(p.page, p.screen)
	if rest != "" {
		p.page.line("%s", rest)
	}
}

// ageOf is the age of a partition's oldest event that is not finished, one that cannot be read included.
func ageOf(at worker.PartitionStatus) float64 {
	if at.OpenTransaction != nil {
		return max(at.OldestAge, at.OpenTransaction.Age)
	}
	return at.OldestAge
}

func partitionRow(at worker.PartitionStatus) tableRow {
	row := tableRow{cells: []string{
		fmt.Sprintf("%s/%d", at.Topic, at.Partition), offset(at.Committed), offset(at.Fetched), offset(at.End), offset(at.OldestOffset),
		"-", strconv.Itoa(at.Unfinished),
	}}
	if at.OldestAge > 0 {
		row.cells[5] = lasting(seconds(at.OldestAge))
	}
	switch {
	case at.Unknown:
		row.below = "the broker does not know it; its calls and commits wait"
	case at.OpenTransaction != nil:
		row.below = fmt.Sprintf("an open transaction at %d holds back %s, the first %s old", at.OpenTransaction.LastStable,
			count(int(at.OpenTransaction.HeldBack), "event"), lasting(seconds(at.OpenTransaction.Age)))
	case at.WindowFull:
		row.below = "its window is full; no more is fetched until some of it is finished"
	}
	return row
}

func offset(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// orders prints the orders that wait for their next try, those with the same last answer together.
func (p *statusPrinter) orders() {
	s := p.status
	if len(s.Orders) == 0 {
		return
	}
	p.page.line("")
	if waiting := waitingOf(s); waiting > 1 {
		p.page.line("%d orders wait for their next try", waiting)
	}
	t := table{
		rows:  []tableRow{{cells: []string{"ORDER", "STATUS", "TRIES", "NEXT TRY", "AGE", "EVENT"}}},
		texts: []int{1}, places: []int{5},
	}
	left := p.room.orders
	for _, g := range groupsOf(s) {
		if left == 0 {
			break // what is not shown is counted above
		}
		rows := g.listed[:min(len(g.listed), left)]
		left -= len(rows)
		for i, o := range rows {
			row := tableRow{cells: []string{o.Order, o.Status, strconv.Itoa(o.Tries), p.nextTry(o), p.ageOf(o), o.Event}}
			if i == 0 {
				row.above = count(g.orders, "order") + ": " + visible(lastAnswer(o))
			}
			if rest := g.orders - len(rows); i == len(rows)-1 && rest > 0 {
				row.below = fmt.Sprintf("and %d more", rest)
			}
			t.rows = append(t.rows, row)
		}
	}
	t.print(p.page, p.screen)
}

func (p *statusPrinter) ageOf(o worker.WaitingOrder) string {
	if o.Time.IsZero() { // of a worker of an earlier version
		return "-"
	}
	return lasting(p.status.At.Sub(o.Time))
}

// answerGroup is the orders with one last answer: how many there are, and those that the status lists.
type answerGroup struct {
	orders int
	listed []worker.WaitingOrder
}

// groupsOf groups the listed orders by their last answer, the largest group first. A group of which no order is listed is left out.
func groupsOf(s worker.Status) []*answerGroup {
	byAnswer := make(map[worker.Answer]*answerGroup)
	var all []*answerGroup
	for _, o := range s.Orders {
		g := byAnswer[o.Answer()]
		if g == nil {
			g = &answerGroup{}
			byAnswer[o.Answer()] = g
			all = append(all, g)
		}
		g.listed = append(g.listed, o)
		g.orders = len(g.listed)
	}
	for _, a := range s.Answers {
		if g := byAnswer[a.Answer]; g != nil {
			g.orders = max(g.orders, a.Orders)
		}
	}
	slices.SortStableFunc(all, func(a, b *answerGroup) int { return cmp.Compare(b.orders, a.orders) })
	return all
}

func (p *statusPrinter) nextTry(o worker.WaitingOrder) string {
	switch {
	case o.Next != nil && o.Next.Sub(p.status.At) >= time.Second/2:
		return "in " + lasting(o.Next.Sub(p.status.At))
	case p.status.Paused && !o.Letter:
		return "paused"
	}
	return "now"
}

func lastAnswer(o worker.WaitingOrder) string {
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

// table lines columns up. The first row is the heading.
type table struct {
	rows []tableRow
	// texts and places are the columns that may shrink to fit a screen; ids and numbers stay whole. A place, such as orders/3/17,
	// loses the beginning of its topic, and keeps its partition and offset.
	texts, places []int
}

type tableRow struct {
	cells []string
	// above stands over the row, below indented under it.
	above, below string
}

func (t *table) print(p *page, on screen) {
	widths, least := t.measure()
	if on.columns > 0 {
		narrow(widths, least, on.columns-2*(len(widths)-1))
	}
	for n, row := range t.rows {
		var line strings.Builder
		for i, cell := range row.cells {
			if n > 0 && slices.Contains(t.places, i) {
				cell = clipStart(cell, widths[i])
			}
			cell = clip(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		if row.above != "" {
			p.line("%s", on.clip(visible(row.above), 0))
		}
		p.line("%s", strings.TrimRight(line.String(), " "))
		if row.below != "" {
			p.line("  %s", on.clip(visible(row.below), 2))
		}
	}
}

// measure returns the width of each column, and the least width to which it may shrink. It makes the cells visible.
func (t *table) measure() (widths, least []int) {
	const leastText = 6
	widths, least = make([]int, len(t.rows[0].cells)), make([]int, len(t.rows[0].cells))
	for _, row := range t.rows {
		for i := range row.cells {
			row.cells[i] = visible(row.cells[i])
			widths[i] = max(widths[i], columns(row.cells[i]))
			if _, numbers, ok := strings.Cut(row.cells[i], "/"); ok && slices.Contains(t.places, i) {
				least[i] = max(least[i], leastText, columns("…/"+numbers))
			}
		}
	}
	for i := range widths {
		switch {
		case slices.Contains(t.texts, i):
			least[i] = min(leastText, widths[i])
		case !slices.Contains(t.places, i):
			least[i] = widths[i]
		}
	}
	return widths, least
}

// narrow takes from the widest of the columns that may shrink until all fit, or none may shrink any more.
func narrow(widths, least []int, room int) {
	for sum := total(widths); sum > room; sum-- {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func total(widths []int) int {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	return sum
}
