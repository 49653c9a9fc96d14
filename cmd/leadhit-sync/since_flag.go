package main

import (
	"time"

	"leadhit-sync/deadletter/view"
)

// sinceFlag is the value of --since or --until: a duration before now, or a time. The duration is counted from the
// moment when the flag is read, so all reads of a command use the same time.
type sinceFlag struct {
	text string
	from time.Time
}

// Set reads the flag.
func (s *sinceFlag) Set(text string) error {
	from, err := view.ParseSince(text, time.Now())
	if err != nil {
		return err
	}
	s.text, s.from = text, from
	return nil
}

// String returns the given text.
func (s *sinceFlag) String() string { return s.text }

// Type returns the name of the value's type in the help.
func (s *sinceFlag) Type() string { return "duration|time" }
