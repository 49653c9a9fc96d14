package dispatch

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
)

const (
	// lettersKept is how many of the newest letters a worker knows: about 200 bytes each. Replays of older ones need
	// force.
	lettersKept = 200_000

	// cannotTell is the cause of a replay that was not tried, because nobody can tell whether LeadHit accepted a newer
	// event of the order, or which order the letter is about.
	cannotTell = "CannotTell"
	// ignoredNow is the note of a letter that needs no call under today's mapping.
	ignoredNow = "ignored"
)

// replay is a letter that an operator wants to be called again. It waits in its partition, is then taken up, and ends
// with an outcome. A lane runs it like an event, but it belongs to no offset: it is in no window and no commit.
type replay struct {
	id     ledger.ID
	n      int
	run    string
	letter int64 // its offset in the letters' topic
	force  bool
	of     *partition
	event  *pending // once it was fetched
	found  *Taken   // what was fetched, until it is this replay's turn to go into its lane
	taken  bool     // holds one of the CallsInFlight places
	called bool     // by this worker, or perhaps by the last owner
	// vague says that the letter names none of the event's orders. It stays so: no mark reached it meanwhile.
	vague bool
	// inherited says that the last owner may have taken it up.
	inherited bool
	over      bool // nothing is left to call
}

// nthReplay counts the replays of a task's letter; 0: it is no replay.
func (t task) nthReplay() int {
	if t.replay == nil {
		return 0
	}
	return t.replay.n
}

// Take asks for a letter that is taken up for a replay: fetch the record at Offset of the letters' topic, and map its
// event as today's mapping of its topic does. Repeat the fetch until it shows the letter, or that it is gone.
type Take struct {
	ID     uint64
	Letter ledger.ID
	Offset int64
}

// Taken is the letter that a Take found.
type Taken struct {
	Letter ledger.Letter
	Items  []event.Item // of the event, by today's mapping; must not be changed afterwards
	Record any          // returned with each effect about the replay
	// Cause says why there is no event to call about, such as LetterExpired or ValueExpired; "" if there is one.
	Cause string
}

// LetterRead takes the next record of the letters' topic that belongs to this group. When the process starts, pass all
// of them before the first generation.
func (d *Dispatcher) LetterRead(now time.Time, l ledger.Letter) {
	p := d.partitions[partitionOf(l.ID)]
	if d.letters.Add(l) && p != nil && p.window.past(l.ID.Offset) {
		// A write of the last owner's that came late. This worker may have accepted newer events of the order since it
		// took over the partition, when the letter could not be marked yet.
		d.write(nil, d.mark(now, l.ID, ""))
	}
}

// CaughtUp tells that both the letters' topic and the ledger were read to the ends that they had when or after this
// generation was assigned. No call starts before: an accepted event must mark the letters of the last owner, and marks of
// the last owner must hold replays back.
func (d *Dispatcher) CaughtUp() { d.caughtUp = true }

// mayAccept reports whether an accepted event would mark all letters that it must.
func (d *Dispatcher) mayAccept() bool { return d.caughtUp || !d.config.Replays }

// requeueAll queues the requeued letters of all owned partitions, or of one alone, in the order of the ledger.
//
// The order matters: of several replays of one order the last owner can have called only the first that has no outcome.
// Called first again, it is a repeat; called behind an older one, it would turn that one's status back.
func (d *Dispatcher) requeueAll(only *partition) {
	found := slices.SortedFunc(d.letters.Letters(), func(a, b ledger.Status) int { return cmp.Compare(a.Turn, b.Turn) })
	for _, is := range found {
		p := d.partitions[partitionOf(is.ID)]
		switch {
		case p == nil || only != nil && p != only || !is.Unanswered:
		case is.State == ledger.Requeued:
			d.requeue(is)
		default:
			d.inDoubt(is)
		}
	}
}

func partitionOf(id ledger.ID) event.Partition {
	return event.Partition{Topic: id.Topic, Number: id.Partition}
}

