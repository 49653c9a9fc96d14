package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Page collects lines and tables, and lays them out when it is written. The zero value is an empty page.
type Page struct {
	parts []part
}

// part is a line or a table.
type part struct {
	line  string
	table *table
}

// Line adds a line, which ends the table above it. On a terminal a long line is wrapped.
func (p *Page) Line(format string, args ...any) {
	p.parts = append(p.parts, part{line: fmt.Sprintf(format, args...)})
}

// Row adds a row to the table at the end of the page. If the page does not end with a table, Row starts one. Each table
// aligns its own columns; the last cell of a row is not aligned, and is wrapped on a terminal. See [Page.Columns] for
// other layouts.
func (p *Page) Row(cells ...string) {
	for i := range cells {
		cells[i] = Quote(cells[i])
	}
	t := p.last()
	t.rows = append(t.rows, row{cells: cells})
}

// Note adds a line that is cut to the width of a terminal. It neither ends the table above it nor affects that table's
// column widths.
func (p *Page) Note(text string) {
	t := p.last()
	t.rows = append(t.rows, row{note: text})
}

// Columns starts a table whose first row is a heading, and sets how each column may shrink to fit a terminal. Each row
// must have one cell for each column; no cell is wrapped.
func (p *Page) Columns(shrink ...Shrink) {
	p.parts = append(p.parts, part{table: &table{shrink: shrink}})
}

// last returns the table at the end of the page. If the page does not end with a table, last adds one.
func (p *Page) last() *table {
	if n := len(p.parts); n > 0 && p.parts[n-1].table != nil {
		return p.parts[n-1].table
	}
	t := new(table)
	p.parts = append(p.parts, part{table: t})
	return t
}

// Lines returns the page laid out for a width.
func (p *Page) Lines(width int) []string {
	var lines []string
	for _, part := range p.parts {
		if part.table != nil {
			lines = append(lines, part.table.lines(width)...)
		} else {
			lines = append(lines, Hang("", part.line, width)...)
		}
	}
	return lines
}

// Print writes the page, laid out for the terminal if w is one.
func (p *Page) Print(w io.Writer) error {
	columns, _ := Size(w)
	text := strings.Join(p.Lines(columns), "\n")
	if len(p.parts) > 0 {
		text += "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
