package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
)

// desk is the letters' topic, the operators who replay, dismiss and reopen letters, and what is true of them. It has a
// source of its own, so that the other histories stay what they are.
type desk struct {
	*world
	dice    *rand.Rand
	on      bool
	letters []simLetter
	ids     []string // of the letters, in the order in which they were stored first
	truth   simFold  // of all that stands in both topics
	open    int      // letters that are requeued, in truth
	highest map[orderLog]int64

	every, until, lag                       time.Duration
	fails, lost, lates                      float64 // of the writes to the ledger, and late letters
	heals, twins, dismisses, reopens, force float64
	cancels                                 float64 // of requeued letters
	early                                   float64 // generations that begin before the topics are read to their ends
}

// orderLog is one order in one log.
type orderLog struct {
	*order
	*simLog
}

// simLetter is a record of the letters' topic.
type simLetter struct {
	change *change
	letter ledger.Letter
}

// simFold is what the ledger and the letters say, told apart from the fold that the workers use.
type simFold map[string]*simState

type simState struct {
	letter                          *simLetter
	n, count                        int
	answered, ended                 bool
	resolved, superseded, dismissed bool
	overtaken, force                bool
	refused                         map[string]bool // operators' entries that are not to count later
}

func (s *simState) final() bool { return s.resolved || s.superseded }

func (s *simState) requeued() bool {
	return s.n > 0 && !s.final() && !s.dismissed && !s.ended && s.count < s.n
}

func (f simFold) at(id string) *simState {
	if f[id] == nil {
		f[id] = &simState{count: -1}
	}
	return f[id]
}

func (f simFold) read(l *simLetter) {
	s := f.at(l.letter.ID.String())
	if l.letter.Count >= s.count {
		s.letter, s.count = l, l.letter.Count
	}
}

// follow takes an entry, and says whether it counts.
func (f simFold) follow(e ledger.Entry) bool {
	if e.ID == "" {
		return false
	}
	s := f.at(e.ID)
	switch e.Event {
	case ledger.LetterOvertaken:
		was := s.overtaken
		s.overtaken = true
		return !was
	case ledger.LetterReplay, ledger.LetterDismissed, ledger.LetterReopened:
		return s.operate(e)
	default:
		return s.answer(e)
	}
}

// operate takes an operator's entry.
func (s *simState) operate(e ledger.Entry) bool {
	name := string(e.Event) + e.By + e.At.String()
	n, closed := s.n, s.final() || s.dismissed
	if e.Event == ledger.LetterReplay {
		n++
	}
	if e.N != n || s.refused[name] {
		return false
	}
	if s.refused == nil {
		s.refused = map[string]bool{}
	}
	s.refused[name] = true
	switch {
	case e.Event == ledger.LetterReplay && !closed:
		s.n, s.answered, s.ended, s.force = n, false, false, e.Force
	case e.Event == ledger.LetterDismissed && !closed:
		s.dismissed, s.ended = true, true
	case e.Event == ledger.LetterReopened && closed:
		s.dismissed, s.resolved, s.superseded, s.ended = false, false, false, true
	default:
		return false
	}
	return true
}

// answer takes the outcome of a replay.
func (s *simState) answer(e ledger.Entry) bool {
	if e.N != s.n || s.answered {
		return false
	}
	s.answered, s.ended = true, true
	if e.Event == ledger.LetterResolved {
		s.resolved, s.dismissed = true, false
	}
	if e.Event == ledger.LetterSuperseded {
		s.superseded = !s.dismissed
	}
	return true
}

func (w *world) drawReplays(seed uint64) {
	d := &desk{world: w, dice: rand.New(rand.NewPCG(seed, 0xde5c)), truth: simFold{}, highest: map[orderLog]int64{}}
	w.desk = d
	if d.Float64() < 0.5 {
		return
	}
	d.on = true
	p := &w.plan
	// Ids repeat in a topic that is made anew, and a new ledger has forgotten what was asked for: limits, not faults.
	p.recreateEvery, p.blackout, p.guard.lostEvery = 0, false, 0
	if !p.guard.on {
		p.refused, p.refusedByMapping = max(p.refused, 0.1+0.3*d.Float64()), max(p.refusedByMapping, 0.2*d.Float64())
		p.ignored = min(p.ignored, 0.2)
	}
	p.large = min(p.large, 30) // a letter of each item is dear
	d.every = d.between(time.Second, 15*time.Second)
	d.lag = d.between(time.Second, 10*time.Second)
	d.until = p.chaos + d.between(0, time.Minute)
	d.fails, d.lost, d.lates = d.half(0.3), d.half(0.3), d.half(0.3)
	d.heals, d.twins, d.dismisses, d.reopens, d.force = 0.4+0.5*d.Float64(), d.half(0.5), d.half(0.3), d.half(0.3), d.half(0.2)
	d.early, d.cancels = d.half(0.5), d.half(0.5)
}

