package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a log handler that takes a second per line.
type slowly struct{ slog.Handler }

func (s slowly) Handle(ctx context.Context, r slog.Record) error {
	time.Sleep(time.Second)
	return s.Handler.Handle(ctx, r)
}

func TestTheLogHasStoppingBeforeStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := slog.New(slowly{handler(&out, "text", nil)})
		ctx, cancel := context.WithCancel(t.Context())
		stopped := false
		announced := announceStop(ctx, func() { stopped = true }, log)
		cancel()
		announced()
		if !stopped || strings.Count(out.String(), "stopping: finishing the calls in flight") != 1 {
			t.Errorf("got %q, want the line written, and the next signal let through (%v)", out.String(), stopped)
		}
	})
}

func TestAWorkerThatFailsDoesNotLogStopping(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	announceStop(ctx, func() {}, slog.New(handler(&out, "text", nil)))()
	cancel()
	if out.Len() > 0 {
		t.Errorf("got %q, want nothing", out.String())
	}
}

func TestDurationsInTheLogAreText(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"json": `"retention":"168h0m0s","pause":{"paused_for":"1.5s"}`,
		"text": `retention=168h0m0s pause.paused_for=1.5s`,
	} {
		var out strings.Builder
		slog.New(handler(&out, format, nil)).Info("told", slog.Duration("retention", 7*24*time.Hour),
			slog.Group("pause", slog.Duration("paused_for", 1500*time.Millisecond)), slog.Int("tries", 2))
		if got := out.String(); !strings.Contains(got, want) || !strings.Contains(got, "2") {
			t.Errorf("%s: got %s, want %s", format, got, want)
		}
	}
}
