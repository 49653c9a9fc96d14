package dispatch_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
)

// world is one simulated history: a broker, a LeadHit, a letters' topic and some workers, with one virtual clock.
// Everything that happens is drawn from one seed, so each seed determines one history.
type world struct {
	*rand.Rand
	plan     plan
	now      time.Duration // since the start
	agenda   agenda
	seq      uint64
	calm     bool // the faults are over, except for a few failures
	healed   bool // stuck orders succeed again
	broker   *broker
	leadhit  *leadhit
	ledger   *simLedger
	desk     *desk
	shop     *shop
	workers  []*worker
	fileKey  int // the key in the key file
	failure  error
	happened int
	trace    func(format string, args ...any)
	figures  figures
	losses   []*loss
}

// mostHappenings is far more than any history needs.
const mostHappenings = 2_000_000

// figures are what a history adds to the summary.
type figures struct {
	virtual                                     time.Duration
	seeds, events, calls, crashes, rebalances   int
	commits, letters, pauses, ambiguous, clean  int
	repeats, maxRepeats, bound, risk, exhausted int
	losses                                      int // crashes, and generations that did not end cleanly
	outages, floods                             int // noticed by a worker
	orphans                                     int // calls in flight when the next generation began
	withReplays                                 int // histories with a letters' topic and operators
	replays, replayed                           int // requested replays, and the calls for them
	resolved, superseded, again, marks          int // outcomes of replays, and letters marked as overtaken
	lateLetters                                 int // marked because they arrived late
	skipped, strays                             int // repeats, and histories with orders in two partitions
	unexplained                                 int // workers that found keys that no usual partitioner explains
}

func (f *figures) add(g figures) {
	f.virtual += g.virtual
	f.seeds += g.seeds
	f.events += g.events
	f.calls += g.calls
	f.crashes += g.crashes
	f.rebalances += g.rebalances
	f.commits += g.commits
	f.letters += g.letters
	f.pauses += g.pauses
	f.outages += g.outages
	f.floods += g.floods
	f.ambiguous += g.ambiguous
	f.clean += g.clean
	f.losses += g.losses
	f.repeats += g.repeats
	f.exhausted += g.exhausted
	f.orphans += g.orphans
	f.withReplays += g.withReplays
	f.replays += g.replays
	f.replayed += g.replayed
	f.resolved += g.resolved
	f.superseded += g.superseded
	f.again += g.again
	f.marks += g.marks
	f.lateLetters += g.lateLetters
	f.skipped += g.skipped
	f.strays += g.strays
	f.unexplained += g.unexplained
	f.risk = max(f.risk, g.risk)
	// Histories have different bounds, so the worst history is the one nearest to its own bound.
	if g.bound > 0 && (f.bound == 0 || g.maxRepeats*f.bound > f.maxRepeats*g.bound) {
		f.maxRepeats, f.bound = g.maxRepeats, g.bound
	}
}

// agenda holds what is still to happen, the soonest first. Happenings at the same moment are in the order in which they
// were added.
type agenda []happening

type happening struct {
	at  time.Duration
	seq uint64
	do  func()
}

func (h happening) before(g happening) bool {
	return h.at < g.at || h.at == g.at && h.seq < g.seq
}

func (a *agenda) Len() int           { return len(*a) }
func (a *agenda) Less(i, j int) bool { return (*a)[i].before((*a)[j]) }
func (a *agenda) Swap(i, j int)      { (*a)[i], (*a)[j] = (*a)[j], (*a)[i] }
func (a *agenda) Push(v any)         { *a = append(*a, v.(happening)) }

func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = happening{}
	*a = (*a)[:len(*a)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.agenda, happening{w.now + max(d, time.Microsecond), w.seq, do})
}

// clock returns the current time as the dispatcher sees it.
func (w *world) clock() time.Time { return time.Unix(1_700_000_000, 0).Add(w.now) }

// failed records the first violation, which ends the history.
func (w *world) failed(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf("at %v: "+format, append([]any{w.now}, args...)...)
	}
}

func (w *world) chance(p float64) bool { return p > 0 && w.Float64() < p }

func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.Int64N(int64(to-from)+1))
}

// simulate runs the history of a seed and returns its figures and the first violation.
func simulate(seed uint64, trace func(string, ...any)) (figures, error) {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 0x5eed)), trace: trace}
	w.ledger = &simLedger{Rand: rand.New(rand.NewPCG(seed, 0xf100d))}
	w.plan = drawPlan(w)
	w.drawGuard()
	w.drawReplays(seed)
	w.drawRepeats(seed)
	w.broker = newBroker(w)
	w.leadhit = &leadhit{world: w, holds: map[string]string{}, onWire: map[string]int{}}
	w.live()
	f := w.figures
	f.seeds, f.virtual = 1, w.now
	f.bound = 3 * w.plan.calls
	for _, l := range w.losses {
		if !l.crash {
			continue
		}
		f.losses++
		f.repeats += l.repeats
		if w.plan.limit >= w.plan.told {
			f.maxRepeats = max(f.maxRepeats, l.repeats)
		}
	}
	return f, w.failure
}

