package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

// outputFlag adds -o to a command.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "table", "table or json")
}

// checkOutput is a usage error for what is neither of the forms: told before any work is done.
func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return usageError{fmt.Errorf("-o %s: want table or json", output)}
	}
	return nil
}

// printAs writes a value as JSON, or calls table.
func printAs(output string, w io.Writer, value any, table func(io.Writer) error) error {
	if output == "json" {
		return printJSON(w, value, "  ")
	}
	return table(w)
}

func printJSON(w io.Writer, value any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(value)
}

// page gathers lines and tables, each table lined up by itself.
type page struct {
	out  strings.Builder
	rows [][]string
}

// row adds a row to the table. What a terminal would obey in its cells is quoted.
func (p *page) row(cells ...string) {
	for i := range cells {
		cells[i] = visible(cells[i])
	}
	p.rows = append(p.rows, cells)
}

// line ends the table and adds a line below it.
func (p *page) line(format string, args ...any) {
	p.end()
	fmt.Fprintf(&p.out, format+"\n", args...)
}

// end ends the table. The last cell of a row takes no part in lining up.
func (p *page) end() {
	var widths []int
	for _, row := range p.rows {
		for i, cell := range row[:max(len(row)-1, 0)] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for _, row := range p.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
			}
		}
		p.out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	p.rows = nil
}

// writeTo writes all of the page.
func (p *page) writeTo(w io.Writer) error {
	p.end()
	_, err := io.WriteString(w, p.out.String())
	return err
}

// columns is how many columns of a terminal a text takes: a Chinese character two, an accent that joins another none.
func columns(text string) int {
	return cells().StringWidth(text)
}

// visible returns a text that a terminal shows and does not obey: quoted where it has to be.
func visible(text string) string {
	plain := strings.TrimSpace(text) == text
	for _, r := range text {
		plain = plain && unicode.IsPrint(r) && r != unicode.ReplacementChar
	}
	if plain {
		return text
	}
	return strconv.Quote(text)
}

// count puts a number before a word: 1 event, 2 events.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
