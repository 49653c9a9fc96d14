package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"leadhit-sync/cmd/terminal"
)

// plain is a painter for files and pipes. It prints a line of figures each second, and a line for each beat of the
// story. It writes no escape sequences, so its output can be compared and searched. Warnings are printed even without
// -v.
type plain struct {
	out     io.Writer
	verbose bool

	next  time.Duration
	beats int
}

func (p *plain) manner() (int, ink) { return 80, colourless }

// paint prints the addresses once, with the first view, because a reader of a log looks for them at the top.
func (p *plain) paint(v view) {
	if p.beats == 0 && p.next == 0 {
		p.print(v.elapsed, "desk at http://%s", v.desk)
		p.print(v.elapsed, "look at http://%s/readyz  /metrics  /status", v.address)
	}
	p.news(v)
	if v.elapsed >= p.next {
		p.figures(v)
		p.next = v.elapsed.Truncate(time.Second) + time.Second
	}
}

func (p *plain) finish(v view) {
	p.news(v)
	p.figures(v)
}

// news prints what has happened since the last view.
func (p *plain) news(v view) {
	for _, b := range v.beats[min(p.beats, len(v.beats)):] {
		p.print(b.at, "story: %s", b.text)
		p.beats = b.number
	}
	for _, l := range v.log {
		if p.verbose || l.level >= slog.LevelWarn {
			p.print(v.elapsed, "log: %s %s", l.level, terminal.Escape(l.text))
		}
	}
}

// figures prints all figures on one line, always in the same order, so that lines can be compared and split.
func (p *plain) figures(v view) {
	p.print(v.elapsed, "%s · events %d · calls %d (%.0f/s) · in flight %d · waiting %d · retries %d · letters %d · "+
		"unfinished %d · oldest %s",
		v.state, v.events, v.calls, v.perSecond, v.inFlight, v.waiting, v.retries, v.letters, v.unfinished, seconds(v.oldest))
}

func (p *plain) print(at time.Duration, format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, "%6s  %s\n", clock(at), fmt.Sprintf(format, args...))
}
