package main

import (
	"fmt"
	"slices"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/cmd/worker"
)

// room is how many rows the tables of one worker may have.
type room struct{ orders, partitions int }

// block is what one worker said, and its lines in the room that it has.
type block struct {
	asked

	on    screen
	room  room
	lines []string
	least bool // its tables are as short as can be
}

func newBlock(a asked, on screen) *block {
	b := &block{asked: a, on: on, room: room{orders: mostOrderRows, partitions: mostPartitions}}
	if a.Status != nil {
		b.room.orders = min(b.room.orders, len(a.Status.Orders))
		b.room.partitions = min(b.room.partitions, len(a.Status.Partitions))
	}
	b.print()
	return b
}

func (b *block) print() {
	var p terminal.Page
	s := statusPrinter{page: &p, room: b.room}
	if b.Status == nil {
		s.labelled("state", "does not answer: "+b.Error)
		s.labelled("worker", b.URL)
	} else {
		s.status = *b.Status
		s.print(b.URL)
	}
	b.lines = p.Lines(b.on.columns)
	b.least = b.room.orders <= 1 && b.room.partitions <= 1
}

// shrink takes a row from the longer table.
func (b *block) shrink() {
	if b.room.partitions > b.room.orders {
		b.room.partitions--
	} else {
		b.room.orders--
	}
	b.print()
}

// fitStatus returns the lines for a screen. It shortens the longest tables first, then shows workers by their state alone, and then
// the first of them.
func fitStatus(all []asked, on screen) []string {
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

// longestOf is the block with the most lines that can be shortened; nil: none can.
func longestOf(blocks []*block) *block {
	var longest *block
	for _, b := range blocks {
		if !b.least && (longest == nil || len(b.lines) > len(longest.lines)) {
			longest = b
		}
	}
	return longest
}

func linesOf(all []asked, blocks []*block, on screen) []string {
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

// tooMuch fits a screen that is too small even for the shortest tables: the first lines of one worker, or a line for each.
func tooMuch(all []asked, lines []string, on screen) []string {
	most := on.lines
	if len(all) > 1 {
		lines = []string{on.cut(summaryOf(all)), ""}
		for _, a := range inTrouble(all) {
			lines = append(lines, on.cut(lineOf(a)))
		}
	}
	if len(lines) > most {
		rest := len(lines) - most + 1
		lines = append(slices.Clone(lines[:max(most-1, 0)]), fmt.Sprintf("… and %s more, without -w", count(rest, "line")))
	}
	return lines[:min(len(lines), most)]
}

// inTrouble sorts workers that did not answer first, then workers that do not run.
func inTrouble(all []asked) []asked {
	rank := func(a asked) int {
		switch {
		case a.Status == nil:
			return 0
		case a.Status.State != "running":
			return 1
		}
		return 2
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b asked) int { return rank(a) - rank(b) })
	return sorted
}

// lineOf says a worker's state in one line.
func lineOf(a asked) string {
	state := "not reached"
	if a.Status != nil {
		state = fmt.Sprintf("%s, oldest %s, %s waiting", a.Status.Text(), lasting(seconds(a.Status.OldestAge)), count(waitingOf(*a.Status), "order"))
	}
	return terminal.Quote(state) + "  " + terminal.Quote(a.URL)
}

func waitingOf(s worker.Status) int { return max(s.Waiting, len(s.Orders)) }
