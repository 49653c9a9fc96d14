package terminal

import (
	"fmt"
	"io"
	"time"
)

const clearLine = "\r\x1b[K"

// Progress is one line that shows how far a command has got. Only one goroutine may use it. A nil Progress shows
// nothing.
type Progress struct {
	out  io.Writer
	last time.Time
}

// NewProgress returns nil unless w is a terminal.
func NewProgress(w io.Writer) *Progress {
	if !Is(w) {
		return nil
	}
	return &Progress{out: w}
}

// Draw replaces the line with text, at most ten times a second.
func (p *Progress) Draw(text string) {
	const every = 100 * time.Millisecond
	if p == nil || time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	_, _ = fmt.Fprint(p.out, clearLine+text) // when a terminal closes, a signal ends the command
}

// End removes the line.
func (p *Progress) End() {
	if p != nil && !p.last.IsZero() {
		_, _ = fmt.Fprint(p.out, clearLine)
	}
}
