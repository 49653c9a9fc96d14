package config

import (
	"fmt"
	"time"
)

// start says where a group that never committed starts to read. The zero value is the earliest event that Kafka still
// has.
type start struct {
	// Latest skips all events that are in the topics when the group first starts.
	Latest bool
	// Time, if not zero, is the timestamp of the oldest events to read.
	Time time.Time
}

// The two starts that are words, not times.
const (
	earliest = "earliest"
	latest   = "latest"
)

// String returns the setting's text: earliest, latest or an RFC 3339 time.
func (s start) String() string {
	switch {
	case s.Latest:
		return latest
	case s.Time.IsZero():
		return earliest
	}
	return s.Time.Format(time.RFC3339Nano)
}

// UnmarshalText reads earliest, latest or an RFC 3339 time with its zone, not before 1970, because Kafka counts time
// from then.
func (s *start) UnmarshalText(text []byte) error {
	switch string(text) {
	case earliest:
		*s = start{}
		return nil
	case latest:
		*s = start{Latest: true}
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil || at.Unix() < 0 {
		return fmt.Errorf("%q is not earliest, latest or an RFC 3339 time since 1970", clip(string(text)))
	}
	*s = start{Time: at}
	return nil
}
