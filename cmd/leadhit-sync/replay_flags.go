package main

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// selection says which letters a replay is about.
type selection struct {
	filter view.Filter
}

// parse reads the filter and the ids. A replay of everything must be explicit, because a lost argument must not replay
// all letters.
func (s *selection) parse(f *filterFlags, ids []string) error {
	filter, empty, err := f.parse(ids)
	if err != nil {
		return err
	}
	if empty {
		return usageError{errors.New("no letters selected: give a filter, such as --cause, or ids; " +
			"--state open selects all open letters")}
	}
	if len(f.states) == 0 && len(filter.IDs) == 0 {
		// After an interrupted replay a person wants to see which letters are requeued already.
		filter.States = []fold.State{fold.Open, fold.Requeued}
	}
	filter.AllGroups = true // so that a plan can say that a letter belongs to another group
	s.filter = filter
	return nil
}

func (s *selection) headers() []string { return slices.Collect(maps.Keys(s.filter.Headers)) }

// rateFlag is the value of --rate, such as 10/s or 10.
type rateFlag float64

// Set reads the flag.
func (r *rateFlag) Set(text string) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "/s"), 64)
	if err != nil || math.IsNaN(n) || n < 0.001 || n > 10_000 {
		return errors.New("want letters per second, such as 10/s")
	}
	*r = rateFlag(n)
	return nil
}

// String returns the value.
func (r *rateFlag) String() string { return strconv.FormatFloat(float64(*r), 'f', -1, 64) + "/s" }

// Type returns the name of the value's type in the help.
func (r *rateFlag) Type() string { return "rate" }

// percentFlag is the value of --breaker, such as 20%.
type percentFlag float64

// Set reads the flag.
func (p *percentFlag) Set(text string) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 100 {
		return errors.New("want a percentage, such as 20%")
	}
	*p = percentFlag(n)
	return nil
}

// String returns the value.
func (p *percentFlag) String() string { return strconv.FormatFloat(float64(*p), 'f', -1, 64) + "%" }

// Type returns the name of the value's type in the help.
func (p *percentFlag) Type() string { return "percent" }
