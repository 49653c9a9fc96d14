package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const clearLine = "\r\x1b[K"

// Progress is a bar that shows how much of something was read. One goroutine uses it. A nil Progress shows nothing.
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

// Show draws the bar, at most ten times a second.
func (p *Progress) Show(name string, done, total int64) {
	const width = 20
	full := int(done * width / max(total, 1))
	p.Draw(fmt.Sprintf("%s  %s%s  %d%%  %d of %d events", Quote(name), strings.Repeat("█", full),
		strings.Repeat("░", width-full), done*100/max(total, 1), done, total))
}

// Draw replaces the line by a text, at most ten times a second.
func (p *Progress) Draw(text string) {
	const every = 100 * time.Millisecond
	if p == nil || time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	_, _ = fmt.Fprint(p.out, clearLine+text) // when a terminal closes, a signal ends the command
}

// End removes the bar.
func (p *Progress) End() {
	if p != nil && !p.last.IsZero() {
		_, _ = fmt.Fprint(p.out, clearLine)
	}
}
