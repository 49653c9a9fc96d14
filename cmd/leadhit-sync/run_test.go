package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

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
