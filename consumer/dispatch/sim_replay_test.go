package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// desk is the letters' topic, the operators who replay, dismiss and reopen letters, and the truth about the letters. It
// has its own random source, so its draws do not change the rest of a history.
type desk struct {
	*world
	dice    *rand.Rand
	on      bool
	letters []simLetter
	ids     []string             // of the letters, in the order in which they were first stored
	truth   simFold              // derived from everything in both topics
	open    int                  // number of letters whose true state is requeued
	highest map[orderLog]int64   // the highest accepted offset
	skipped map[orderLog][]int64 // the offsets of the repeats

	every, until, lag                       time.Duration
	fails, lost, lates                      float64 // shares of the writes to the ledger; lates applies to letters, too
	heals, twins, dismisses, reopens, force float64
	cancels                                 float64 // share of the requeued letters
	early                                   float64 // share of the generations that start before both topics are read
}

// simLetter is a record in the letters' topic.
type simLetter struct {
	change *change
	letter fold.Letter
}

func (w *world) drawReplays(seed uint64) {
	d := &desk{world: w, dice: rand.New(rand.NewPCG(seed, 0xde5c)), truth: simFold{}, highest: map[orderLog]int64{}, skipped: map[orderLog][]int64{}}
	w.desk = d
	if d.Float64() < 0.25 {
		return
	}
	d.on = true
	w.figures.withReplays = 1
	p := &w.plan
	// A recreated topic reuses ids, and a new ledger has none of the requests. These are limitations, not faults.
	p.recreateEvery, p.blackout, p.guard.lostEvery = 0, false, 0
	if !p.guard.on {
		p.refused, p.refusedByMapping = max(p.refused, 0.1+0.3*d.Float64()), max(p.refusedByMapping, 0.2*d.Float64())
		p.ignored = min(p.ignored, 0.2)
	}
	p.large = min(p.large, 30) // a letter for each item is expensive
	d.every = d.between(time.Second, 15*time.Second)
	d.lag = d.between(time.Second, 10*time.Second)
	d.until = p.chaos + d.between(0, time.Minute)
	d.fails, d.lost, d.lates = d.half(0.3), d.half(0.3), d.half(0.3)
	d.heals, d.twins, d.dismisses, d.reopens, d.force = 0.4+0.5*d.Float64(), d.half(0.5), d.half(0.3), d.half(0.3), d.half(0.2)
	d.early, d.cancels = d.half(0.5), d.half(0.5)
}

// half draws the rate of a fault: 0 in half of the histories, and at most v in the others.
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

// Float64 draws from the desk's own source.
func (d *desk) Float64() float64 { return d.dice.Float64() }

// late reports whether a letter is stored later, although its writer gets a failure.
func (d *desk) late() bool { return d.on && !d.calm && d.chance(d.lates) }

func (w *world) stirReplays() {
	if w.desk.on {
		w.desk.work()
	}
}

// work has an operator decide about letters now and then.
func (d *desk) work() {
	d.after(d.between(d.every/4, 2*d.every), func() {
		if d.now > d.until {
			return
		}
		d.decide()
		d.work()
	})
}

// decide picks random letters, and makes requests for some of them.
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
			d.after(d.between(0, 20*time.Second), func() { d.world.enter(e) }) // no response, so the entry is written again
		}
		if twin := e; d.chance(d.twins) { // another operator makes the same request
			twin.By = "carol"
			d.after(d.between(0, 2*time.Second), func() { d.world.enter(twin) })
		}
	}
}

// wish returns what an operator does with a letter, which is usually nothing.
func (d *desk) wish(s *simState) ledger.Entry {
	closed := s.final() || s.dismissed
	switch {
	case s.requeued() && s.letter != nil && s.letter.change.nameless:
		return ledger.Entry{}
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
	l, c := s.letter.letter, s.letter.change
	force := d.chance(d.force)
	c.nameless = c.nameless || force && l.Order == "" && (l.Key == 0 || len(c.record.changes) > 1)
	return ledger.Entry{Event: ledger.LetterReplay, N: s.n + 1, Letter: l.Offset, Run: "r1", Force: force}
}

// learn applies a change to the truth about a letter, and counts the requeued letters.
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

// enter records an entry that was written to the ledger.
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
func (d *desk) stored(s turn.Store, c *change) {
	if !d.on {
		return
	}
	id := ledger.ID{Topic: s.Topic, Partition: s.Number, Offset: s.Offset, Item: ledger.NoItem}
	if s.Several {
		id.Item = s.Item
	}
	l := simLetter{c, fold.Letter{ID: id, Order: s.Order, Key: fold.KeyHash([]byte(c.record.key)), Count: s.Replay, Offset: int64(len(d.letters))}}
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

// ended reports whether every request has an outcome.
func (d *desk) ended() bool {
	if d.now <= d.until {
		return !d.on
	}
	return d.open == 0
}

// performReplays starts the letter fetches and the ledger writes that the dispatcher returned.
func (k *worker) performReplays(e turn.Effects) {
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

// take fetches a letter and maps its event again. The mapping may have been fixed in the meantime.
func (k *worker) take(t turn.Take) {
	l := k.desk.letters[t.Offset]
	c := l.change
	taken := turn.Taken{Letter: l.letter, Record: c.record, Items: slices.Clone(c.record.items)}
	i := max(l.letter.ID.Item, 0)
	it := &taken.Items[i]
	switch luck := k.desk.Float64(); {
	case c.nameless:
		it.Action, it.OrderID = event.Call, c.order.name
	case luck < 0.02:
		taken.Cause = "LetterExpired"
	case luck < 0.04:
		it.Action = event.Ignore
	case luck < 0.06:
		it.OrderID += " of another shop"
	case c.action == event.Refuse && k.desk.chance(k.desk.heals):
		it.Action, it.OrderID = event.Call, c.order.name
	}
	k.hear(0, func() { k.d.Taken(k.clock(), t.ID, taken) })
}

// append writes to the ledger. The write may fail, its response may be lost, and the entries may be stored late.
func (k *worker) append(a turn.Append) {
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

// readLetters follows the letters' topic: it reads the whole topic before the worker joins, and new letters afterwards.
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

// readBoth reads the letters' topic and the ledger to their ends before the worker gets its partitions. In some
// generations it does nothing.
func (k *worker) readBoth() {
	if k.desk.on && !k.desk.chance(k.desk.early) {
		k.followLetters()
		k.followLedger()
	}
}

// catchUp reads both topics to their ends after the generation has begun, and then calls CaughtUp.
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
