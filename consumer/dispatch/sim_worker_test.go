package dispatch_test

import (
	"math"
	"math/rand/v2"
	"time"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/retry"
)

const (
	commitTimeout = 3 * time.Second
	longPoll      = 5 * time.Second
)

// worker is one process: a dispatcher, and a model of the shell around it, with its clock and network. A crash ends the
// worker, and a restart makes a new one.
type worker struct {
	*world
	place, life int
	d           *dispatch.Dispatcher
	alive       bool
	frozen      bool
	inbox       []func() // what happened while the worker was frozen
	member      int
	asMember    int // the member id under which it was last assigned partitions
	key         int
	proved      int // the last key that LeadHit accepted
	stopping    bool
	wake        time.Duration // 0 if the dispatcher requested none
	wakes       int
	pending     bool // inputs have arrived since the last call to Next
	inFlight    int
	busy        map[*order]int // its calls in flight, by order
	armed       func()         // what happens to the worker after its next call is sent
	run                        // of the current generation
	watch       pauseWatch
	outage      outageWatch
	guard       guardWatch
	build       string
	known       simFold // what the worker has read of the letters and the ledger
	letters     int     // how many letters it has read
	metAlien    bool    // the worker has sent an event whose key no usual partitioner puts into the event's partition
}

// run is what a worker has seen of one generation.
type run struct {
	number     int // counts the runs of a worker
	inside     bool
	revoked    bool
	fenced     bool
	generation int
	owned      int // number of partitions
	called     map[*record]*progress
	begun      map[*change]bool
	replays    map[string]*replayWatch
	unknown    map[string]bool // replays in flight, or accepted but without an outcome yet
	proofs     map[string]proof
}

// tell writes a line about the history, if the history is printed.
func (k *worker) tell(format string, args ...any) {
	if k.trace != nil {
		k.note("worker %d: "+format, append([]any{k.place}, args...)...)
	}
}

func (w *world) note(format string, args ...any) {
	if w.trace != nil {
		w.trace("%v "+format, append([]any{w.now}, args...)...)
	}
}

func retryPolicy(w *world) retry.Policy {
	return retry.Policy{
		Initial: 200 * time.Millisecond, Max: w.plan.retryMax, MaxElapsed: w.plan.maxElapsed,
		Random: rand.New(rand.NewPCG(w.Uint64(), 1)),
	}
}

// begin starts a process as the worker with the given index.
func (w *world) begin(place int) {
	c := w.plan.config(w, place)
	k := &worker{
		world: w, place: place, alive: true, key: w.fileKey, proved: math.MinInt, busy: map[*order]int{},
		d: dispatch.New(c), build: c.Build, known: simFold{},
	}
	k.d.RememberOrders(w.shop.remembered)
	w.workers[place] = k
	k.act(w.between(0, 100*time.Millisecond), func() {
		k.readLedger()
		k.readLetters()
		w.broker.join(k)
	})
}

// hear delivers an input to the dispatcher after d, or later if the worker is frozen. A dead worker gets no input.
func (k *worker) hear(d time.Duration, input func()) {
	k.act(d, func() {
		input()
		k.pending = true
		if k.chance(k.plan.batching) {
			k.act(k.between(0, time.Millisecond), k.ask) // more inputs may arrive before Next is called
			return
		}
		k.ask()
	})
}

// hearAnswer delivers the response to a call. If the worker was frozen, its clock may have been frozen, too. In that
// case, the call ends after the rest of its timeout.
func (k *worker) hearAnswer(f *flight, v retry.Verdict) {
	if !k.alive || !k.frozen {
		k.hear(0, func() { k.answered(f, v) })
		return
	}
	k.inbox = append(k.inbox, func() {
		k.hear(k.between(0, k.plan.callTimeout), func() { k.answered(f, v) })
	})
}

// act calls the given function after d. A frozen worker calls it once it has thawed, and a dead one never does.
func (k *worker) act(d time.Duration, do func()) {
	k.after(d, func() {
		switch {
		case !k.alive:
		case k.frozen:
			k.inbox = append(k.inbox, do)
		default:
			do()
		}
	})
}