// half leaves a fault out of half of the histories.
func (d *desk) half(v float64) float64 {
	if d.Float64() < 0.5 {
		return 0
	}
	return v * d.Float64()
}

func (d *desk) between(from, to time.Duration) time.Duration {
	return from + time.Duration(d.dice.Int64N(int64(to-from)+1))
}

func (d *desk) chance(p float64) bool { return p > 0 && d.dice.Float64() < p }

// Float64 is of the desk's own source.
func (d *desk) Float64() float64 { return d.dice.Float64() }

// late says whether a letter that its writer gave up is stored later all the same.
func (d *desk) late() bool { return d.on && !d.calm && d.chance(d.lates) }

func (w *world) stirReplays() {
	if w.desk.on {
		w.desk.work()
	}
}

// work lets an operator look at the letters, now and then.
func (d *desk) work() {
	d.after(d.between(d.every/4, 2*d.every), func() {
		if d.now > d.until {
			return
		}
		d.decide()
		if d.chance(d.twins) {
			d.decide() // by somebody else, who looks at the same moment
		}
		d.work()
	})
}

// decide is one look at all letters: what to do with some of them.
func (d *desk) decide() {
	left := 1 + d.dice.IntN(20)
	by := []string{"alice", "bob"}[d.dice.IntN(2)]
	for range 8 * left {
		if left == 0 || len(d.ids) == 0 {
			return
		}
		id := d.ids[d.dice.IntN(len(d.ids))]
		e := d.wish(d.truth[id])
		if e.Event == "" {
			continue
		}
		left--
		e.ID, e.By, e.Via, e.At = id, by, "cli", d.clock().Truncate(time.Millisecond)
		d.after(d.between(0, 2*time.Second), func() { d.world.enter(e) })
		if d.chance(d.lost) {
			d.after(d.between(0, 20*time.Second), func() { d.world.enter(e) }) // no response: written again
		}
	}
}

// wish is what an operator wants to do with a letter; nothing most often.
func (d *desk) wish(s *simState) ledger.Entry {
	closed := s.final() || s.dismissed
	switch {
	case d.chance(d.dismisses), s.requeued() && d.chance(d.cancels):
		return ledger.Entry{Event: ledger.LetterDismissed, N: s.n}
	case closed && d.chance(d.reopens):
		return ledger.Entry{Event: ledger.LetterReopened, N: s.n}
	case closed, s.requeued() && !d.chance(0.1):
		return ledger.Entry{}
	}
	if c := s.letter.change; c.refused && d.chance(d.heals) {
		c.refused, c.healed = false, true
	}
	return ledger.Entry{
		Event: ledger.LetterReplay, N: s.n + 1, Letter: s.letter.letter.Offset, Run: "r1", Force: d.chance(d.force),
	}
}

// learn changes the truth about a letter.
func (d *desk) learn(id string, change func() bool) bool {
	was := d.truth[id] != nil && d.truth[id].requeued()
	changed := change()
	is := d.truth[id] != nil && d.truth[id].requeued()
	switch {
	case is && !was:
		d.open++
	case was && !is:
		d.open--
	}
	return changed
}

// enter takes an entry that stands in the ledger now.
func (d *desk) enter(e ledger.Entry) {
	if !d.learn(e.ID, func() bool { return d.truth.follow(e) }) {
		return
	}
	switch e.Event {
	case ledger.LetterReplay:
		d.figures.replays++
	case ledger.LetterResolved:
		d.figures.resolved++
	case ledger.LetterSuperseded:
		d.figures.superseded++
	case ledger.LetterOvertaken:
		d.figures.marks++
		if e.Newer == "" {
			d.figures.lateLetters++
		}
	default: // not in the summary
	}
}