// requeue queues a letter whose replay counts, if its partition is owned.
func (d *Dispatcher) requeue(is ledger.Status) {
	p := d.partitions[partitionOf(is.ID)]
	if p == nil {
		return
	}
	r := &replay{
		id: is.ID, n: is.N, run: is.Replay.Run, letter: is.Replay.Letter, force: is.Replay.Force, of: p,
		inherited: !d.caughtUp, called: !d.caughtUp,
	}
	d.replays[is.ID] = r
	p.requeued = append(p.requeued, r)
}

// startTakes takes replays up, in the order in which they were asked for. Each waits until its partition was fetched
// past the log's end at the assignment: the last owner may have accepted an event there just before it died, so that
// event must be in the order's lane before an older one is called again.
func (d *Dispatcher) startTakes(now time.Time) {
	if d.draining || d.fenced || !d.caughtUp || !now.Before(d.leaseEnd()) {
		return
	}
	for _, p := range d.order {
		if !p.callable() || p.window.position < p.end {
			continue
		}
		for len(p.requeued) > 0 && d.taken < d.config.CallsInFlight {
			r := p.requeued[0]
			p.requeued[0] = nil
			p.requeued = p.requeued[1:]
			if d.stillWanted(now, r) {
				d.take(r)
			}
		}
	}
}

func (d *Dispatcher) take(r *replay) {
	r.taken = true
	d.taken++
	d.lastID++
	d.takes[d.lastID] = r
	r.of.taking = append(r.of.taking, r)
	d.out.Takes = append(d.out.Takes, Take{d.lastID, r.id, r.letter})
}

// stillWanted judges a replay, when it is taken up and each time it may be called. If not, it has ended.
func (d *Dispatcher) stillWanted(now time.Time, r *replay) bool {
	is, _ := d.letters.Letter(r.id)
	switch {
	case r.over: // resolved by its own event
		d.endReplay(r)
		return false
	case is.State != ledger.Requeued || is.N != r.n: // dismissed
		if r.called && (is.Unanswered || is.N != r.n) {
			d.inDoubt(is)
		}
		d.endReplay(r)
		return false
	case r.force && (is.Known || !r.inherited):
		return true
	case !is.Known || is.Order == "" && is.Key == 0:
		// No mark could have reached it. If it is beyond the horizon, so may be the letter that was its outcome.
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: cannotTell})
		return false
	case is.Overtaken || d.writes.marks[r.id]:
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterSuperseded, Newer: is.Newer})
		return false
	}
	return true
}

// inDoubt is about a replay that ends without an outcome, although LeadHit may have accepted it. As if it had, older
// letters of its order must not be called any more.
func (d *Dispatcher) inDoubt(is ledger.Status) {
	if r := d.replays[is.ID]; r != nil && r.event != nil {
		is.Order = r.event.items[0].OrderID // the mapping may have found it since
	}
	for _, older := range d.letters.Older(is.ID, is.Order, is.Key) {
		d.write(nil, d.mark(d.asked, older, is.ID.String()))
	}
}

// uncalled is about a replay that ends without a call, but that the last owner may have called: under another mapping,
// or before the letter expired.
func (d *Dispatcher) uncalled(r *replay) {
	if is, ok := d.letters.Letter(r.id); ok && r.called {
		d.inDoubt(is)
	}
}

// Taken takes the letter of a Take. Replays of one partition go into their lanes in the order in which they were taken
// up, however long each fetch takes.
func (d *Dispatcher) Taken(now time.Time, id uint64, t Taken) {
	r := d.takes[id]
	delete(d.takes, id)
	if r == nil {
		return
	}
	r.found = &t
	p := r.of
	if !now.Before(d.leaseEnd()) {
		d.putBack(p)
		return
	}
	for len(p.taking) > 0 && p.taking[0].found != nil {
		next := p.taking[0]
		p.taking = p.taking[1:]
		d.line(now, next, *next.found)
		next.found = nil
	}
}

// putBack returns what is being fetched to the queue. A worker whose lease has run out may have lost the partition: the
// new owner calls these letters, and an outcome from here would hide what becomes of that.
func (d *Dispatcher) putBack(p *partition) {
	for _, r := range p.taking {
		r.found = nil
		d.taken--
		r.taken = false
	}
	maps.DeleteFunc(d.takes, func(_ uint64, r *replay) bool { return r.of == p })
	p.requeued = append(p.taking, p.requeued...)
	p.taking = nil
}

