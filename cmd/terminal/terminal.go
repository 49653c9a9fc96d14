// Package terminal lays out what people read in a terminal: text, tables, progress, and a screen that is drawn in
// place.
//
// Every width is a number of terminal columns: a Chinese character takes two, a combining accent none. For [Page.Lines]
// and [Hang], a width of 0 means that there is no terminal: nothing is cut or wrapped, so that pipes and files get
// everything.
//
// [Page] is the usual way to print:
//
//	var p terminal.Page
//	p.Row("ORDER", "STATUS")
//	p.Row(order, status)
//	err := p.Print(os.Stdout)
//
// Text from outside may contain characters that a terminal interprets. [Page.Row] quotes them in its cells; other text
// must go through [Quote] or [Escape] first.
package terminal

import (
	"os"

	"golang.org/x/term"
)

// Is reports whether a stream is a terminal.
func Is(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Size returns the columns and rows of a stream's terminal. Both are 0 if the stream is not a terminal or does not know
// its size.
func Size(stream any) (columns, rows int) {
	if !Is(stream) {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(stream.(*os.File).Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 0, 0
	}
	return columns, rows
}
