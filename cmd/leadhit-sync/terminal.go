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
	if !terminal(stream) {
		return 0
	}
	file, _ := stream.(*os.File)
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
