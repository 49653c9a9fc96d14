package consumer_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logs collects the workers' log lines, for debugging a failure.
type logs struct {
	mu      sync.Mutex
	started time.Time
	lines   []string
}

func (l *logs) add(who, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%12v %s %s", time.Since(l.started), who, text))
}

func (l *logs) handler(who string) slog.Handler {
	return slog.NewTextHandler(lines(func(line string) { l.add(who, line) }), &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
}

// say returns the lines that contain the given text.
func (l *logs) say(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func (l *logs) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-400):], "\n")
}

type lines func(line string)

func (f lines) Write(b []byte) (int, error) {
	f(string(bytes.TrimSpace(b)))
	return len(b), nil
}
