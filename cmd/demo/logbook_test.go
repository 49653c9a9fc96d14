package main

import (
	"log/slog"
	"testing"
	"time"
)

func TestTimesInTheLogAreShort(t *testing.T) {
	t.Parallel()
	book := newLogbook()
	since := time.Date(2026, 3, 11, 10, 0, 30, 480_589_946, time.FixedZone("MSK", 3*3600))
	slog.New(book).Info("calls paused", slog.Time("since", since), slog.Int("calls", 3))
	const want = "calls paused since=2026-03-11T07:00:30Z calls=3"
	if got := book.since(0)[0].text; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
