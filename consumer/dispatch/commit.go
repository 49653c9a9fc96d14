package dispatch

import (
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const (
	// laneCommit is the minimum time between two commits that free slots wait for. longLaneCommit is the minimum if one of
	// the waiting lanes is long: a backlog ends only when its long lane ends. timerCommit is the maximum time that a
	// finished event stays uncommitted. commitAgain is the wait after a commit that was not sent, or had no response.
	laneCommit     = 20 * time.Millisecond
	longLaneCommit = 5 * time.Millisecond
	timerCommit    = 250 * time.Millisecond
	commitAgain    = 100 * time.Millisecond
	// keepAlives is the minimum number of commits in a session timeout. kafka-go does not show the responses to its
	// heartbeats, so our own commits are the only proof that the group still knows us.
	keepAlives = 6
)

// leaseEnd returns the time before which a call must start, so that the call ends before the group can take the
// partitions away. The margin of a tenth of the session timeout covers clock drift, and delays between the check and
// the write.
func (d *Dispatcher) leaseEnd() time.Time {
	if d.lease.IsZero() {
		return time.Time{}
	}
	return d.lease.Add(d.config.Session - d.config.CallTimeout - d.config.Session/10)
}

// commitAt returns the time at which the next commit is due if none is in flight.
func (d *Dispatcher) commitAt() time.Time {
	at := d.commitSent.Add(d.config.Session / keepAlives)
	if len(d.dirty) > 0 {
		if t := d.dirtySince.Add(timerCommit); t.Before(at) {
			at = t
		}
		if t := d.commitSent.Add(d.laneDistance()); d.starved() && t.Before(at) {
			at = t
		}
		if d.nearEdge() || d.starved() && d.fresh >= d.config.CallsInFlight || d.quietDrain() {
			at = d.commitSent
		}
	}
	if at.Before(d.commitNot) {
		return d.commitNot
	}
	return at
}

// laneDistance returns the minimum time between two commits that free slots wait for.
func (d *Dispatcher) laneDistance() time.Duration {
	if d.longWaits {
		return longLaneCommit
	}
	return laneCommit
}

// starved reports whether slots are free, and a commit would allow calls to start in them.
func (d *Dispatcher) starved() bool {
	return d.idle && (d.laneWaits > 0 || d.settled >= 2*d.config.CallsInFlight)
}

// nearEdge reports whether the next commit is due because calls would otherwise stop while it is in flight. Calls stop
// at 2 × CallsInFlight settled events. A commit costs the broker the same whatever its content, so an early one is
// wasteful. The threshold allows for three quarters of the events that usually settle while a commit is in flight. The
// slots that the last quarter of these events releases stay empty until the acknowledgement, but no longer. Events
// whose letters are being stored cannot be committed yet, so if only a few other events are uncommitted, the commit
// waits.
func (d *Dispatcher) nearEdge() bool {
	calls := d.config.CallsInFlight
	return d.settled >= max(2*calls-3*d.meanwhile/4, calls) && d.fresh > calls/2
}

// quietDrain reports whether the generation is ending and nothing is in flight any more. Calls that an earlier
// generation started count, too, because the next owner of their orders cannot know about them.
func (d *Dispatcher) quietDrain() bool {
	return d.draining && len(d.calls) == 0 && d.called == 0 && len(d.stores) == 0 && d.writes.idle()
}

func (d *Dispatcher) startCommit(now time.Time) {
	if d.commit != nil || d.fenced || now.Before(d.commitAt()) {
		return
	}
	d.lastID++
	c := &turn.Commit{ID: d.lastID, Final: d.quietDrain()}
	for _, p := range d.order {
		if d.names(now, p) {
			c.Offsets = append(c.Offsets, d.send(now, p))
		}
		p.commits.dirty = false
	}
	d.dirty = d.dirty[:0]
	if len(c.Offsets) == 0 && now.Before(d.commitSent.Add(d.config.Session/keepAlives)) {
		return // nothing changed
	}
	for _, p := range d.order {
		if len(c.Offsets) == 0 && !p.commits.suspended {
			p.commits.sent, p.commits.coverage = p.describe(d.metadataMax)
			c.Offsets = append(c.Offsets, d.send(now, p))
		}
	}
	if len(c.Offsets) == 0 {
		return
	}
	d.commit, d.commitSent, d.settledThen = c, now, d.settled
	// If this commit does not open the long lane, later commits need not hurry either: the lane's partition is suspended,
	// the metadata has no space left, or the commit was not sent.
	d.longWaits = false
	d.out.Commit = c
}

// names reports whether the next commit names a partition. It does if the partition's position or metadata has changed.
// A partition that is not being fetched is also named from time to time, because nothing else would show that the
// broker no longer knows it.
func (d *Dispatcher) names(now time.Time, p *partition) bool {
	silent := !p.window.fetching && !now.Before(p.commits.named.Add(d.config.Session/keepAlives))
	if p.commits.suspended || !p.commits.dirty && !silent {
		return false
	}
	p.commits.sent, p.commits.coverage = p.describe(d.metadataMax)
	return silent || p.commits.sent != p.commits.acked || len(p.commits.uncommitted) > 0
}

func (d *Dispatcher) send(now time.Time, p *partition) turn.Offset {
	d.fresh -= len(p.commits.uncommitted)
	p.commits.send(now)
	return turn.Offset{
		Partition: p.Partition, Next: p.commits.sent.next, Metadata: p.commits.sent.metadata,
		First: p.commits.acked.next < 0, Watched: p.window.fetching,
	}
}

// Committed records the outcome of a commit.
func (d *Dispatcher) Committed(now time.Time, id uint64, a turn.CommitAnswer) {
	c := d.commit
	if c == nil || c.ID != id {
		return
	}
	d.commit = nil
	d.meanwhile = (3*d.meanwhile + max(d.settled-d.settledThen, 0) + 3) / 4
	switch a.Outcome {
	case turn.Acked:
		d.acked(now, c, a)
	case turn.NotSent:
		d.commitNot = now.Add(commitAgain)
		d.unsent(now, c)
	case turn.Ambiguous:
		d.ambiguous, d.draining = true, true
		d.commitNot = now.Add(commitAgain)
		d.unsent(now, c)
	case turn.Refused:
		d.fenced = true
	}
}

func (d *Dispatcher) acked(now time.Time, c *turn.Commit, a turn.CommitAnswer) {
	stored := false
	for _, o := range c.Offsets {
		p := d.partitions[o.Partition]
		switch {
		case slices.Contains(a.Unknown, o.Partition):
			d.stop(p)
		case slices.Contains(a.TooLarge, o.Partition):
			// The broker accepts less than it should, and its real limit is unknown. So the new limit is half of the rejected
			// size, or half of the old limit if that is smaller. If the broker now rejects even the size of the last
			// acknowledged metadata, the next commit may cover fewer events than the last acknowledged one. So a crash may
			// repeat more calls, but commits continue.
			d.metadataMax = min(d.metadataMax, len(o.Metadata)) / 2
			if len(o.Metadata) <= len(p.commits.acked.metadata) {
				p.commits.safe = 0
			}
			d.restore(now, p)
		default:
			stored = true
			d.covered(p)
		}
	}
	if stored {
		d.lease = d.commitSent
	}
}

// covered opens the lanes of the events that an acknowledged commit covers.
func (d *Dispatcher) covered(p *partition) {
	p.commits.acked = p.commits.sent
	if d.ambiguous {
		d.back(p)
		return
	}
	settled := p.commits.settled
	events, left := p.commits.cover()
	if !p.commits.suspended {
		d.settled -= settled - p.commits.settled
		d.fresh += left
	}
	for _, e := range events {
		d.release(e)
	}
}

// unsent takes back the events of a commit that failed.
func (d *Dispatcher) unsent(now time.Time, c *turn.Commit) {
	for _, o := range c.Offsets {
		d.restore(now, d.partitions[o.Partition])
	}
}

func (d *Dispatcher) restore(now time.Time, p *partition) {
	d.back(p)
	d.touch(now, p)
}

func (d *Dispatcher) back(p *partition) {
	if !p.commits.suspended {
		d.fresh += len(p.commits.committing)
	}
	p.commits.takeBack()
}

// stop suspends the commits of a partition that the broker does not know. A keep-alive would commit the old log's
// position for a new log with the same name.
func (d *Dispatcher) stop(p *partition) {
	d.back(p)
	if p.commits.suspended {
		return
	}
	p.commits.suspended = true
	d.settled -= p.commits.settled
	d.fresh -= len(p.commits.uncommitted)
	d.suspects = append(d.suspects, p.Partition)
}

// Stopped records that, according to a fetch, the broker does not know a partition.
func (d *Dispatcher) Stopped(id event.Partition) {
	if p := d.partitions[id]; p != nil {
		d.stop(p)
	}
}

// ended returns how the generation ends, or NotEnded while it still has something to do.
func (d *Dispatcher) ended(now time.Time) turn.End {
	switch {
	case d.fenced && len(d.calls) > 0:
		return turn.NotEnded // the calls must end before we rejoin, because the group then reassigns our partitions
	case d.fenced:
		return turn.Fenced
	case !d.quietDrain() || d.commit != nil:
		return turn.NotEnded
	case len(d.dirty) == 0:
		return turn.Drained
	case !now.Before(d.lease.Add(d.config.Session)):
		return turn.Expired
	}
	return turn.NotEnded
}