// stored appends a letter to the topic.
func (d *desk) stored(s dispatch.Store, c *change) {
	if !d.on {
		return
	}
	id := ledger.ID{Topic: s.Topic, Partition: s.Number, Offset: s.Offset, Item: ledger.NoItem}
	if s.Several {
		id.Item = s.Item
	}
	l := simLetter{c, ledger.Letter{ID: id, Order: s.Order, Key: c.record.key(), Count: s.Replay, Offset: int64(len(d.letters))}}
	d.note("letter %v, replay %d", id, s.Replay)
	d.letters = append(d.letters, l)
	if s.Replay > 0 {
		d.figures.again++
	}
	name := id.String()
	if s := d.truth[name]; s == nil || s.letter == nil {
		d.ids = append(d.ids, name)
	}
	d.learn(name, func() bool {
		d.truth.read(&l)
		return true
	})
}

// key is the hash of a record's key: the name of its first order.
func (r *record) key() uint64 { return ledger.KeyHash([]byte(r.changes[0].order.name)) }

// ended says whether everything that was asked for has an outcome.
func (d *desk) ended() bool {
	if d.now <= d.until {
		return !d.on
	}
	return d.open == 0
}

// checkCalled looks at a call that goes out: nobody may be called about an order under an older event than the last one
// that was accepted, unless an operator forced it.
func (d *desk) checkCalled(f *flight) {
	if !d.on || f.change.record.gone || f.forced {
		return
	}
	at := orderLog{f.change.order, f.change.record.log}
	if highest := d.highest[at]; f.call.Offset < highest {
		d.failed("%v/%d (replay %d): an older status of %s is called after that of %d was accepted", f.call.Partition, f.call.Offset,
			f.call.Replay, at.name, highest)
	}
}

// accepted notes what LeadHit took.
func (d *desk) accepted(f *flight) {
	d.checkCalled(f)
	at := orderLog{f.change.order, f.change.record.log}
	d.highest[at] = max(d.highest[at], f.call.Offset)
}

// replayWatch is what a worker knows of a replay that it has called about.
type replayWatch struct {
	n        int
	order    *order
	inFlight bool
	done     bool // accepted, as far as the worker heard
	ended    bool // its outcome is stored, as far as the worker heard
}

func idOf(p partition, offset int64, item int, several bool) string {
	id := ledger.ID{Topic: p.Topic, Partition: p.Number, Offset: offset, Item: ledger.NoItem}
	if several {
		id.Item = item
	}
	return id.String()
}

// checkReplay looks at a replay's call as it is decided.
func (k *worker) checkReplay(c dispatch.Call) {
	change := changeOf(c.Record, c.Item)
	id := idOf(c.Partition, c.Offset, c.Item, c.Several)
	s := k.known.at(id)
	w := k.replays[id]
	k.figures.replayed++
	k.checkHeld(c)
	k.checkPause(c)
	switch {
	case k.inFlight > k.plan.calls:
		k.failed("worker %d: %d calls in flight, limit %d", k.place, k.inFlight, k.plan.calls)
	case !s.requeued() || s.n != c.Replay:
		k.failed("worker %d calls %s as replay %d, but it knows: %+v", k.place, id, c.Replay, *s)
	case s.overtaken && !s.force:
		k.failed("worker %d calls %s, which it knows to be overtaken", k.place, id)
	case w != nil && w.n == c.Replay && (w.done || w.ended):
		k.failed("worker %d calls %s again, as replay %d", k.place, id, c.Replay)
	}
	if k.busy[change.order]++; k.busy[change.order] > 1 {
		k.failed("%s: worker %d has another call of the same order in flight", id, k.place)
	}
	k.replays[id] = &replayWatch{n: c.Replay, order: change.order, inFlight: true}
	k.unknown[id] = true
	if len(k.unknown) > k.plan.calls {
		k.failed("worker %d: a crash repeats %d replays, bound %d", k.place, len(k.unknown), k.plan.calls)
	}
}

// checkOutcomes demands that no call about an order is decided before the outcome of its last replay is stored.
func (k *worker) checkOutcomes(c dispatch.Call) {
	order := changeOf(c.Record, c.Item).order
	for id := range k.unknown {
		if w := k.replays[id]; w.order == order && w.done && !w.ended {
			k.failed("%v/%d: called before the outcome of the replay of %s, of the same order, is stored", c.Partition, c.Offset, id)
		}
	}
}

