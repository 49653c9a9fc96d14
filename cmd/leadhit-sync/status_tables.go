package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"leadhit-sync/cmd/worker"
)

// mostPartitions is how many partitions have a line of their own.
const mostPartitions = 20

// partitions prints all partitions, or of many those with the oldest unfinished events.
func (p *statusPrinter) partitions() {
	all := slices.Clone(p.status.Partitions)
	p.page.line("")
	if len(all) == 0 {
		p.page.line("no partitions")
		return
	}
	rest := ""
	if len(all) > mostPartitions {
		slices.SortStableFunc(all, func(a, b worker.PartitionStatus) int {
			return cmp.Or(cmp.Compare(b.OldestAge, a.OldestAge), cmp.Compare(b.Unfinished, a.Unfinished))
		})
		unfinished := 0
		for _, at := range all[mostPartitions:] {
			unfinished += at.Unfinished
		}
		rest = fmt.Sprintf("and %d partitions more, with %s", len(all)-mostPartitions, count(unfinished, "unfinished event"))
		all = all[:mostPartitions]
	}
	t := table{
		rows:   []tableRow{{cells: []string{"PARTITION", "COMMITTED", "FETCHED", "END", "OLDEST", "AGE", "UNFINISHED"}}},
		places: []int{0},
	}
	for _, at := range all {
		t.rows = append(t.rows, partitionRow(at))
	}
	t.print(p.page)
	if rest != "" {
		p.page.line("%s", rest)
	}
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

// orders prints the orders that wait for their next try, each with its last answer below.
func (p *statusPrinter) orders() {
	s := p.status
	if len(s.Orders) == 0 {
		return
	}
	p.page.line("")
	if len(s.Orders) < s.Waiting {
		p.page.line("the %d oldest of %d orders that wait for their next try", len(s.Orders), s.Waiting)
	}
	t := table{
		rows:  []tableRow{{cells: []string{"ORDER", "STATUS", "TRIES", "NEXT TRY", "AGE", "EVENT"}}},
		texts: []int{0, 1}, places: []int{5},
	}
	for _, o := range s.Orders {
		t.rows = append(t.rows, tableRow{
			cells: []string{
				o.Order, o.Status, strconv.Itoa(o.Tries), p.nextTry(o), lasting(s.At.Sub(o.Time)), o.Event,
			},
			below: lastAnswer(o),
		})
	}
	t.print(p.page)
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

// table lines columns up within statusWidth. The first row is the heading.
type table struct {
	rows []tableRow
	// The columns that may shrink first. A place, such as orders/3/17, loses its beginning, for its numbers stand at the end.
	texts, places []int
}

type tableRow struct {
	cells []string
	below string // indented under the row
}

func (t *table) print(p *page) {
	widths := make([]int, len(t.rows[0].cells))
	for _, row := range t.rows {
		for i := range row.cells {
			row.cells[i] = visible(row.cells[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row.cells[i]))
		}
	}
	narrow(widths, statusWidth-2*(len(widths)-1), slices.Concat(t.texts, t.places))
	for n, row := range t.rows {
		var line strings.Builder
		for i, cell := range row.cells {
			if n > 0 && slices.Contains(t.places, i) {
				cell = clipStart(cell, widths[i])
			}
			cell = clip(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		p.line("%s", strings.TrimRight(line.String(), " "))
		if row.below != "" {
			p.line("  %s", clip(visible(row.below), statusWidth-2))
		}
	}
}

// narrow takes from the widest of the columns that may shrink until all fit, and then from the widest of all.
func narrow(widths []int, room int, shrinking []int) {
	const least = 6
	for sum := total(widths); sum > room; sum-- {
		widest := -1
		for _, i := range shrinking {
			if widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			widest = slices.Index(widths, slices.Max(widths))
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
