package dispatch

import "time"

// partition is what a generation knows of one partition: its unfinished events in log order, and what the next commit
// would say.
type partition struct {
	Partition
	turn     uint64 // of the fetch whose answer counts
	position int64  // next offset to fetch
	fetching bool
	resting  time.Time // since when nothing is fetched because the window is full; zero: it is not
	stopped  bool      // the broker does not know it: no commits, calls or fetches

	first, last *event // unfinished, placeholders included
	unfinished  int    // without placeholders
	bytes       int64  // held by them

	hole     *event // the first placeholder that is not fetched yet
	restored int64  // below it, what is no placeholder was finished by an earlier generation
	identity int64  // stamp of the first placeholder's record; unknownStamp once it is verified or cannot be

	frontier int64  // one past the last finished event that was called
	reach    int64  // one past the last started event: the frontier can come to stand there
	edge     *event // the last unfinished event below reach
	room     int    // bytes of metadata that the events up to edge may come to need
	full     bool   // the first ready event found no room

	ready   queue[task]
	inRing  bool
	settled int // called, no call left to make, not covered by an acknowledged commit

	named     time.Time // when a commit named it last
	acked     mark      // the last acknowledged commit
	sent      mark      // the commit in the air
	coverage  int64     // events below it are covered by the commit in the air
	safe      int64     // the coverage of the last acknowledged commit: lanes were opened on its strength
	truncated bool      // the last commit did not cover all that was finished
	dirty     bool      // acked may no longer say all
	fresh     []*event  // called and finished, in no commit yet
	sending   []*event  // the same, in the commit in the air
}

// mark is what a commit says of a partition.
type mark struct {
	next     int64
	metadata string
}

func newPartition(pos Position, limit int) *partition {
	p := &partition{
		Partition: pos.Partition, position: pos.Next, identity: unknownStamp,
		ready: newQueue(func(a, b task) bool {
			return a.offset < b.offset || a.offset == b.offset && a.i < b.i
		}),
		acked: mark{pos.Next, pos.Metadata},
	}
	if pos.Uncommitted {
		p.acked.next = -1
	}
	if m, ok := parseMetadata(pos.Metadata); ok && m.base == pos.Next {
		p.restore(m)
	}
	m, _ := p.describe(limit)
	p.dirty = m != p.acked
	return p
}

// callable says whether the partition may have calls: not before a position of ours stands in the group, for a crash would
// lose the choice of where to begin, and not while the broker does not know it.
func (p *partition) callable() bool { return !p.stopped && p.acked.next >= 0 }

// restore takes up what an earlier generation had finished above its commit.
func (p *partition) restore(m metadata) {
	p.restored, p.frontier, p.reach, p.identity = m.frontier, m.frontier, m.frontier, m.stamp
	p.safe = m.frontier
	for _, offset := range m.unfinished() {
		e := &event{of: p, offset: offset, placeholder: true, stamp: unknownStamp}
		if offset == m.base {
			e.stamp = m.stamp
		}
		p.link(e)
		p.room += p.cost(e)
		p.edge = e
	}
	p.hole = p.first
}

// forget drops what the metadata told: it speaks of another log. A commit in the air that repeats it covers nothing.
func (p *partition) forget() {
	p.first, p.last, p.edge, p.hole = nil, nil, nil, nil
	p.restored, p.frontier, p.reach, p.room = 0, 0, 0, 0
	p.safe, p.coverage = 0, 0
}

// place finds the place of a fetched event: a placeholder's, or the end of the log. It returns nil for an event that an
// earlier generation has finished.
func (p *partition) place(in Event) *event {
	if p.identity != unknownStamp && p.first != nil && in.Offset == p.first.offset && stampOf(in.Time) != p.identity {
		p.forget()
	}
	p.identity = unknownStamp
	p.passHoles(in.Offset)
	p.position = in.Offset + 1
	if e := p.hole; e != nil && e.offset == in.Offset {
		p.hole = e.next
		e.fill(in)
		return e
	}
	if in.Offset < p.restored {
		return nil
	}
	e := &event{of: p}
	e.fill(in)
	p.link(e)
	return e
}

// passHoles drops the placeholders below offset: their records are gone from the log, by compaction or retention.
func (p *partition) passHoles(offset int64) {
	for p.hole != nil && p.hole.offset < offset {
		gone := p.hole
		p.hole = gone.next
		p.unlink(gone)
	}
}

func (p *partition) link(e *event) {
	e.prev = p.last
	if p.last == nil {
		p.first = e
	} else {
		p.last.next = e
	}
	p.last = e
}

// unlink takes an event out of the unfinished ones. Room only grows by it: two gaps become one.
func (p *partition) unlink(e *event) {
	counted := e.offset < p.reach
	next := e.next
	if counted {
		p.room -= p.cost(e)
		if next != nil && next.offset < p.reach {
			p.room -= p.cost(next)
		}
		if p.edge == e {
			p.edge = e.prev
		}
	}
	if e.prev == nil {
		p.first = next
	} else {
		e.prev.next = next
	}
	if next == nil {
		p.last = e.prev
	} else {
		next.prev = e.prev
		if counted && next.offset < p.reach {
			p.room += p.cost(next)
		}
	}
	e.prev, e.next = nil, nil
	p.full = false
}

// cost is how many bytes of metadata an unfinished event takes once something above it is finished: the distance from
// the one before. The first is the commit's offset itself and takes none.
func (p *partition) cost(e *event) int {
	if e.prev == nil {
		return 0
	}
	return width(e.offset-e.prev.offset) + 1
}

// admit reserves the room that the metadata needs whichever of the started events finish first: the worst is that only
// the last one does, and all unfinished events below it are gaps. The first event needs none, and neither does one
// below another started one: so no retry, and nothing that holds back the commit, ever waits for room.
func (p *partition) admit(e *event, limit int) bool {
	if e.offset < p.reach {
		return true
	}
	room, edge := p.room, p.edge
	next := p.first
	if edge != nil {
		next = edge.next
	}
	for ; next != nil && next.offset <= e.offset; next = next.next {
		if room += p.cost(next); room > limit-headerRoom && e != p.first {
			p.full = true
			return false
		}
		edge = next
	}
	p.room, p.edge, p.reach = room, edge, e.offset+1
	return true
}

// describe returns what a commit would say now, and the offset below which it covers everything that is finished. It
// never covers less than what was acknowledged before, for on the strength of that later events of the same orders were
// called. Where the limit has become too small for it, the last commit's length is enough: events only finish, and to
// tell the same with fewer gaps takes no more room.
func (p *partition) describe(limit int) (m mark, coverage int64) {
	if p.first == nil {
		m.next = max(p.position, p.frontier)
		return m, m.next
	}
	m.next, coverage = p.first.offset, p.first.offset
	if p.frontier > p.first.offset {
		m.metadata, coverage = formatMetadata(p.first, p.frontier, limit)
	}
	if coverage < p.safe {
		m.metadata, coverage = formatMetadata(p.first, p.safe, len(p.acked.metadata))
	}
	return m, coverage
}
