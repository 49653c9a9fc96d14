package main

import (
	"os"

	"golang.org/x/term"
)

// terminal tells whether a person sits at the other end of a stream.
func terminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// width is the number of columns of a stream's terminal, 0 where it is none.
func width(stream any) int {
	columns, _, _ := terminalSize(stream)
	return columns
}

// terminalSize is a terminal's size; false: the stream is none, or does not say.
func terminalSize(stream any) (columns, rows int, ok bool) {
	file, isFile := stream.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, 0, false
	}
	columns, rows, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 0, 0, false
	}
	return columns, rows, true
}
