package event_test

import (
	"math"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
)

func TestAnEventAgesFromItsOwnTimeOnlyIfThatIsPlausible(t *testing.T) {
	t.Parallel()
	read := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ms := read.UnixMilli()
	for name, test := range map[string]struct {
		time      time.Time
		since     time.Time
		plausible bool
	}{
		"its own":                    {read.Add(-time.Hour), read.Add(-time.Hour), true},
		"ten years old":              {read.AddDate(-10, 0, 0), read.AddDate(-10, 0, 0), true},
		"a clock half an hour ahead": {read.Add(30 * time.Minute), read, true},
		"tomorrow":                   {read.AddDate(0, 0, 1), read, false},
		"microseconds":               {time.UnixMilli(ms * 1e3), read, false},
		"nanoseconds":                {time.UnixMilli(ms * 1e6), read, false},
		"seconds":                    {time.UnixMilli(ms / 1e3), read, false},
		"none":                       {time.Time{}, read, false},
		"zero":                       {time.UnixMilli(0), read, false},
		"the year 1601":              {time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), read, false},
		"the largest":                {time.UnixMilli(math.MaxInt64), read, false},
		"the smallest":               {time.UnixMilli(math.MinInt64), read, false},
	} {
		if got := event.Since(test.time, read); !got.Equal(test.since) {
			t.Errorf("%s: got %v, want %v", name, got, test.since)
		}
		if got := event.Plausible(test.time, read); got != test.plausible {
			t.Errorf("%s: got plausible %v, want %v", name, got, test.plausible)
		}
	}
}
