package view

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errSince = errors.New("want a duration above 0, such as 24h or 7d, or a time, such as 2026-01-31T00:00:00Z")

// ParseSince reads a duration, such as 90m, 7d or 1d12h, or an RFC 3339 time. Go's own durations have no unit above the
// hour, because a day may have 23 or 25 hours. For a filter, a day is always 24 hours, because the question is how old
// an event is, not what the calendar says.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	d, err := strconv.ParseFloat(days, 64)
	if err != nil || d < 0 || math.IsNaN(d) || strings.HasPrefix(days, "+") {
		return time.Time{}, errSince
	}
	var ago time.Duration
	if rest != "" {
		if ago, err = time.ParseDuration(rest); err != nil || ago < 0 {
			return time.Time{}, errSince
		}
	}
	// A duration overflows after 292 years, and a time that far back would wrap into the future.
	const day, most = 24 * time.Hour, math.MaxInt64 / float64(24*time.Hour)
	if d >= most-ago.Hours()/24 {
		return time.Time{}, errSince
	}
	if ago += time.Duration(d * float64(day)); ago <= 0 {
		return time.Time{}, errSince
	}
	return now.Add(-ago), nil
}