func (k *worker) assigned(generation int, positions []turn.Position) {
	if k.inside {
		return // assigned twice
	}
	number := k.number + 1
	k.run = run{
		number: number, inside: true, generation: generation, owned: len(positions), called: map[*record]*progress{},
		begun: map[*change]bool{}, replays: map[string]*replayWatch{}, unknown: map[string]bool{},
		proofs: map[string]proof{},
	}
	k.tell("assigned generation %d as member %d: %+v", generation, k.member, positions)
	k.figures.orphans += k.inFlight
	limit := k.d.Limit()
	k.d.Assigned(k.clock(), positions, k.member != k.asMember)
	if got := k.d.Limit(); got != limit {
		k.failed("worker %d: a generation began, and the limit of calls in flight went from %d to %d", k.place, limit,
			got)
	}
	k.asMember = k.member
	k.catchUp()
	if k.stopping {
		k.revoke()
	}
}

// beat sends one heartbeat per second for as long as the generation lasts.
func (k *worker) beat(generation int) {
	k.act(time.Second, func() {
		switch {
		case k.inside && (k.revoked || k.generation != generation):
		case k.broker.heartbeat(k.member, generation):
			k.beat(generation)
		case k.inside:
			k.hear(0, k.revoke)
		default:
			k.beat(generation) // the worker has no partitions yet
		}
	})
}

// revoke starts the end of a generation: nothing new starts, and the wait for what is in flight is limited.
func (k *worker) revoke() {
	if !k.inside || k.revoked {
		return
	}
	k.revoked = true
	k.tell("revoked")
	k.d.Revoked()
	number, limit := k.number, k.plan.drain
	if k.stopping {
		limit = patience // the worker leaves the group, and none of its calls may outlive its membership
	}
	k.act(limit, func() {
		switch {
		case !k.inside || k.number != number:
		case k.stopping && limit != patience:
			k.revoked = false
			k.revoke()
		default:
			k.leaveGeneration(turn.NotEnded)
		}
	})
}

// leaveGeneration drops a generation and joins the next.
func (k *worker) leaveGeneration(end turn.End) {
	k.tell("leaves the generation: %d", end)
	k.checkEnd(end)
	k.suffer(end != turn.Drained || k.d.NeedsNewMember())
	if k.inFlight > 0 && k.plan.keyEvery > 0 && !k.calm && k.chance(0.5) {
		k.leadhit.changeKey() // so that calls from an ended generation have the old key
	}
	k.d.Lost()
	k.inside = false
	if k.desk.on {
		k.wake = 0
		k.wakes++
		k.pending = true
		k.act(0, k.ask) // outcomes of replays may still need to be written
	}
	if k.d.NeedsNewMember() || k.fenced && k.chance(0.5) || k.stopping {
		k.broker.leave(k.member)
		k.member = 0
	}
	if k.stopping {
		k.figures.clean++
		k.end()
		return
	}
	k.act(k.between(4*time.Millisecond, 100*time.Millisecond), func() { k.broker.join(k) })
}

// end removes a process. Another one takes its place later.
func (k *worker) end() {
	k.alive = false
	k.workers[k.place] = nil
	k.after(k.between(0, 20*time.Second), func() {
		if k.workers[k.place] == nil {
			k.begin(k.place)
		}
	})
}

// arm calls do right after the worker's next call is sent, because the worst moments are those between two steps. If
// there is no call within three seconds, arm calls do anyway.
func (k *worker) arm(do func()) {
	k.armed = do
	k.after(3*time.Second, k.strike)
}

func (k *worker) strike() {
	if do := k.armed; do != nil && k.alive && !k.calm {
		k.armed = nil
		do()
	}
}

// crash ends a process without warning. Its calls on the wire continue.
func (k *worker) crash() {
	k.figures.crashes++
	k.tell("crashes")
	k.suffer(true)
	k.end()
}

// stop does what a SIGTERM does.
func (k *worker) stop() {
	k.stopping = true
	if k.inside {
		k.hear(0, k.revoke)
	}
}

// kick ends the generation, although the broker gave no reason for that.
func (k *worker) kick() { k.hear(0, k.revoke) }

func (k *worker) freeze(d time.Duration) {
	k.frozen = true
	k.tell("freezes for %v", d)
	k.after(d, func() {
		if k.alive && k.frozen {
			k.thaw()
		}
	})
}

