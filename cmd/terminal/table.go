package terminal

import "strings"

// Shrink says how the cells of a column are cut when a table is too wide for a terminal.
type Shrink uint8

const (
	// Whole cells, such as ids and numbers that people copy, are never cut.
	Whole Shrink = iota
	// Text cells lose their end.
	Text
	// Short values, such as times, lose their end only after other values have lost all they can.
	Short
	// Place cells, such as orders/3/17, lose the beginning of the topic's name, but keep the numbers.
	Place
)

const (
	gap = 2 // between columns
	// leastText is the smallest width to which a column may shrink.
	leastText = 6
)

type table struct {
	shrink []Shrink // of each column; if nil, the last cell of a row is wrapped instead
	rows   []row
}

// row has cells, or is a note.
type row struct {
	cells []string
	note  string
}

func (t *table) lines(width int) []string {
	widths := t.widths()
	most := 0 // the width at which rows that still do not fit are cut
	if width > 0 && t.shrink != nil {
		room := width - gap*(len(widths)-1)
		narrow(widths, t.least(Short), room)
		narrow(widths, t.least(Whole), room)
		most = max(width, t.uncut(widths))
	}
	var lines []string
	for n, r := range t.rows {
		switch {
		case r.cells == nil && width > 0:
			lines = append(lines, Cut(r.note, width))
		case r.cells == nil:
			lines = append(lines, r.note)
		case t.shrink == nil:
			last := len(r.cells) - 1
			lines = append(lines, Hang(t.line(n, r.cells[:last], widths), r.cells[last], width)...)
		default:
			line := strings.TrimRight(t.line(n, r.cells, widths), " ")
			if most > 0 {
				line = Cut(line, most)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// line aligns the cells of row n, with a gap after each.
func (t *table) line(n int, cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		if n > 0 && t.shrinks(i) == Place {
			cell = cutStart(cell, widths[i])
		}
		line.WriteString(Pad(Cut(cell, widths[i]), widths[i]+gap))
	}
	return line.String()
}

func (t *table) shrinks(column int) Shrink {
	if column < len(t.shrink) {
		return t.shrink[column]
	}
	return Whole
}

// widths returns the width of each column.
func (t *table) widths() []int {
	var widths []int
	for _, r := range t.rows {
		cells := r.cells
		if t.shrink == nil {
			cells = cells[:max(len(cells)-1, 0)]
		}
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	return widths
}

// least returns the minimum width of each column. A column keeps its width if its Shrink is Whole or equals fixed.
func (t *table) least(fixed Shrink) []int {
	least := t.widths()
	for i := range least {
		switch kind := t.shrinks(i); kind {
		case Whole, fixed:
		case Text, Short:
			least[i] = min(leastText, least[i])
		case Place:
			least[i] = leastText
			for _, r := range t.rows {
				if r.cells == nil {
					continue
				}
				if _, numbers, found := strings.Cut(r.cells[i], "/"); found {
					least[i] = max(least[i], Width(ellipsis+"/"+numbers))
				}
			}
		}
	}
	return least
}

// uncut returns the width of a row up to the last column with ids or numbers, plus an ellipsis for what follows.
func (t *table) uncut(widths []int) int {
	sum, keep := 0, 0
	for i, width := range widths {
		sum += width + gap
		if kind := t.shrinks(i); kind == Whole || kind == Place {
			keep = sum + Width(ellipsis)
		}
	}
	return keep
}

// narrow shrinks the widest of the columns that may shrink, until all fit or none may shrink further.
func narrow(widths, least []int, room int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > room; sum-- {
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
