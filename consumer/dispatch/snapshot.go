package dispatch

import (
	"maps"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/event"
)

// observed holds figures for human readers and metrics, counted since the start of the process. No decision depends on
// them.
type observed struct {
	finished, passed uint64
	repeats          uint64
	rested           map[event.Partition]time.Duration // excluding rests that have not ended
	replayed         map[string]uint64                 // replays that ended, by outcome
}

func newObserved() observed {
	return observed{rested: map[event.Partition]time.Duration{}, replayed: map[string]uint64{}}
}

// rests records whether fetching a partition rests because its window is full.
func (d *Dispatcher) rests(p *partition, full bool) {
	switch {
	case full && p.window.fullSince.IsZero():
		p.window.fullSince = d.asked
	case !full && !p.window.fullSince.IsZero():
		d.observed.rested[p.Partition] += d.asked.Sub(p.window.fullSince)
		p.window.fullSince = time.Time{}
	}
}

// rested returns how long each partition's window was full, up to the last call to Next. It has an entry for every
// owned partition, and for every formerly owned one whose window was full at some time.
func (d *Dispatcher) rested() map[event.Partition]time.Duration {
	all := maps.Clone(d.observed.rested)
	for _, p := range d.order {
		lasts := time.Duration(0)
		if !p.window.fullSince.IsZero() {
			lasts = d.asked.Sub(p.window.fullSince)
		}
		all[p.Partition] += lasts
	}
	return all
}

// Snapshot returns the current figures. It visits all unfinished events.
func (d *Dispatcher) Snapshot() snapshot.Snapshot {
	s := snapshot.Snapshot{
		Pause: d.Pause(), InFlight: len(d.calls), Draining: d.draining, MetadataBytes: d.metadataMax,
		Letters:  len(d.stores) + len(d.refused) + len(d.urgent) + len(d.withheld),
		Finished: d.observed.finished, Passed: d.observed.passed, Rested: d.rested(),
		Repeats: d.observed.repeats, Remembered: d.memory.size(),
	}
	s.Limit, s.PerSecond, s.Quiet = d.governor.Limits(d.asked)
	for _, p := range d.order {
		ps := snapshot.PartitionSnapshot{
			Partition: p.Partition, Committed: p.commits.acked.next, Position: p.window.position,
			Unfinished: p.window.unfinished, Bytes: p.window.bytes, Suspect: p.commits.suspended,
			Full: p.space.none, OldestOffset: -1, Resting: !p.window.fullSince.IsZero(),
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

// earlier returns the earlier of two times; zero means none. Timestamps in one partition need not be in order.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