func (k *worker) thaw() {
	k.frozen = false
	k.tell("thaws")
	inbox := k.inbox
	k.inbox = nil
	for _, do := range inbox {
		if k.alive {
			do()
		}
	}
}

// readKey reads the key from its file.
func (k *worker) readKey() {
	k.hear(0, func() {
		if k.key != k.fileKey {
			k.key = k.fileKey
			k.watch.keyChanges++
			if k.key == k.leadhit.key {
				k.watch = pauseWatch{} // a wrong key after this one starts a new pause
			}
			k.d.KeyChanged(k.clock())
			clear(k.proofs)
		}
	})
}

// ask calls Next after an input, and at Wake.
func (k *worker) ask() {
	k.pending = false
	k.perform(k.d.Next(k.clock()))
}

// askEarly calls Next although nothing has happened, so Next must return nothing to start.
func (k *worker) askEarly() {
	if k.frozen || k.pending || k.wake != 0 && k.wake <= k.now || k.failure != nil {
		return
	}
	e := k.d.Next(k.clock())
	if len(e.Calls)+len(e.Stores)+len(e.Fetches)+len(e.Takes) > 0 || e.Commit != nil || e.Append != nil {
		k.failed("worker %d: a wake-up was lost: %+v is due, Wake was %v", k.place, e, k.wake)
	}
	k.perform(e)
	if k.inside && k.chance(0.3) {
		whole, _, partly := k.exposed(func(*record) {})
		k.checkExposed(whole, partly)
	}
}

// perform starts the effects that the dispatcher returned. Each effect ends at its own time.
func (k *worker) perform(e turn.Effects) {
	k.checkEffects(e)
	k.checkGuard(e, k.build)
	k.tell("effects %+v", e)
	for _, c := range e.Calls {
		k.inFlight++
		delete(k.proofs, c.Order)
		if c.Replay > 0 {
			k.checkReplay(c)
		} else {
			k.checkCall(c)
		}
		f := &flight{worker: k, change: changeOf(c.Record, c.Item), call: c, decided: k.key, epoch: k.outage.epoch, number: k.number}
		f.forced = c.Replay > 0 && k.known.at(idOf(c.Partition, c.Offset, c.Item, c.Several)).force
		k.act(k.between(0, 5*time.Millisecond), func() { k.write(f) })
	}
	for _, s := range e.Stores {
		k.act(0, func() { k.store(k, s) })
	}
	k.performReplays(e)
	k.checkSpread(e.Spread)
	for _, f := range e.Fetches {
		k.act(k.between(0, 5*time.Millisecond), func() { k.fetch(f) })
	}
	if e.Commit != nil {
		k.tell("commits %+v", *e.Commit)
		k.commit(*e.Commit)
	}
	for _, id := range e.Suspects {
		k.investigate(k.number, id)
	}
	k.wakes++
	k.wake = 0
	if e.Ended != turn.NotEnded && k.inside {
		k.leaveGeneration(e.Ended)
		return
	}
	if !e.Wake.IsZero() {
		k.wake = k.now + e.Wake.Sub(k.clock())
		wakes := k.wakes
		k.act(k.wake-k.now, func() {
			if k.wakes == wakes {
				k.ask()
			}
		})
	}
}

// write puts a call on the wire, unless the lease has ended in the meantime.
func (k *worker) write(f *flight) {
	f.key = k.key
	if !k.clock().Before(f.call.Until) {
		k.hear(0, func() { k.answered(f, retry.Verdict{Cause: "NotSent"}) })
		return
	}
	k.checkWrite(f)
	k.figures.calls++
	k.leadhit.receive(f)
	k.strike()
}

func (k *worker) answered(f *flight, v retry.Verdict) {
	k.inFlight--
	k.busy[f.change.order]--
	k.noteVerdict(f, v)
	if c := f.call; k.number == f.number {
		k.noteReplay(idOf(c.Partition, c.Offset, c.Item, c.Several), c.Replay, func(r *replayWatch) {
			r.inFlight, r.done = false, r.done || v.Kind == retry.Done
		})
	}
	if v.Kind == retry.Done && f.call.Replay == 0 {
		k.guard.outcome(guardOutcome{})
	}
	k.tell("outcome of call %d (%v/%d): %+v", f.call.ID, f.call.Partition, f.call.Offset, v)
	k.hearOutage(f, v)
	k.noteProof(f, v)
}

