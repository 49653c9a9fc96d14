package dispatch

import (
	"time"

	"leadhit-sync/consumer/event"
)

// State is a picture of the dispatcher for people and metrics.
type State struct {
	Pause Pause
	// Limit is how many calls may be in the air, from 1 up to CallsInFlight. PerSecond is the cap of calls a second, 0 for
	// none; Quiet until when LeadHit asked all to wait, which may be past.
	Limit     int
	PerSecond float64
	Quiet     time.Time
	// InFlight counts the calls in the air, Waiting the orders whose call failed and is to be repeated, after a wait or a
	// pause, Blocked the events behind another one of their order, Letters the letters on their way.
	InFlight, Waiting, Blocked, Letters int
	Draining                            bool
	Partitions                          []PartitionState
	// MetadataBytes is how much metadata the broker takes with a commit, as far as is known: less than Config's once it has
	// refused some.
	MetadataBytes int

	// From the start of the process: Finished counts the events that need nothing more, Passed those that were fetched
	// again although an earlier owner had finished them, and Rested is for how long each partition's window was full.
	Finished, Passed uint64
	Rested           map[event.Partition]time.Duration
}

// PartitionState is a picture of one partition.
type PartitionState struct {
	event.Partition
	// Committed is the last acknowledged commit (-1: none yet), Position the next offset to fetch.
	Committed, Position int64
	Unfinished          int
	Bytes               int64
	// Oldest is when the oldest unfinished event began to age, Untried the same of those that could be called but were not yet:
	// what more workers could cure. Zero: there is none. OldestOffset is the lowest unfinished one, whatever its age.
	Oldest, Untried time.Time
	OldestOffset    int64
	// Suspect says that the broker does not know the partition, Full that the commit's metadata has no more room.
	Suspect, Full bool
	// Resting says that nothing is fetched because the window is full, of events, of bytes or of metadata.
	Resting bool
}

// State returns a picture of now.
func (d *Dispatcher) State() State {
	s := State{InFlight: len(d.calls), Draining: d.draining, Letters: len(d.stores) + len(d.letters) + len(d.urgent) + len(d.withheld)}
	s.Pause = d.Pause()
	g := d.governor.State(d.asked)
	s.MetadataBytes = d.metadataMax
	s.Limit, s.PerSecond, s.Quiet = g.Limit, g.PerSecond, g.Quiet
	s.Finished, s.Passed, s.Rested = d.observed.finished, d.observed.passed, d.rested()
	for _, p := range d.order {
		ps := PartitionState{
			Partition: p.Partition, Committed: p.commits.acked.next, Position: p.window.position, Unfinished: p.window.unfinished,
			Bytes: p.window.bytes, Suspect: p.commits.suspended, Full: p.space.full, OldestOffset: -1,
			Resting: !p.window.fullSince.IsZero(),
		}
		if p.window.first != nil {
			ps.OldestOffset = p.window.first.offset
		}
		for e := p.window.first; e != nil; e = e.next {
			ps.Oldest = earlier(ps.Oldest, e.since)
			switch {
			case e.waits > 0:
				s.Blocked++
			case e.started:
				s.Waiting += e.toTryAgain()
			default:
				ps.Untried = earlier(ps.Untried, e.since)
			}
		}
		s.Partitions = append(s.Partitions, ps)
	}
	return s
}

// earlier is the earlier of two times; zero is none. Times of events in one partition need not grow.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
