package audit

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// Standstill is a period in which no event in a partition was settled although some were waiting.
type Standstill struct {
	Place
	From, To time.Time
}

// Standstills returns the standstills of at least the given length, sorted by their start. Events whose Stored is zero
// are ignored.
func Standstills(events []Event, calls []sandbox.Call, least time.Duration) []Standstill {
	settled := make(map[string]time.Time)
	for _, call := range calls {
		if _, is := settled[call.ID]; !is && settles(call) {
			settled[call.ID] = call.Arrived
		}
	}
	waits := make(map[Place][]wait)
	for _, event := range events {
		if at, is := settled[event.CallID()]; is && !event.Stored.IsZero() {
			place := Place{event.Topic, event.Partition}
			waits[place] = append(waits[place], wait{event.Stored, at})
		}
	}
	var found []Standstill
	for place, all := range waits {
		for _, s := range stills(all) {
			if s.Place = place; s.To.Sub(s.From) >= least {
				found = append(found, s)
			}
		}
	}
	slices.SortFunc(found, func(a, b Standstill) int { return cmp.Or(a.From.Compare(b.From), a.Partition-b.Partition) })
	return found
}

// wait is the time that one event waited, from when it was stored until it was settled.
type wait struct{ stored, settled time.Time }

// stills returns the periods between the times at which a partition's events were settled. If no event is waiting when
// one is settled, the period starts only when the next event is stored.
func stills(waits []wait) []Standstill {
	steps := make([]time.Time, 0, len(waits))
	for _, w := range waits {
		steps = append(steps, w.settled)
	}
	slices.SortFunc(steps, time.Time.Compare)
	steps = slices.CompactFunc(steps, time.Time.Equal)
	slices.SortFunc(waits, func(a, b wait) int { return a.stored.Compare(b.stored) })
	var found []Standstill
	var last time.Time
	oldest := 0
	for _, step := range steps {
		for !waits[oldest].settled.After(last) { // ends at the event that was settled at step, if not before
			oldest++
		}
		from := waits[oldest].stored
		if last.After(from) {
			from = last
		}
		if step.After(from) {
			found = append(found, Standstill{From: from, To: step})
		}
		last = step
	}
	return found
}
