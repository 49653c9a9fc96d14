package dispatch

import (
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// partition is the state of one partition in a generation. Events finish in the window, the space limits which of them
// may start, and the commits report to the group what is finished. Each of these three depends only on those before it.
type partition struct {
	event.Partition
	window  window
	space   metadataSpace
	commits commitState

	ready  queue[task] // tasks whose calls may start
	inRing bool        // the partition is in the dispatcher's ring
	end    int64       // of the log at the assignment: replays wait until the partition has been fetched up to it

	spread     bool // other workers may make calls for its orders, so nothing is skipped
	partitions int  // number of partitions of the topic; 0 if unknown

	taking   []*replay // replays whose letters are being fetched, in the order in which they were taken up
	requeued []*replay // not taken up yet, in ledger order
}

// newReady returns a queue of tasks in log order.
func newReady() queue[task] {
	return newQueue(func(a, b task) bool {
		return a.offset < b.offset || a.offset == b.offset && a.i < b.i
	})
}

func newPartition(pos turn.Position, limit int) *partition {
	p := &partition{
		Partition:  pos.Partition,
		window:     window{position: pos.Next, identity: unknownStamp},
		commits:    commitState{acked: mark{pos.Next, pos.Metadata}},
		ready:      newReady(),
		end:        pos.End,
		spread:     pos.Spread,
		partitions: pos.Partitions,
	}
	if pos.Uncommitted {
		p.commits.acked.next = -1
	}
	if m, ok := parseMetadata(pos.Metadata); ok && m.base == pos.Next {
		p.restore(m)
	}
	m, _ := p.describe(limit)
	p.commits.dirty = m != p.commits.acked
	return p
}

// callable reports whether calls for the partition's events may start. None may start before the group has stored a
// position for the partition, because a crash would lose the choice of where to start, nor while the broker does not
// know the partition.
func (p *partition) callable() bool { return !p.commits.suspended && p.commits.acked.next >= 0 }

// restore takes over what the metadata says about the events that an earlier generation finished above its commit.
func (p *partition) restore(m metadata) {
	p.window.restored, p.window.identity = m.frontier, m.stamp
	p.space.reach = m.frontier
	p.commits.frontier, p.commits.safe = m.frontier, m.frontier
	for _, offset := range m.unfinished() {
		e := &pending{of: p, offset: offset, placeholder: true, stamp: unknownStamp}
		if offset == m.base {
			e.stamp = m.stamp
		}
		p.window.link(e)
		p.space.used += metadataCost(e)
		p.space.edge = e
	}
	p.window.hole = p.window.first
}

// forget drops everything that the metadata claimed, because it describes another log. A commit in flight that repeats
// the claim covers nothing.
func (p *partition) forget() {
	p.window.first, p.window.last, p.window.hole, p.window.restored = nil, nil, nil, 0
	p.space = metadataSpace{none: p.space.none}
	p.commits.frontier, p.commits.safe, p.commits.coverage = 0, 0, 0
}

// place adds a fetched event to the unfinished ones, and returns it. The event fills its placeholder, or is appended to
// the window. place returns nil for an event that an earlier generation has finished.
func (p *partition) place(in turn.Event) *pending {
	if p.window.isAnotherLog(in) {
		p.forget()
	}
	p.window.identity = unknownStamp
	p.passHoles(in.Offset)
	p.window.position = in.Offset + 1
	if e := p.window.hole; e != nil && e.offset == in.Offset {
		p.window.hole = e.next
		e.fill(in)
		return e
	}
	if in.Offset < p.window.restored {
		return nil
	}
	e := &pending{of: p}
	e.fill(in)
	p.window.link(e)
	return e
}

// passHoles drops the placeholders below offset: compaction or retention has removed their records from the log.
func (p *partition) passHoles(offset int64) {
	for p.window.hole != nil && p.window.hole.offset < offset {
		gone := p.window.hole
		p.window.hole = gone.next
		p.unlink(gone)
	}
}

// unlink removes an event from the unfinished ones and frees its space.
func (p *partition) unlink(e *pending) {
	p.space.release(e)
	p.window.unlink(e)
}

// describe returns what a commit would say now, and the offset below which it covers everything that is finished. It
// never covers less than an acknowledged commit did, because later events of the same orders may have been sent since.
// If the limit has become too small, the length of the last acknowledged metadata is enough: events only finish, and
// metadata with fewer gaps takes no more space.
func (p *partition) describe(limit int) (m mark, coverage int64) {
	first := p.window.first
	if first == nil {
		m.next = max(p.window.position, p.commits.frontier)
		return m, m.next
	}
	m.next, coverage = first.offset, first.offset
	if p.commits.frontier > first.offset {
		m.metadata, coverage = formatMetadata(first, p.commits.frontier, limit)
	}
	if coverage < p.commits.safe {
		m.metadata, coverage = formatMetadata(first, p.commits.safe, len(p.commits.acked.metadata))
	}
	return m, coverage
}