// line puts a replay into its lane, or ends it.
func (d *Dispatcher) line(now time.Time, r *replay, t Taken) {
	if r.over { // resolved meanwhile, by its own event
		d.endReplay(r)
		return
	}
	if t.Cause == "" && t.Letter.ID != r.id {
		t.Cause = cannotTell
	}
	if t.Cause != "" {
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: t.Cause})
		return
	}
	i := r.choose(t)
	if i < 0 {
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterFailed, Cause: cannotTell})
		return
	}
	e := &pending{of: r.of, replay: r, offset: r.id.Offset, since: now, key: t.Letter.Key, record: t.Record, open: 1}
	e.items = e.oneItem[:]
	e.items[0] = item{Item: &t.Items[i]}
	r.event, r.vague = e, t.Letter.Order == "" && len(t.Items) > 1
	switch {
	case t.Items[i].Action == event.Refuse:
		d.uncalled(r)
		e.items[0].state = storing
		d.urgent = append(d.urgent, task{e, 0})
	case t.Items[i].Action == event.Ignore || calledLater(t.Items, i):
		d.conclude(now, r, ledger.Entry{Event: ledger.LetterResolved, Note: ignoredNow})
	default:
		e.sending = 1
		d.enqueue(e)
	}
}

// choose returns the index of the item that the letter is about, -1 if nobody can tell: an event may name other orders
// under today's mapping.
func (r *replay) choose(t Taken) int {
	i := r.id.Item
	if i == ledger.NoItem {
		if len(t.Items) != 1 {
			return -1
		}
		i = 0
	}
	if i >= len(t.Items) {
		return -1
	}
	it := &t.Items[i]
	unread := it.OrderID == "" && it.Action == event.Ignore
	switch {
	case t.Letter.Order == "" && len(t.Items) > 1 && !r.force: // the key names at most one of the event's orders
		return -1
	case t.Letter.Order != "" && it.OrderID != t.Letter.Order && !unread:
		return -1
	}
	return i
}

// calledLater reports whether a later item of the event asks for a call about the same order. Then the earlier status
// was never the order's latest.
func calledLater(items []event.Item, i int) bool {
	return slices.ContainsFunc(items[i+1:], func(later event.Item) bool {
		return later.Action == event.Call && later.OrderID == items[i].OrderID
	})
}

// replayDone takes the end of a replay in its lane: it was accepted, or it is a letter again, which is its outcome. The
// lane goes on only when the outcome is acknowledged.
func (d *Dispatcher) replayDone(now time.Time, e *pending) {
	if e.items[0].letter {
		d.leave(e)
		return
	}
	d.write(func(time.Time) { d.leave(e) }, d.outcome(now, e.replay, ledger.Entry{Event: ledger.LetterResolved}))
}

// leave removes a replay that has ended from its lane, which goes on.
func (d *Dispatcher) leave(e *pending) {
	e.dropped = true
	d.detach(e)
	d.endReplay(e.replay)
}

// conclude ends a replay that was not called. No lane waits for its outcome: a crash before that is acknowledged only
// has the next owner come to the same end.
func (d *Dispatcher) conclude(now time.Time, r *replay, e ledger.Entry) {
	d.uncalled(r)
	d.write(nil, d.outcome(now, r, e))
	d.endReplay(r)
}

func (d *Dispatcher) outcome(now time.Time, r *replay, e ledger.Entry) ledger.Entry {
	e.ID, e.N, e.Run = r.id.String(), r.n, r.run
	return d.signed(now, e)
}

// endReplay frees the place of a replay.
func (d *Dispatcher) endReplay(r *replay) {
	r.over = true
	if r.taken {
		r.taken = false
		d.taken--
	}
}

// dropReplays forgets the replays of a partition whose log was recreated or truncated.
func (d *Dispatcher) dropReplays(p *partition) {
	for id, r := range d.replays {
		if r.of != p {
			continue
		}
		if r.event != nil && !r.event.dropped {
			d.drop(r.event)
		}
		d.endReplay(r)
		delete(d.replays, id)
	}
}
