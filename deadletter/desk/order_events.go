package desk

import (
	"slices"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger/fold"
)

// The values of [OrderEvent.State] besides those that a worker reports for an event.
const (
	eventFinished    = "finished"
	eventCommitted   = "committed"
	eventLetter      = "letter"
	eventUnreached   = "not reached"
	eventNothingLeft = "nothing left"
	eventFetched     = "fetched"
	eventUncommitted = "not committed"
	eventUnknown     = "unknown"
)

// orderView is what the page of an order shows.
type orderView struct {
	Order

	Back    string // how far back to look, in the form of the --since flag
	Spans   []string
	Asked   bool // the request names an order
	Failed  error
	At      time.Time
	Command string
	// Open counts the open letters. Overtaken counts the open letters that a newer event has overtaken. Requeued counts
	// the requeued letters. Waiting counts the events that wait for a worker. Unknown counts the events whose state is
	// not known.
	Open, Overtaken, Requeued, Waiting, Unknown int
}

// count counts what is left to do.
func (v *orderView) count() {
	for _, e := range v.Events {
		switch {
		case e.Letter != nil && e.State == eventLetter && e.Letter.State == fold.Open:
			v.Open++
			if e.Letter.Overtaken {
				v.Overtaken++
			}
		case e.Letter != nil && e.State == eventLetter && e.Letter.State == fold.Requeued:
			v.Requeued++
		case e.State == eventUnknown, e.State == eventCommitted, e.State == eventFetched:
			v.Unknown++
		case e.State != eventFinished && e.State != eventLetter:
			v.Waiting++
		}
	}
}

// Tone rates the order: good, bad, busy or quiet.
func (v *orderView) Tone() string {
	switch {
	case v.Open > v.Overtaken:
		return "bad"
	case v.Waiting+v.Requeued > 0:
		return "busy"
	case v.Unknown > 0 || v.Open > 0 || !v.Complete:
		return "quiet"
	}
	return "good"
}

// Done reports whether nothing is left to do.
func (v *orderView) Done() bool { return v.Complete && v.Open+v.Requeued+v.Waiting+v.Unknown == 0 }

// Calls reports whether an event that asks for a call is finished. If so, the page explains what "finished" means.
func (v *orderView) Calls() bool {
	return slices.ContainsFunc(v.Events, func(e OrderEvent) bool {
		return e.State == eventFinished && e.Action == event.Call.String()
	})
}

// TopicList returns the names of the topics that were read.
func (v *orderView) TopicList() string { return strings.Join(v.Topics, ", ") }

// Tone rates an event: good, bad, busy or quiet.
func (e OrderEvent) Tone() string {
	switch {
	case e.State == eventFinished:
		return "good"
	case e.State == eventLetter && e.Letter != nil:
		return letterTone(*e.Letter)
	case e.Work != nil || e.State == eventUnreached || e.State == eventUncommitted || e.State == eventNothingLeft:
		return "busy"
	}
	return "quiet"
}

// letterTone rates a letter. Only an open letter is "bad".
func letterTone(s fold.Status) string {
	switch s.State {
	case fold.Open:
		return "bad"
	case fold.Requeued:
		return "busy"
	case fold.Resolved:
		return "good"
	default:
		return "quiet"
	}
}
