package main

import (
	"strings"
	"testing"
	"time"
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
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "0", "0d", "-7d", "+7d", "7d-1h", "-1h", "7", "7 d", "7D", "1w", "NaNd", "Infd", "-Infd", "1e9d", "106752d",
		"7dd", "7d1d",
		"106751d48h", "yesterday", "2026-03-11", "2026-03-11 07:00:00", "2026-13-11T07:00:00Z",
	} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

// The commands agree on what a moment is, and on what they say of another text.
func TestEverySinceIsReadByOneParser(t *testing.T) {
	for _, line := range []string{"preview", "letters list"} {
		for _, since := range []string{"yesterday", "-1h", "0"} {
			got := command(t, "", append(strings.Fields(line), "--since", since)...)
			if got.code != exitUsage || !strings.Contains(got.err, errSince.Error()) ||
				!strings.Contains(got.err, `"`+since+`" for "--since"`) {
				t.Errorf("%s --since %s: got %+v, want exit code 2 and what is wanted", line, since, got)
			}
		}
		// Without settings nobody is asked: these words are understood and the settings are missing.
		for _, since := range []string{"7d", "24h", "2026-03-11T07:00:00Z"} {
			got := command(t, "", append(strings.Fields(line), "--since", since)...)
			if got.code != exitUsage || !strings.Contains(got.err, "KAFKA_BROKERS") || strings.Contains(got.err, "--since") {
				t.Errorf("%s --since %s: got %+v, want the settings to be asked for", line, since, got)
			}
		}
	}
}
