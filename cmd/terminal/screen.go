package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Screen draws frames in place. It moves the cursor relative to the start of the previous frame, so the output before
// the first frame stays visible, and so does the final frame. Each frame is one write, which first hides the cursor and
// turns wrapping off, and restores both at the end. The cursor rests below the frame, so even a crash leaves nothing to
// restore. Only one goroutine may use a Screen.
type Screen struct {
	Out  io.Writer                  // the terminal
	Size func() (columns, rows int) // of the terminal, each 1 or more

	height        int // of the frame that is shown
	columns, rows int // when it was drawn
}

// Draw replaces the previous frame. It leaves out lines that do not fit above the cursor's line. The caller must cut
// each line to the width. Each line overwrites the old one and only then clears the rest of the row, so nothing
// flickers.
func (s *Screen) Draw(lines []string) {
	const hide, show, wrapOff, wrapOn = "\x1b[?25l", "\x1b[?25h", "\x1b[?7l", "\x1b[?7h"
	const clearScreen, clearRest, clearBelow = "\x1b[2J\x1b[H", "\x1b[K", "\x1b[J"
	columns, rows := s.Size()
	lines = lines[:min(len(lines), max(rows-1, 1))]
	var out strings.Builder
	out.WriteString(hide + wrapOff)
	switch {
	case s.height > 0 && (columns != s.columns || rows != s.rows):
		out.WriteString(clearScreen) // the terminal has wrapped the old frame in its own way
	case s.height > 0:
		fmt.Fprintf(&out, "\x1b[%dA\r", s.height)
	}
	for _, line := range lines {
		out.WriteString(line + clearRest + "\r\n")
	}
	out.WriteString(clearBelow + wrapOn + show)
	s.height, s.columns, s.rows = len(lines), columns, rows
	_, _ = io.WriteString(s.Out, out.String()) // when a terminal closes, a signal ends the program
}
