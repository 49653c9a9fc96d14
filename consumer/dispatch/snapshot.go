package dispatch

import (
	"maps"
	"time"

	"leadhit-sync/consumer/event"
)

// observed is counted for people and metrics, since the start of the process. No decision depends on it.
type observed struct {
	finished, passed uint64
	rested           map[event.Partition]time.Duration // without the rests that still last
	replayed         map[string]uint64                 // replays that ended, by outcome
}

func newObserved() observed {
	return observed{rested: map[event.Partition]time.Duration{}, replayed: map[string]uint64{}}
}

// rests notes whether fetching a partition rests because its window is full.
func (d *Dispatcher) rests(p *partition, full bool) {
	switch {
	case full && p.window.fullSince.IsZero():
		p.window.fullSince = d.asked
	case !full && !p.window.fullSince.IsZero():
		d.observed.rested[p.Partition] += d.asked.Sub(p.window.fullSince)
		p.window.fullSince = time.Time{}
	}
}

// rested is how long each partition's window was full, up to the last call of Next. It has an entry for every partition
// that is or was owned.
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

// Snapshot is a copy of the dispatcher's figures for people and metrics.
type Snapshot struct {
	Pause Pause
	// Limit is the maximum number of calls in flight now, from 1 to CallsInFlight. PerSecond is the maximum number of
	// calls per second; 0 means no maximum. Quiet is the end of LeadHit's last Retry-After and may be past.
	Limit     int
	PerSecond float64
	Quiet     time.Time
	// InFlight counts the calls in flight. Waiting counts the orders whose call failed and will be retried, after a
	// backoff or a pause. Blocked counts the events behind another event of their order, Letters the letters that are
	// not stored yet.
	InFlight, Waiting, Blocked, Letters int
	Draining                            bool
	Partitions                          []PartitionSnapshot
	// MetadataBytes is the broker's limit of a commit's metadata, as far as known: less than Config's after the broker
	// has rejected some.
	MetadataBytes int

	// Since the start of the process: Finished counts the finished events. Passed counts the events that were fetched
	// again although an earlier owner had finished them. Rested is how long each partition's window was full.
	Finished, Passed uint64
	Rested           map[event.Partition]time.Duration
}

// PartitionSnapshot is a Snapshot's part about one partition.
type PartitionSnapshot struct {
	event.Partition
	// Committed is the last acknowledged commit (-1: none yet), Position the next offset to fetch.
	Committed, Position int64
	Unfinished          int
	Bytes               int64
	// Oldest is when the oldest unfinished event began to age. Untried is the same for events that are not blocked and
	// were not called yet: more workers would help these. Zero means that there is none. OldestOffset is the lowest
	// unfinished offset.
	Oldest, Untried time.Time
	OldestOffset    int64
	// Suspect says that the broker does not know the partition, Full that the commit's metadata has no space left.
	Suspect, Full bool
	// Resting says that fetching rests, because the window is full or the metadata has no space.
	Resting bool
}

// Snapshot returns the figures of now. It visits all unfinished events.
func (d *Dispatcher) Snapshot() Snapshot {
	s := Snapshot{
		Pause: d.Pause(), InFlight: len(d.calls), Draining: d.draining, MetadataBytes: d.metadataMax,
		Letters:  len(d.stores) + len(d.refused) + len(d.urgent) + len(d.withheld),
		Finished: d.observed.finished, Passed: d.observed.passed, Rested: d.rested(),
	}
	s.Limit, s.PerSecond, s.Quiet = d.governor.Limits(d.asked)
	for _, p := range d.order {
		ps := PartitionSnapshot{
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

// earlier returns the earlier of two times; zero means none. Timestamps in one partition need not grow.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
