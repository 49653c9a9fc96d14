package dispatch_test

import (
	"slices"
	"strings"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

const recordBytes = 100

// order holds the state of one order, including the number of calls for it on the wire.
type order struct {
	name           string
	number         int
	stuck, failing bool // its calls fail until the world is healed (stuck), or until it is calm (failing)
	written        int
	inFlight       int // calls on the wire, including those of dead workers
}

// record is an event in the log.
type record struct {
	log     *simLog
	offset  int64
	at      time.Time
	key     string // "" if it has none
	changes []change
	items   []event.Item
	open    int  // changes that are not done
	gone    bool // its log was deleted
	atRisk  *loss
}

// change is what an event says about one order. Its fields hold the true state, whatever the workers know.
type change struct {
	record     *record
	order      *order
	action     event.Action
	status     string
	superseded bool // a later item of the event is about the same order
	refused    bool // LeadHit never accepts it from an event
	healed     bool // the refusal was withdrawn, so LeadHit accepts a replay
	// nameless says that a replay was forced although neither the letter nor its key names the order. If the outcome is
	// lost and no worker rereads the event, nothing shows which letters are older. That is a limitation, not a fault (seed
	// 6848). To avoid this case, every mapping can read the event from now on, and no operator ends the replay.
	nameless         bool
	accepted, letter bool
	previous         *change // the previous change for the same order in the same log
	started          bool
	next             *change
}

// calls reports whether the change needs a call.
func (c *change) calls() bool { return c.action == event.Call && !c.superseded }

func (c *change) done() bool {
	return c.action == event.Ignore || c.superseded || c.accepted || c.letter
}

// finish records that the change was accepted or is in a letter.
func (c *change) finish(mark *bool) {
	before := c.done()
	*mark = true
	if !before {
		c.record.open--
	}
}

func (r *record) names(held map[*order]bool) bool {
	for i := range r.changes {
		if c := &r.changes[i]; c.calls() && held[c.order] {
			return true
		}
	}
	return false
}

// simLog is one partition's log and what the group has committed there.
type simLog struct {
	*broker
	id           partition
	records      []*record
	start        int64
	end          int64
	hidden       int64 // no worker reads records below it: the group's offset when this log replaced another one
	unknown      bool
	unknownUntil time.Duration
	renewed      time.Duration // when the log replaced another
	restarted    bool          // its reader has restarted, so the committed offset may go down
	clean        int           // records before it are known to be finished
	last         map[*order]*change
	committed    position
	owner        *worker // the last worker that was assigned the partition
	waiting      []func()
}

// position is a commit as the broker has stored it.
type position struct {
	exists     bool
	next       int64
	metadata   string
	frontier   int64
	unfinished []int64
}

// covers reports whether the commit says that an offset is finished.
func (c position) covers(offset int64) bool {
	if offset < c.next {
		return c.exists
	}
	_, listed := slices.BinarySearch(c.unfinished, offset)
	return offset < c.frontier && !listed
}

func (p *simLog) append(changes []change, gaps float64) {
	if p.chance(gaps) {
		p.end += 1 + p.Int64N(40)
	}
	r := &record{log: p, offset: p.end, at: p.clock(), changes: changes, key: p.shop.key(changes)}
	p.end++
	supersede(changes)
	for i := range changes {
		c := &changes[i]
		c.record, c.letter = r, r.offset < p.hidden
		c.status = p.shop.status(c.order)
		item := event.Item{Action: c.action, OrderID: c.order.name, Status: c.status}
		if c.action == event.Refuse {
			item.OrderID, item.Cause = "", "NotJSON"
		}
		r.items = append(r.items, item)
		if !c.done() {
			r.open++
		}
		if c.calls() {
			if c.previous = p.last[c.order]; c.previous != nil {
				c.previous.next = c
			}
			p.last[c.order] = c
		}
	}
	p.records = append(p.records, r)
	p.figures.events++
	p.answerWaiting()
}

// supersede marks the changes that a later item of the same event replaces.
func supersede(changes []change) {
	last := map[*order]*change{}
	for i := range changes {
		c := &changes[i]
		if c.action != event.Call {
			continue
		}
		if l := last[c.order]; l != nil {
			l.superseded = true
		}
		last[c.order] = c
	}
}

// index returns the index of the first record at or above an offset.
func (p *simLog) index(offset int64) int {
	i, _ := slices.BinarySearchFunc(p.records, offset, func(r *record, o int64) int { return int(r.offset - o) })
	return i
}

// finishedBelow reports whether everything below an offset is finished.
func (p *simLog) finishedBelow(offset int64) bool {
	for p.clean < len(p.records) && p.records[p.clean].offset < offset {
		if p.records[p.clean].open > 0 {
			return false
		}
		p.clean++
	}
	return true
}

// read responds to a fetch with some records, and with the offset to continue from. Like a real response, the records
// may start before the requested offset.
func (p *simLog) read(offset int64, bytes int) (events []turn.Event, next int64) {
	i := p.index(offset)
	most := i + max(1, bytes/recordBytes)
	for i > 0 && p.chance(0.1) {
		i--
	}
	for ; i < min(most, len(p.records)); i++ {
		r := p.records[i]
		events = append(events, turn.Event{
			Offset: r.offset, Time: r.at, Bytes: recordBytes, Items: r.items, Key: []byte(r.key), Record: r,
		})
		next = r.offset + 1
	}
	if i == len(p.records) {
		next = p.end
	}
	return events, max(next, offset)
}

func (p *simLog) answerWaiting() {
	waiting := p.waiting
	p.waiting = nil
	for _, answer := range waiting {
		p.after(p.between(time.Millisecond, 5*time.Millisecond), answer)
	}
}

// disappear makes the broker forget a partition for a while.
func (p *simLog) disappear(d time.Duration) {
	p.note("%v is unknown for %v", p.id, d)
	p.unknown, p.unknownUntil = true, max(p.unknownUntil, p.now+d)
	p.answerWaiting()
	p.after(d, func() { p.unknown = p.now < p.unknownUntil })
}

// unsteady reports whether the broker does not know the partition, or did not know it until a short while ago.
func (p *simLog) unsteady() bool { return p.unknownUntil > 0 && p.now < p.unknownUntil+10*time.Second }

// recreate deletes a partition, together with the group's offset, and recreates it.
func (p *simLog) recreate() {
	p.renew()
	p.committed = position{}
	// This is longer than a session, so a worker that is frozen throughout is no longer a member.
	p.disappear(p.between(12*time.Second, 15*time.Second))
}

// renew replaces the log with an empty one.
func (p *simLog) renew() {
	for _, r := range p.records {
		r.gone = true
	}
	p.note("%v is another log now; the old one ended at %d", p.id, p.end)
	p.records, p.clean, p.start, p.end = nil, 0, 0, 0
	p.last = map[*order]*change{}
	p.renewed, p.hidden = p.now, 0
}

// replace replaces the log with another one that has about the same offsets. The group's offset is unchanged, and no
// worker reads records below it.
func (p *simLog) replace() {
	n := len(p.records)
	p.renew()
	p.plan.gaps = 0 // a log that lacks the record at the commit's offset cannot be distinguished from the old one
	if fields := strings.Split(p.committed.metadata, ","); len(fields) > 2 && fields[2] == "---------" {
		p.committed.metadata = "" // nothing shows which log it describes
	}
	p.committed.frontier, p.committed.unfinished = 0, nil
	p.hidden = p.committed.next
	p.after(p.between(0, 5*time.Second), func() {
		for range n {
			o := p.orders[p.IntN(len(p.orders))]
			if o.number == p.id.Number && !o.stuck {
				p.append([]change{{order: o, action: event.Call}}, 0)
			}
		}
	})
}

// topicName returns the name of a topic. Partitions with the same number have the same orders.
func topicName(i int) string { return [...]string{"orders", "returns"}[i] }