func (k *worker) fetch(f turn.Fetch) {
	p := k.broker.log(f.Partition)
	soon := k.between(time.Millisecond, 10*time.Millisecond)
	switch {
	case p.unknown:
		k.hear(soon, func() {
			k.d.Stopped(f.Partition)
			k.d.Fetched(k.clock(), f, nil, f.Offset)
		})
	case k.chance(k.plan.fetchFails) && !k.calm:
		k.hear(100*time.Millisecond, func() { k.d.Fetched(k.clock(), f, nil, f.Offset) })
	case f.Offset > p.end:
		number := k.number
		k.hear(soon, func() {
			if k.number == number {
				p.restarted = true
				k.d.Restarted(k.clock(), f.Partition, p.start, p.end)
			}
		})
	case f.Offset == p.end:
		answered := false
		answer := func() {
			if !answered {
				answered = true
				k.act(0, func() { k.fetchAgain(f) })
			}
		}
		p.waiting = append(p.waiting, answer)
		k.after(longPoll, answer)
	default:
		events, next := p.read(f.Offset, f.Bytes)
		k.tell("fetches %v from %d to %d", f.Partition, f.Offset, next)
		k.hear(soon, func() {
			k.d.Fetched(k.clock(), f, events, next)
			k.checkWindow(p, next)
		})
	}
}

// fetchAgain ends a long poll, and delivers the events that are there now.
func (k *worker) fetchAgain(f turn.Fetch) {
	if p := k.broker.log(f.Partition); p.unknown || f.Offset != p.end {
		k.fetch(f)
		return
	}
	k.hear(0, func() { k.d.Fetched(k.clock(), f, nil, f.Offset) })
}

// investigate finds out whether a partition that the broker reported as unknown still has its old log.
func (k *worker) investigate(number int, id partition) {
	k.act(500*time.Millisecond, func() {
		p := k.broker.log(id)
		switch {
		case k.number != number || !k.inside:
		case p.unknown:
			k.investigate(number, id)
		case p.committed.exists:
			k.hear(0, func() { k.d.Trusted(k.clock(), id, p.end) })
		default:
			k.hear(0, func() {
				if k.number == number {
					p.restarted = true
					k.d.Restarted(k.clock(), id, p.start, p.end)
				}
			})
		}
	})
}

// commit sends a commit. The commit may be slow, may not be sent, or may get no response. Without a response, the
// commit may still be applied, even much later.
func (k *worker) commit(c turn.Commit) {
	member, generation, number := k.member, k.generation, k.number
	answer := func(d time.Duration, a turn.CommitAnswer) {
		k.hear(d, func() {
			if a.Outcome == turn.Refused && k.number == number {
				k.fenced = true
			}
			k.tell("commit %d: %+v", c.ID, a)
			k.d.Committed(k.clock(), c.ID, a)
		})
	}
	plan := k.plan
	if k.calm {
		plan.commitSlow, plan.notSent, plan.unanswered = 0.01, 0.02, 0
	}
	k.act(k.between(0, time.Millisecond), func() {
		sent := k.now
		takes := k.between(time.Millisecond, 15*time.Millisecond)
		if k.chance(plan.commitSlow) {
			takes = k.between(0, commitTimeout-100*time.Millisecond)
		}
		switch {
		case k.chance(plan.notSent):
			answer(takes, turn.CommitAnswer{Outcome: turn.NotSent})
		case k.chance(plan.unanswered):
			k.figures.ambiguous++
			if k.chance(0.7) {
				k.after(k.between(0, 20*time.Second),
					func() { k.broker.commit(member, generation, c.Offsets, sent, true) })
			}
			answer(commitTimeout, turn.CommitAnswer{Outcome: turn.Ambiguous})
		default:
			k.after(takes, func() {
				answer(k.between(0, 10*time.Millisecond), k.broker.commit(member, generation, c.Offsets, sent, false))
			})
		}
	})
}
