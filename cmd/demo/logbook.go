package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// logbook is a slog.Handler that keeps the worker's last lines, each folded to one line of text.
type logbook struct {
	*pages
	attrs string // of With, folded
}

// pages are what a logbook shares with those that With made of it.
type pages struct {
	mu     sync.Mutex
	lines  []logLine
	count  int
	listen string
}

// logLine is one line. Numbers count from 1.
type logLine struct {
	number int
	at     time.Time
	level  slog.Level
	text   string
}

// keptLines is more than a worker writes between two looks.
const keptLines = 200

func newLogbook() *logbook { return &logbook{pages: new(pages)} }

// Enabled says that every line from info on is kept.
func (l *logbook) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle keeps a line, and the address that the worker listens on.
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
		text.WriteString(fold(a))
		return true
	})
	l.count++
	l.lines = append(l.lines, logLine{number: l.count, at: r.Time, level: r.Level, text: strings.Join(strings.Fields(text.String()), " ")})
	if len(l.lines) > keptLines {
		l.lines = l.lines[len(l.lines)-keptLines:]
	}
	return nil
}

// WithAttrs returns a logbook that adds attributes to its lines.
func (l *logbook) WithAttrs(attrs []slog.Attr) slog.Handler {
	var added strings.Builder
	added.WriteString(l.attrs)
	for _, a := range attrs {
		added.WriteString(fold(a))
	}
	return &logbook{pages: l.pages, attrs: added.String()}
}

// WithGroup returns the logbook itself: one line has no room for groups.
func (l *logbook) WithGroup(string) slog.Handler { return l }

func fold(a slog.Attr) string { return " " + a.Key + "=" + a.Value.Resolve().String() }

// address is where the worker's pages are, empty until it has told.
func (l *logbook) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listen
}

// since returns the lines after a number, oldest first.
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
