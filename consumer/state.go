package consumer

import (
	"maps"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/event"
)

// The phases of the membership, in the order in which a worker passes through them.
const (
	Starting = "starting"
	Waiting  = "waiting"  // for what State.Waits lists: Kafka, or a topic that does not exist yet
	Joining  = "joining"  // the group
	Running  = "running"  // consuming, with or without partitions
	Draining = "draining" // finishing the calls in flight
	Stopped  = "stopped"
)

type phase struct {
	name   string
	since  time.Time
	joined bool      // at least once
	apart  time.Time // when the last generation ended; zero within one, including its drain
}

// phases holds the phase of the membership. Its methods never block.
type phases struct{ phase atomic.Pointer[phase] }

// enter begins a phase. Until the next generation starts, it keeps the time when the last one ended, because an alert
// measures how long nothing was consumed, not how long the last attempt took.
func (p *phases) enter(name string) {
	was := p.phase.Load()
	if was != nil && was.name == name {
		return
	}
	next := phase{name: name, since: time.Now()}
	next.joined = name == Running || was != nil && was.joined
	switch {
	case name == Running, name == Draining && was != nil && was.name == Running:
	case was == nil || was.apart.IsZero():
		next.apart = next.since
	default:
		next.apart = was.apart
	}
	if name == Waiting || name == Joining { // they may alternate while nothing succeeds
		next.since = next.apart
	}
	p.phase.Store(&next)
}

// Joined reports whether the worker has ever been in a generation of the group. Unlike State it needs no turn, so a
// health probe may call it.
func (p *phases) Joined() bool { return p.phase.Load().joined }

type counts struct {
	fetched, commits, commitFailures, generations, expired, restarted, letterFailures, predecessors atomic.Uint64
	unowned                                                                                         atomic.Int64
}

// State is a snapshot of the consumer for human readers, health probes and metrics. Counters count from the start of
// the process.
type State struct {
	Phase string // Starting to Stopped
	// Since is when the phase began. Waiting and Joining may alternate while nothing succeeds: in these two phases,
	// Since is Apart.
	Since time.Time
	// Waits lists what the worker waits for now, oldest first. During some of these waits, it consumes other partitions.
	Waits []Wait
	// Joined says that the worker has been in a generation of the group at least once.
	Joined bool
	// Apart is when the worker left its last generation of the group, or when the Consumer was created if there has
	// been none. It is zero within a generation. Its age keeps growing during an endless rebalance, and while a join
	// gets no response.
	Apart time.Time
	// Dispatch has the figures for the current generation, and those for the whole process.
	Dispatch snapshot.Snapshot
	// Ends are the log ends, as of the last fetch of each partition.
	Ends map[event.Partition]int64
	// Unreadable are the partitions that are stuck because their next batch cannot be read.
	Unreadable []Unreadable
	// HeldBack has the partitions in which an open transaction has held back events for a few seconds or longer.
	HeldBack map[event.Partition]HeldBack

	// Fetched counts events. Commits and CommitFailures count the offsets of partitions: one request commits several.
	Fetched, Commits, CommitFailures, Generations uint64
	// Expired counts events that retention deleted unread. Restarted counts partitions that were truncated or
	// recreated.
	Expired, Restarted uint64
	// LetterFailures counts failed attempts to store a letter. Each is retried, so no letter is lost.
	LetterFailures uint64
	// Predecessors counts the dead members with this worker's place that the worker removed from the group.
	Predecessors uint64
	// Unowned is how many partitions no member of the group consumes. The group's leader counts them every 10 seconds;
	// on the other members, Unowned is 0.
	Unowned int
}

// State takes a turn and returns a snapshot. After Run has returned, only the phase, the waits and the counters are
// set.
func (c *Consumer) State() State {
	var s State
	c.send(func(time.Time) {
		s.Dispatch = c.dispatcher.Snapshot()
		s.Ends = maps.Clone(c.fetcher.ends)
		s.Unreadable = c.fetcher.allUnreadable()
		s.HeldBack = c.fetcher.holds.reported()
	})
	p, waits := c.phaseAndWaits()
	s.Phase, s.Since, s.Joined, s.Apart, s.Waits = p.name, p.since, p.joined, p.apart, waits
	s.Fetched, s.Commits = c.counts.fetched.Load(), c.counts.commits.Load()
	s.CommitFailures, s.Generations = c.counts.commitFailures.Load(), c.counts.generations.Load()
	s.Expired, s.Restarted = c.counts.expired.Load(), c.counts.restarted.Load()
	s.LetterFailures, s.Predecessors = c.counts.letterFailures.Load(), c.counts.predecessors.Load()
	s.Unowned = int(c.counts.unowned.Load())
	return s
}

// phaseAndWaits returns the phase and the waits in that phase. It rereads both if the phase changed in between.
func (c *Consumer) phaseAndWaits() (*phase, []Wait) {
	for {
		before, waits := c.phase.Load(), c.waits.list()
		if c.phase.Load() == before {
			return before, waits
		}
	}
}

// WaitingOrders takes a turn and returns the orders that wait for their next attempt. It returns at most the given
// number, and prefers the orders with the oldest events.
func (c *Consumer) WaitingOrders(most int) []snapshot.WaitingOrder {
	var all []snapshot.WaitingOrder
	c.send(func(time.Time) { all = c.dispatcher.WaitingOrders(most) })
	return all
}

// OrderItems takes a turn and returns what is left to do for one order. more is how many items were left out because
// the list would be too long.
func (c *Consumer) OrderItems(order string) (items []snapshot.OrderItem, more int) {
	c.send(func(time.Time) { items, more = c.dispatcher.OrderItems(order) })
	return items, more
}

// LetterCounts takes a turn and returns figures about the letters of owned partitions. Open letters that were stored
// before the given time are not counted.
func (c *Consumer) LetterCounts(since time.Time) snapshot.LetterCounts {
	var counts snapshot.LetterCounts
	c.send(func(time.Time) { counts = c.dispatcher.LetterCounts(since) })
	return counts
}

// Pulse returns the time of the last turn, or the zero time before the first. While Run is running, a turn is taken at
// least once a second.
func (c *Consumer) Pulse() time.Time {
	if n := c.pulse.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}
