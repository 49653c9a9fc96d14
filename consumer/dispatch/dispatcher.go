package dispatch

import (
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/ledger/guard"
	"leadhit-sync/retry"
)

// Dispatcher is the state machine. One goroutine at a time may use it.
type Dispatcher struct {
	config Config

	// The state of the process outlives generations.
	governor  *retry.Governor
	guard     guard.Guard
	letters   fold.Fold
	writes    ledgerWrites
	asked     time.Time // when Next was last called
	calls     map[uint64]call
	orphans   map[laneKey]int
	callsOf   map[string]callsOf // by order
	memory    acceptedMemory     // of this generation; cleared in place to spare the garbage collector
	late      lateCalls
	spread    bool // an order's events may be in partitions that several workers own
	spreadBy  *turn.Spread
	ambiguous bool
	lastID    uint64
	// metadataMax is the broker's limit on a commit's metadata, in bytes, as far as we know.
	metadataMax int
	observed    observed

	generation
	out turn.Effects
}

// generation is the state that is dropped when the group's generation ends.
type generation struct {
	live, draining, fenced bool

	partitions map[event.Partition]*partition
	order      []*partition // the partitions in the order of assignment
	ring       []*partition // the partitions with ready tasks; they are served round robin
	lanes      map[laneKey]*lane
	timers     queue[timer]
	parked     []task
	deferred   []task // cannot start yet: too many events are partly done, or a replay's partition is not callable
	recheck    bool   // a deferred event may start now

	caughtUp bool                  // letters and ledger have been read to their ends since the assignment
	replays  map[ledger.ID]*replay // the last replay of each letter, until it has ended
	takes    map[uint64]*replay    // replays whose letters are being fetched
	taken    []*replay             // taken up, at most CallsInFlight
	opened   bool                  // a replay ended when its turn came, so its lane may have another event ready
	replayed *partition            // represents all replays in the ring, and gets slots like any partition

	refused    []task // letters from the mapping
	withheld   []task // letters from the mapping that wait for the end of a guard's pause
	urgent     []task // all other letters, and letters due for another attempt
	stores     map[uint64]task
	called     int  // unstored letters of sent events; the generation ends only after they are stored
	started    int  // started and unfinished events about several orders
	settled    int  // sum of commitState.settled over the partitions that are not suspended
	fresh      int  // uncommitted events in the same partitions
	laneWaits  int  // lanes that wait for a commit
	longWaits  bool // a long lane waits for the next commit
	idle       bool // a slot was free, but no call could start
	commit     *turn.Commit
	commitNot  time.Time // no commit is sent before this time
	commitSent time.Time
	// settledThen is the value of settled when the last commit was sent. meanwhile is a moving average, rounded up, of the
	// number of events that settle while a commit is in flight.
	settledThen, meanwhile int
	dirtySince             time.Time
	dirty                  []*partition
	lease                  time.Time // when the last acknowledged commit was sent
	suspects               []event.Partition
}

// New returns a Dispatcher without a generation.
func New(c Config) *Dispatcher {
	d := &Dispatcher{
		config: c, calls: map[uint64]call{}, orphans: map[laneKey]int{}, callsOf: map[string]callsOf{},
		metadataMax: c.MetadataBytes, observed: newObserved(), memory: newAcceptedMemory(ordersRemembered),
	}
	d.governor = retry.NewGovernor(c.CallsInFlight, c.CallsPerSecond, c.Retry.Random)
	d.guard = guard.Guard{Worker: c.Worker, Build: c.Build}
	d.letters.Horizon = fold.WorkerHorizon
	d.generation = d.empty()
	return d
}

func (d *Dispatcher) empty() generation {
	return generation{
		partitions: map[event.Partition]*partition{},
		lanes:      map[laneKey]*lane{},
		stores:     map[uint64]task{},
		replays:    map[ledger.ID]*replay{},
		takes:      map[uint64]*replay{},
		replayed:   &partition{ready: newReady()},
		timers: newQueue(func(a, b timer) bool {
			return a.at.Before(b.at) || a.at.Equal(b.at) && a.seq < b.seq
		}),
	}
}

// Assigned starts a generation. The parameter newMember says that the worker has joined under a new member id since the
// last generation. Only a new id settles an unknown commit, because the coordinator then rejects the old member's
// commits.
func (d *Dispatcher) Assigned(now time.Time, positions []turn.Position, newMember bool) {
	d.Lost()
	if newMember {
		d.ambiguous = false
	}
	d.live, d.draining = true, d.ambiguous
	for _, pos := range positions {
		p := newPartition(pos, d.metadataMax)
		d.partitions[pos.Partition] = p
		d.order = append(d.order, p)
		if p.commits.dirty {
			p.commits.dirty = false
			d.touch(now, p)
		}
	}
}

// Revoked starts the drain: no call starts, the calls in flight end, the final commit is sent, and then Next returns
// Ended.
func (d *Dispatcher) Revoked() { d.draining = true }

// Lost ends the generation at once. Calls in flight keep their slots, and their orders get no other call until these
// calls have ended. A commit in flight becomes an unknown commit, whatever its outcome, so call NeedsNewMember after
// Lost, not before.
func (d *Dispatcher) Lost() {
	d.ambiguous = d.ambiguous || d.commit != nil
	for _, p := range d.order {
		d.rests(p, false)
	}
	for id, c := range d.calls {
		if !c.dropped {
			c.dropped = true
			d.orphans[c.key]++
			d.calls[id] = c
		}
	}
	d.writes.forget()
	d.forgetOrders()
	d.generation = d.empty()
}

