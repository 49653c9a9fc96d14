package view_test

import (
	"testing"
	"time"

	"leadhit-sync/deadletter/view"
)

func TestSinceTakesDurationsDaysAndTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90m":                       now.Add(-90 * time.Minute),
		"24h":                       now.Add(-24 * time.Hour),
		"7d":                        now.Add(-7 * 24 * time.Hour),
		"1.5d":                      now.Add(-36 * time.Hour),
		"1d12h30m":                  now.Add(-36*time.Hour - 30*time.Minute),
		"0d1h":                      now.Add(-time.Hour),
		"36500d":                    now.Add(-36500 * 24 * time.Hour),
		"2026-03-11T07:00:00Z":      time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC),
		"2026-03-11T07:00:00.5Z":    time.Date(2026, 3, 11, 7, 0, 0, 5e8, time.UTC),
		"2026-03-11T10:00:00+03:00": time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC),
	} {
		if got, err := view.ParseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "0", "0d", "-7d", "+7d", "7d-1h", "-1h", "7", "7 d", "7D", "1w", "NaNd", "Infd", "-Infd", "1e9d", "106752d",
		"7dd", "7d1d",
		"106751d48h", "yesterday", "2026-03-11", "2026-03-11 07:00:00", "2026-13-11T07:00:00Z",
	} {
		if got, err := view.ParseSince(text, now); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}
