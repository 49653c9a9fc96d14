package main

import (
	"fmt"
	"slices"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/operator/workerpage"
)

// rows is how many rows the tables of one worker may have.
type rows struct{ orders, partitions int }

// block is the status of one worker, and its lines on the screen.
type block struct {
	workerpage.Asked

	on    screen
	rows  rows
	lines []string
	least bool // its tables cannot get shorter
}

// newBlock starts with all rows that are worth showing. Some are removed later if the blocks do not fit the screen.
func newBlock(a workerpage.Asked, on screen) *block {
	b := &block{Asked: a, on: on, rows: rows{orders: mostOrderRows, partitions: mostPartitions}}
	if a.Status != nil {
		b.rows.orders = min(b.rows.orders, len(a.Status.Orders))
		b.rows.partitions = min(b.rows.partitions, len(a.Status.Partitions))
	}
	b.print()
	return b
}

// print lays out the block with the rows that it may use, and records whether the tables can still be shortened.
func (b *block) print() {
	var p terminal.Page
	s := statusPrinter{page: &p, rows: b.rows}
	if b.Status == nil {
		s.labelled("state", "does not respond: "+b.Error)
		s.labelled("worker", b.URL)
	} else {
		s.status = *b.Status
		s.print(b.URL)
	}
	b.lines = p.Lines(b.on.columns)
	b.least = b.rows.orders <= 1 && b.rows.partitions <= 1
}

// shrink removes a row of the longer table, so that both tables stay useful as the screen gets smaller.
func (b *block) shrink() {
	if b.rows.partitions > b.rows.orders {
		b.rows.partitions--
	} else {
		b.rows.orders--
	}
	b.print()
}

// fitStatus returns the lines for a screen. It shortens the longest tables first, then shows one line per worker, then
// only the first of these lines. Each step lays out one block again, and a table has at most 20 rows, so the loop is
// short.
func fitStatus(all []workerpage.Asked, on screen) []string {
	blocks := make([]*block, len(all))
	for i, a := range all {
		blocks[i] = newBlock(a, on)
	}
	lines := linesOf(all, blocks, on)
	for on.lines > 0 && len(lines) > on.lines {
		longest := longestOf(blocks)
		if longest == nil {
			return tooMuch(all, lines, on)
		}
		longest.shrink()
		lines = linesOf(all, blocks, on)
	}
	return lines
}

// longestOf returns the longest block that can be shortened; nil if there is none.
func longestOf(blocks []*block) *block {
	var longest *block
	for _, b := range blocks {
		if !b.least && (longest == nil || len(b.lines) > len(longest.lines)) {
			longest = b
		}
	}
	return longest
}

// linesOf joins the blocks. One worker needs no summary, because its first line is its state.
func linesOf(all []workerpage.Asked, blocks []*block, on screen) []string {
	var lines []string
	if len(all) != 1 {
		lines = append(lines, on.cut(summaryOf(all)))
	}
	for _, b := range blocks {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, b.lines...)
	}
	return lines
}

// tooMuch returns the lines for a screen that is too small even for the shortest tables: the first lines of one worker,
// or a line per worker. The last line says how many lines are left out, and how to see them.
func tooMuch(all []workerpage.Asked, lines []string, on screen) []string {
	most := on.lines
	if len(all) > 1 {
		lines = []string{on.cut(summaryOf(all)), ""}
		for _, a := range urgentFirst(all) {
			lines = append(lines, on.cut(lineOf(a)))
		}
	}
	if len(lines) > most {
		rest := len(lines) - most + 1
		lines = append(slices.Clone(lines[:max(most-1, 0)]), fmt.Sprintf("… and %d more lines; see them without -w", rest))
	}
	return lines[:min(len(lines), most)]
}

// urgentFirst sorts the workers: those that did not respond come first, then those that are not running. On a small
// screen the lines at the end are cut off, and those of healthy workers matter least.
func urgentFirst(all []workerpage.Asked) []workerpage.Asked {
	rank := func(a workerpage.Asked) int {
		switch {
		case a.Status == nil:
			return 0
		case a.Status.State != "running":
			return 1
		}
		return 2
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b workerpage.Asked) int { return rank(a) - rank(b) })
	return sorted
}

// lineOf returns a worker's state in one line.
func lineOf(a workerpage.Asked) string {
	state := "not reached"
	if a.Status != nil {
		state = fmt.Sprintf("%s, oldest %s, %s waiting", a.Status.Text(), lasting(seconds(a.Status.OldestAge)),
			count(waitingOf(*a.Status), "order"))
	}
	return terminal.Quote(state) + "  " + terminal.Quote(a.URL)
}

// waitingOf counts the waiting orders. A worker with an older version sends the orders without their count.
func waitingOf(s status.Worker) int { return max(s.Waiting, len(s.Orders)) }