// Restarted records that a partition was recreated or truncated. Fetching continues at the offset next, and the log now
// ends at the offset end. Everything that was read from the old log is dropped.
func (d *Dispatcher) Restarted(now time.Time, id event.Partition, next, end int64) {
	p := d.partitions[id]
	if p == nil {
		return
	}
	d.stop(p) // subtracts p from all sums
	d.rests(p, false)
	d.suspects = slices.DeleteFunc(d.suspects, func(s event.Partition) bool { return s == id })
	for id, c := range d.calls {
		if !c.dropped && c.of == p {
			c.dropped = true
			d.orphaned(c.key)
			d.calls[id] = c
		}
	}
	for e := p.window.first; e != nil; e = e.next {
		d.drop(e)
	}
	for _, e := range p.commits.uncommitted {
		d.release(e)
	}
	d.dropReplays(p)
	d.forgetOrders() // an event that is produced again must get its call
	if d.commit != nil {
		// The commit's response says nothing about the new log.
		c := *d.commit
		c.Offsets = slices.DeleteFunc(slices.Clone(c.Offsets), func(o turn.Offset) bool { return o.Partition == id })
		d.commit = &c
	}
	at := turn.Position{
		Partition: id, Next: next, End: end, Uncommitted: true, Spread: p.spread, Partitions: p.partitions,
	}
	fresh := newPartition(at, d.metadataMax)
	fresh.ready, fresh.inRing = p.ready, p.inRing // pickFrom skips dropped tasks
	*p = *fresh
	p.commits.dirty = slices.Contains(d.dirty, p)
	d.touch(now, p)
	if d.caughtUp {
		d.requeueAll(p)
	}
}

// drop removes an event from every count and lane. The event will not be finished.
func (d *Dispatcher) drop(e *pending) {
	e.dropped = true
	if e.started && e.several() {
		d.started--
	}
	for i := range e.items {
		if it := &e.items[i]; it.state == storing && e.started {
			d.called--
		}
	}
	d.detach(e)
	d.recheck = true
}

// Trusted records that a suspect partition still has its old log, which now ends at the offset end.
func (d *Dispatcher) Trusted(now time.Time, id event.Partition, end int64) {
	p := d.partitions[id]
	if p == nil || !p.commits.suspended {
		return
	}
	p.commits.suspended = false
	p.end = min(p.end, end)
	d.settled += p.commits.settled
	d.fresh += len(p.commits.uncommitted)
	p.commits.dirty = slices.Contains(d.dirty, p)
	d.touch(now, p)
	d.recheck = true // a replay may have been deferred
}

// finish ends an event whose items are all done. Its lanes stay blocked until a commit covers it.
func (d *Dispatcher) finish(now time.Time, e *pending) {
	p := e.of
	if p.window.first == e {
		d.recheck = true
	}
	d.observed.finished++
	p.unlink(e)
	p.window.remove(e)
	e.record, e.key = nil, nil
	if e.several() && e.started {
		d.started--
		d.recheck = true
	}
	if e.started {
		p.commits.finished(e)
		if !p.commits.suspended {
			d.fresh++
		}
	}
	d.advance(e)
	d.touch(now, p)
}

// touch records that a commit would say something new about a partition.
func (d *Dispatcher) touch(now time.Time, p *partition) {
	if p.commits.dirty || p.commits.suspended {
		return
	}
	p.commits.dirty = true
	if len(d.dirty) == 0 {
		d.dirtySince = now
	}
	d.dirty = append(d.dirty, p)
}

// KeyChanged records that another API key is in use.
func (d *Dispatcher) KeyChanged(now time.Time) {
	d.governor.KeyChanged(now)
	d.forgetOrders() // it may be the key of another account
}

// NeedsNewMember reports whether there is an unknown commit: after this generation the worker must leave the group
// and join under a new member id.
func (d *Dispatcher) NeedsNewMember() bool { return d.ambiguous }

// Next returns the effects to start now. Call it after each input, or each batch of inputs, and at Wake. The slices are
// valid until the next call.
func (d *Dispatcher) Next(now time.Time) turn.Effects {
	d.out = turn.Effects{
		Calls: d.out.Calls[:0], Stores: d.out.Stores[:0], Fetches: d.out.Fetches[:0], Takes: d.out.Takes[:0],
		Repeats: d.out.Repeats[:0],
	}
	d.out.Spread, d.spreadBy = d.spreadBy, nil
	d.asked = now
	if !d.live {
		d.announce()
		d.startAppend(now)
		d.out.Wake = d.writes.wake(now)
		return d.out
	}
	d.fire(now)
	d.startStores(now)
	d.announce()
	d.startCalls(now)
	d.startTakes(now) // after the calls: a replay that ended when its turn came has freed its place
	d.startAppend(now)
	d.startFetches()
	d.startCommit(now)
	if d.commit == nil {
		// A commit in flight may contain an offset from the old log, so the group's offset is not known yet.
		d.out.Suspects, d.suspects = d.suspects, nil
	}
	d.out.Ended = d.ended(now)
	d.out.Wake = d.wake(now)
	return d.out
}
