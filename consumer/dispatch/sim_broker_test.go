package dispatch_test

import (
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
)

const rebalanceTimeout = 30 * time.Second

// broker models what workers see of Kafka: the logs, the group and its offsets. Heartbeats and commits keep a member's
// session alive, and a rebalance waits for all known members. Only the members of the current generation may commit.
// They may still commit while a rebalance is being prepared.
type broker struct {
	*world
	logs       []*simLog
	orders     []*order
	members    []*member // in the order in which they joined; the first leads
	lastMember int
	generation int
	preparing  bool
	round      int // counts preparations, so that an old deadline does nothing
}

type member struct {
	id         int
	worker     *worker
	seen       time.Duration
	joined     bool // waits for the generation to start
	generation int
	numbers    []int
}

func newBroker(w *world) *broker {
	b := &broker{world: w}
	for t := range w.plan.topics {
		for n := range w.plan.numbers {
			b.logs = append(b.logs, &simLog{
				broker: b, id: partition{Topic: topicName(t), Number: n}, last: map[*order]*change{},
			})
		}
	}
	return b
}

func (b *broker) log(id partition) *simLog {
	for _, p := range b.logs {
		if p.id == id {
			return p
		}
	}
	panic("no such partition")
}

func (b *broker) anyLog() *simLog { return b.logs[b.IntN(len(b.logs))] }

func (b *broker) member(id int) *member {
	for _, m := range b.members {
		if m.id == id {
			return m
		}
	}
	return nil
}

// join adds a member to the group, under a new id if its old one is no longer known. If a member other than the leader
// rejoins the current generation, the member gets the same response again.
func (b *broker) join(k *worker) {
	m := b.member(k.member)
	if m == nil {
		b.lastMember++
		m = &member{id: b.lastMember}
		b.members = append(b.members, m)
		b.watch(m)
	}
	k.member = m.id
	m.worker, m.seen = k, b.now
	if !b.preparing && m.generation == b.generation && m != b.members[0] {
		b.tell(m)
		return
	}
	m.joined = true
	b.prepare()
}

// prepare starts a rebalance.
func (b *broker) prepare() {
	if !b.preparing {
		b.preparing = true
		b.round++
		round := b.round
		b.after(rebalanceTimeout, func() {
			if b.preparing && b.round == round {
				b.members = slices.DeleteFunc(b.members, func(m *member) bool { return !m.joined })
				b.complete()
			}
		})
	}
	b.after(10*time.Millisecond, b.complete)
}

// complete ends a rebalance once all members have joined.
func (b *broker) complete() {
	if !b.preparing || slices.ContainsFunc(b.members, func(m *member) bool { return !m.joined }) {
		return
	}
	b.preparing = false
	b.generation++
	b.figures.rebalances++
	for i, m := range b.members {
		m.joined, m.generation, m.seen, m.numbers = false, b.generation, b.now, nil
		for n := range b.plan.numbers {
			if n%len(b.members) == i {
				m.numbers = append(m.numbers, n)
			}
		}
		for _, p := range b.logs {
			if slices.Contains(m.numbers, p.id.Number) {
				p.owner = m.worker
			}
		}
		b.tell(m)
	}
}

// tell sends a member its partitions. Only then does the member fetch the group's offsets.
func (b *broker) tell(m *member) {
	k, generation, numbers := m.worker, m.generation, m.numbers
	k.act(b.between(time.Millisecond, 20*time.Millisecond), func() {
		positions := []turn.Position{}
		for _, p := range b.logs {
			if slices.Contains(numbers, p.id.Number) {
				c := p.committed
				at := turn.Position{
					Partition: p.id, Next: c.next, Metadata: c.metadata, Uncommitted: !c.exists, End: p.end,
					Spread: b.shop.spread, Partitions: b.shop.partitions,
				}
				if !c.exists {
					at.Next = p.start
				}
				positions = append(positions, at)
			}
		}
		k.readBoth()
		k.hear(b.between(time.Millisecond, 20*time.Millisecond), func() { k.assigned(generation, positions) })
		k.beat(generation)
	})
}

// watch removes a member when its session expires.
func (b *broker) watch(m *member) {
	b.after(m.seen+b.plan.session-b.now, func() {
		switch {
		case b.member(m.id) != m:
		case m.joined:
			m.seen = b.now // the member waits in a join, where its session does not expire
			b.watch(m)
		case b.now >= m.seen+b.plan.session:
			b.leave(m.id)
		default:
			b.watch(m)
		}
	})
}

func (b *broker) leave(id int) {
	m := b.member(id)
	if m == nil {
		return
	}
	b.members = slices.DeleteFunc(b.members, func(other *member) bool { return other == m })
	if len(b.members) > 0 {
		b.prepare()
	}
}

// heartbeat reports whether the member's generation continues.
func (b *broker) heartbeat(id, generation int) bool {
	m := b.member(id)
	if m == nil || m.generation != generation || m.joined {
		return false
	}
	m.seen = b.now
	return !b.preparing && generation == b.generation
}

// commit applies a commit and returns its outcome.
func (b *broker) commit(id, generation int, offsets []turn.Offset, sent time.Duration,
	late bool,
) turn.CommitAnswer {
	m := b.member(id)
	if m == nil || m.generation != generation || generation != b.generation {
		return turn.CommitAnswer{Outcome: turn.Refused}
	}
	if b.preparing && b.chance(b.plan.rebalancing) {
		return turn.CommitAnswer{Outcome: turn.Refused} // RebalanceInProgress (27), which does not end the membership
	}
	m.seen = b.now
	var a turn.CommitAnswer
	for _, o := range offsets {
		p := b.log(o.Partition)
		switch {
		case p.unknown, p.renewed > sent:
			a.Unknown = append(a.Unknown, o.Partition)
		case len(o.Metadata) > b.plan.limit:
			a.TooLarge = append(a.TooLarge, o.Partition)
		default:
			p.apply(o, late)
		}
	}
	b.figures.commits++
	return a
}

// apply checks what a commit claims, and stores it.
func (p *simLog) apply(o turn.Offset, late bool) {
	if p.committed.exists && o.Next == p.committed.next && o.Metadata == p.committed.metadata {
		return // a repeat of the last commit
	}
	c := position{exists: true, next: o.Next, metadata: o.Metadata}
	if frontier, unfinished, ok := dispatch.ParseMetadata(o.Metadata); ok {
		c.frontier, c.unfinished = frontier, unfinished
	} else if o.Metadata != "" {
		p.failed("%v: unreadable metadata %q", p.id, o.Metadata)
	}
	switch {
	case o.Next > p.end || c.frontier > p.end:
		p.failed("%v: commit %d, frontier %d beyond the log's end %d", p.id, o.Next, c.frontier, p.end)
	case !p.finishedBelow(o.Next):
		p.failed("%v: commit %d above the unfinished event %d", p.id, o.Next, p.records[p.clean].offset)
	case o.Next < p.committed.next && !late && !p.restarted:
		p.failed("%v: commit goes down from %d to %d", p.id, p.committed.next, o.Next)
	}
	for i := p.index(o.Next); i < len(p.records) && p.records[i].offset < c.frontier; i++ {
		if r := p.records[i]; r.open > 0 && c.covers(r.offset) {
			p.failed("%v: the metadata of commit %d claims that %d is finished", p.id, o.Next, r.offset)
		}
	}
	p.committed, p.restarted = c, false
}
