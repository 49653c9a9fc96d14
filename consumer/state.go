package consumer

import (
	"maps"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer/dispatch"
)

// Phase says what the membership is about.
type Phase string

// The phases, in the order in which a worker meets them.
const (
	Starting  Phase = "starting"
	Waiting   Phase = "waiting"   // for Kafka, or for topics that do not exist yet
	Joining   Phase = "joining"   // the group
	Consuming Phase = "consuming" // with or without partitions
	Draining  Phase = "draining"  // finishes what is in the air
	Stopped   Phase = "stopped"
)

type phase struct {
	name   Phase
	since  time.Time
	joined bool // once at least
}

func (c *Consumer) enter(name Phase) {
	was := c.phase.Load()
	if was != nil && was.name == name {
		return
	}
	joined := name == Consuming || was != nil && was.joined
	c.phase.Store(&phase{name, time.Now(), joined})
}

type counts struct {
	fetched, commits, commitFailures, generations, expired, restarted, letterFailures atomic.Uint64
}

// State is a picture of the consumer for people, probes and metrics. Counters count from the start of the process.
type State struct {
	Phase Phase
	Since time.Time
	// Joined says that the group was joined once.
	Joined   bool
	Dispatch dispatch.State
	// Ends are the log ends, as of the last fetch of each partition.
	Ends map[dispatch.Partition]int64

	Fetched, Commits, CommitFailures, Generations uint64
	// Expired counts events that retention took unread, Restarted partitions that were truncated or made anew.
	Expired, Restarted uint64
	LetterFailures     uint64
}

// State takes a turn to look. After Run there is no Dispatch.
func (c *Consumer) State() State {
	var s State
	c.send(func(time.Time) {
		s.Dispatch = c.dispatcher.State()
		s.Ends = maps.Clone(c.ends)
	})
	p := c.phase.Load()
	s.Phase, s.Since, s.Joined = p.name, p.since, p.joined
	s.Fetched, s.Commits = c.counts.fetched.Load(), c.counts.commits.Load()
	s.CommitFailures, s.Generations = c.counts.commitFailures.Load(), c.counts.generations.Load()
	s.Expired, s.Restarted = c.counts.expired.Load(), c.counts.restarted.Load()
	s.LetterFailures = c.counts.letterFailures.Load()
	return s
}

// Phase returns the phase, since when, and whether the group was joined once. It never waits.
func (c *Consumer) Phase() (name Phase, since time.Time, joined bool) {
	p := c.phase.Load()
	return p.name, p.since, p.joined
}

// Pulse is when the last turn was taken: once a second at least. The zero time: never yet.
func (c *Consumer) Pulse() time.Time {
	if n := c.pulse.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}