// performReplays starts what the dispatcher wants of letters and ledger.
func (k *worker) performReplays(e dispatch.Effects) {
	for _, c := range e.Calls {
		k.checkOutcomes(c)
	}
	for _, t := range e.Takes {
		k.act(k.desk.between(time.Millisecond, 20*time.Millisecond), func() { k.take(t) })
	}
	if e.Append != nil {
		k.append(*e.Append)
	}
}

// take fetches a letter and maps it anew: by then somebody may have repaired the mapping.
func (k *worker) take(t dispatch.Take) {
	l := k.desk.letters[t.Offset]
	c := l.change
	taken := dispatch.Taken{Letter: l.letter, Record: c.record, Items: slices.Clone(c.record.items)}
	i := max(l.letter.ID.Item, 0)
	it := &taken.Items[i]
	switch luck := k.desk.Float64(); {
	case luck < 0.02:
		taken.Cause = "LetterExpired"
	case luck < 0.04:
		it.Action = event.Ignore
	case luck < 0.06:
		it.OrderID += " of another shop"
	case c.action == event.Refuse && k.desk.chance(k.desk.heals):
		it.Action, it.OrderID, it.Status = event.Call, c.order.name, "paid"
	}
	k.hear(0, func() { k.d.Taken(k.clock(), t.ID, taken) })
}

// append writes to the ledger. The write may fail, its response may be lost, and it may be stored late.
func (k *worker) append(a dispatch.Append) {
	d := k.desk
	fails, lost, late := d.chance(d.fails), d.chance(d.lost), d.chance(d.lates)
	if k.calm {
		fails, lost, late = d.chance(0.02), d.chance(0.02), false
	}
	enter := func() {
		for _, e := range a.Entries {
			k.enter(e)
		}
	}
	k.after(d.between(time.Millisecond, 100*time.Millisecond), func() {
		switch {
		case late:
			k.after(d.between(0, 20*time.Second), enter)
		case !fails:
			enter()
		}
		ok := !fails && !lost && !late
		k.hear(d.between(0, 50*time.Millisecond), func() {
			if ok {
				k.noteOutcomes(a.Entries)
			}
			k.d.Appended(k.clock(), a.ID, ok)
		})
	})
}

func (k *worker) noteOutcomes(entries []ledger.Entry) {
	for _, e := range entries {
		if e.Event != ledger.LetterOvertaken {
			k.noteReplay(e.ID, e.N, func(w *replayWatch) { w.ended = true })
		}
	}
}

// noteReplay takes the outcome of a call, or of a letter, about a replay.
func (k *worker) noteReplay(id string, n int, change func(*replayWatch)) {
	w := k.replays[id]
	if w == nil || w.n != n {
		return
	}
	change(w)
	if w.ended || !w.inFlight && !w.done {
		delete(k.unknown, id) // a crash repeats no call about it
	}
}

// readLetters follows the letters' topic: all of it before the worker joins, and then what comes.
func (k *worker) readLetters() {
	if !k.desk.on {
		return
	}
	k.followLetters()
	var again func()
	again = func() {
		k.act(k.desk.between(50*time.Millisecond, k.desk.lag), func() {
			if k.letters < len(k.desk.letters) {
				k.hear(0, k.followLetters)
			}
			again()
		})
	}
	again()
}

func (k *worker) followLetters() {
	for ; k.letters < len(k.desk.letters); k.letters++ {
		l := &k.desk.letters[k.letters]
		k.known.read(l)
		k.d.LetterRead(k.clock(), l.letter)
	}
}

// readBoth reads letters and ledger to their ends, when a generation begins; most often before the worker is told its
// partitions.
func (k *worker) readBoth() {
	if k.desk.on && !k.desk.chance(k.desk.early) {
		k.followLetters()
		k.followLedger()
	}
}

// catchUp does the same after the generation has begun, and tells.
func (k *worker) catchUp() {
	if !k.desk.on {
		return
	}
	number := k.number
	k.hear(k.desk.between(0, k.desk.lag), func() {
		if k.number != number || !k.inside {
			return
		}
		k.followLetters()
		k.followLedger()
		k.d.CaughtUp()
	})
}