func (w *world) live() {
	defer func() {
		if r := recover(); r != nil {
			w.failed("panic: %v\n%s", r, debug.Stack())
		}
	}()
	w.produce()
	for range w.plan.workers {
		w.workers = append(w.workers, nil)
		w.begin(len(w.workers) - 1)
	}
	w.stir()
	w.stirGuard()
	w.stirReplays()
	w.runUntil(w.plan.chaos, func() bool { return false })
	w.settleDown()
	w.runUntil(w.now+w.plan.calmLimit, w.othersFinished)
	if w.failure == nil && !w.othersFinished() {
		w.failed("after %v without faults, orders that nothing blocks are unfinished: %v", w.plan.calmLimit,
			w.describe())
	}
	w.healed = true
	w.runUntil(w.now+w.plan.calmLimit, w.allCommitted)
	if w.failure == nil && !w.allCommitted() {
		w.failed("after %v without faults, not everything is committed: %v", w.plan.calmLimit, w.describe())
	}
}

func (w *world) runUntil(end time.Duration, done func() bool) {
	next := w.now
	for w.failure == nil && len(w.agenda) > 0 && w.agenda[0].at <= end {
		h := heap.Pop(&w.agenda).(happening)
		w.now = h.at
		h.do()
		if w.happened++; w.happened > mostHappenings {
			w.failed("no end after %d happenings", w.happened)
		}
		if w.now >= next {
			if done() {
				return
			}
			next = w.now + time.Second
		}
	}
}

// settleDown ends the faults. A few failures remain, because a lost retry is noticed only if something must be retried.
func (w *world) settleDown() {
	w.calm = true
	w.leadhit.calmDown()
	for i, k := range w.workers {
		switch {
		case k == nil:
			w.begin(i)
		case k.frozen:
			k.thaw()
		}
		if k := w.workers[i]; k != nil { // a worker that was stopping may have ended as it thawed
			k.readKey()
		}
	}
}

// describe lists what is unfinished, for the report of a violation.
func (w *world) describe() string {
	var text strings.Builder
	for _, p := range w.broker.logs {
		open := []int64{}
		for _, r := range p.records {
			if r.open > 0 && !r.gone {
				open = append(open, r.offset)
			}
		}
		fmt.Fprintf(&text, "\n%v end %d committed %d %q unfinished %v", p.id, p.end, p.committed.next,
			p.committed.metadata, open)
	}
	for id, l := range w.desk.truth {
		if l.requeued() {
			fmt.Fprintf(&text, "\nrequeued: %v, replay %d", id, l.n)
		}
	}
	for i, k := range w.workers {
		if k != nil {
			fmt.Fprintf(&text, "\nworker %d life %d inside %v in flight %d state %+v", i, k.life, k.inside, k.inFlight,
				k.d.Snapshot())
		}
	}
	return text.String()
}

func (w *world) allCommitted() bool {
	for _, p := range w.broker.logs {
		if p.committed.next != p.end || !p.finishedBelow(p.end) {
			return false
		}
	}
	return w.desk.ended()
}

// othersFinished reports whether all events are finished, except those that a stuck order blocks directly or through
// other orders of the same events.
func (w *world) othersFinished() bool {
	if w.plan.stuck == 0 {
		return true
	}
	held := map[*order]bool{}
	for _, o := range w.broker.orders {
		held[o] = o.stuck
	}
	for grown := true; grown; {
		grown = false
		for _, p := range w.broker.logs {
			grown = spread(p, held) || grown
		}
	}
	for _, p := range w.broker.logs {
		for _, r := range p.records {
			if r.open > 0 && !r.gone && !r.names(held) {
				return false
			}
		}
	}
	return true
}

// spread marks the orders of events that wait for a marked order, and reports whether it marked any.
func spread(p *simLog, held map[*order]bool) bool {
	grown := false
	for _, r := range p.records {
		if r.open == 0 || !r.names(held) {
			continue
		}
		for i := range r.changes {
			if c := &r.changes[i]; c.calls() && !held[c.order] {
				held[c.order], grown = true, true
			}
		}
	}
	return grown
}

// partition is short for event.Partition.
type partition = event.Partition
