package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// logbook is a slog.Handler that keeps the last lines of the worker's log as text. Another handler writes the log file.
type logbook struct {
	*pages
	attrs string // from WithAttrs, as text
}

// pages are what a logbook shares with the handlers that Logger.With derives from it. Each part of the worker has a
// handler of its own, and all of them write to one log.
type pages struct {
	mu     sync.Mutex
	lines  []logLine
	count  int
	listen string
}

// logLine is one line. Lines are numbered from 1.
type logLine struct {
	number int
	at     time.Time
	level  slog.Level
	text   string
}

// keptLines is more lines than a worker writes between two frames. The bound matters in a demo without -for, which may
// run for days.
const keptLines = 200

func newLogbook() *logbook { return &logbook{pages: new(pages)} }

// Enabled reports whether level is info or higher.
func (l *logbook) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle stores a line. It takes the address of the worker's pages from the "listening" line, because the worker
// listens on a free port that only its log names.
func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var text strings.Builder
	text.WriteString(r.Message)
	text.WriteString(l.attrs)
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "listening" && a.Key == "addr" {
			l.listen = a.Value.String()
		}
		text.WriteString(pair(a))
		return true
	})
	l.count++
	// Line breaks and repeated spaces would break the frame, so white space is reduced to single spaces.
	l.lines = append(l.lines, logLine{
		number: l.count, at: r.Time, level: r.Level,
		text: strings.Join(strings.Fields(text.String()), " "),
	})
	if len(l.lines) > keptLines {
		l.lines = l.lines[len(l.lines)-keptLines:]
	}
	return nil
}

// WithAttrs returns a handler that adds attributes to its lines.
func (l *logbook) WithAttrs(attrs []slog.Attr) slog.Handler {
	var added strings.Builder
	added.WriteString(l.attrs)
	for _, a := range attrs {
		added.WriteString(pair(a))
	}
	return &logbook{pages: l.pages, attrs: added.String()}
}

// WithGroup returns the logbook itself, because a line is too short for groups.
func (l *logbook) WithGroup(string) slog.Handler { return l }

// pair formats an attribute as key=value. It shortens times, because Go's default format is too long for a row.
func pair(a slog.Attr) string {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindTime {
		return " " + a.Key + "=" + value.Time().UTC().Format(time.RFC3339)
	}
	return " " + a.Key + "=" + value.String()
}

// address returns the address of the worker's pages, or "" until the worker has logged it.
func (l *logbook) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listen
}

// since returns the lines with numbers above the given one, oldest first. A reader that falls behind by more than
// keptLines misses the oldest lines, but the log file has them.
func (l *logbook) since(number int) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.lines {
		if l.lines[i].number > number {
			return slices.Clone(l.lines[i:])
		}
	}
	return nil
}
