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
