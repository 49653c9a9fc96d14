package event

import "time"

// A record's time is what its producer wrote: milliseconds, or by mistake micro- or nanoseconds (year 57000 and beyond)
// or seconds (January 1970). It may also be 0, -1 for none, or the time of a clock that was never set.
const timeTolerance = time.Hour // Kafka's default for message.timestamp.after.max.ms

func earliestTime() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Plausible reports whether a record that has been read by now could have been written at time t: in 2000 or later, and
// at most an hour in the future.
func Plausible(t, now time.Time) bool {
	return !t.Before(earliestTime()) && !t.After(now.Add(timeTolerance))
}

// Since returns the time from which an event's age counts: the record's time, or the time of reading if the record's
// time is later or not [Plausible]. So no event's age is negative or absurd, and an event without a usable time has an
// age too. Event ages, and the alerts on them, count from this time.
func Since(t, read time.Time) time.Time {
	if !Plausible(t, read) || t.After(read) {
		return read
	}
	return t
}
