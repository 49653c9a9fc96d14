// Package nemesis draws plans of faults. A plan is a list of what is to go wrong, in which order, with whom and for how
// long; other packages carry it out.
//
// It is pure: the same schedule, seed and round give the same plan. A schedule is a deck of cards: each plan is the
// whole deck, shuffled, so that after some rounds everything has been tried often enough whatever the seed.
package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is what goes wrong.
type Kind uint8

// The kinds. Those from Unavailable on are LeadHit's, the others those of processes.
const (
	KillWorker        Kind = iota // kill -9, and a new start
	FreezeWorker                  // SIGSTOP for longer than its session, SIGCONT
	RollWorkers                   // SIGTERM and a new start, one worker after the other
	ScaleWorkers                  // all but one end cleanly, and are started again
	KillBroker                    // kill -9, and a new start
	KillCoordinator               // the same of the group's coordinator
	FreezeBroker                  // SIGSTOP, SIGCONT
	FreezeCoordinator             // the same of the group's coordinator
	Unavailable                   // LeadHit answers 503
	Resets                        // LeadHit resets every connection
	Forbidden                     // LeadHit takes another key, which the key's file gets at the end
	LostAnswers                   // some calls are carried out and never answered
	CutAnswers                    // some calls are carried out, and the answer breaks off
	SlowAnswers                   // answers take about as long as a call may
	kinds
)

// String returns the kind's name.
func (k Kind) String() string {
	names := [...]string{
		"worker killed", "worker frozen", "rolling restart", "scaled 3-1-3", "broker killed", "coordinator killed", "broker frozen",
		"coordinator frozen", "503", "resets", "403, new key", "lost answers", "cut answers", "slow answers",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Kinds returns all kinds.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Ours says whether it is a process on our side that fails. LeadHit's faults can go on meanwhile.
func (k Kind) Ours() bool { return k < Unavailable }

// Broker says whether it is a broker that fails. Of three replicas the cluster can spare one at a time.
func (k Kind) Broker() bool { return k >= KillBroker && k <= FreezeCoordinator }

// Fault is one card with what was drawn for it.
type Fault struct {
	Kind Kind
	// Which is whom it hits, modulo how many there are.
	Which int
	// Calm passes before it, For is how long it lasts: a killed process is down so long.
	Calm, For time.Duration
}

// String tells the fault in a line.
func (f Fault) String() string {
	return fmt.Sprintf("%v #%d for %v after a calm of %v", f.Kind, f.Which, f.For, f.Calm)
}

// Plan is one round. The two lists run side by side, the faults of one list one after the other.
type Plan struct {
	Processes, LeadHit []Fault
}

// Schedule is a deck of faults.
type Schedule struct {
	Name string
	// Share is the schedule's share of the time there is.
	Share float64
	deck  []Kind
	// apart says that LeadHit's faults do not wait for those of processes, nor these for them.
	apart bool
}

// Schedules returns all schedules. In an hour the last one alone makes more than 60 kills of workers, 10 freezes of
// them, 10 kills of brokers, 5 freezes of them and 20 rolling restarts.
func Schedules() []Schedule {
	return []Schedule{
		{Name: "kills", Share: 0.08, deck: slices.Repeat([]Kind{KillWorker}, 20)},
		{Name: "freezes", Share: 0.08, deck: slices.Repeat([]Kind{FreezeWorker}, 12)},
		{Name: "restarts", Share: 0.08, deck: slices.Repeat([]Kind{RollWorkers, RollWorkers, ScaleWorkers}, 7)},
		{Name: "brokers", Share: 0.08, deck: []Kind{KillBroker, KillCoordinator, FreezeBroker, FreezeCoordinator}},
		{Name: "leadhit", Share: 0.08, deck: slices.Repeat(leadhit(), 3)},
		{Name: "mixed", Share: 0.60, apart: true, deck: slices.Concat(slices.Repeat(leadhit(), 4),
			slices.Repeat([]Kind{KillWorker}, 12), slices.Repeat([]Kind{FreezeWorker}, 2), slices.Repeat([]Kind{RollWorkers}, 4),
			[]Kind{ScaleWorkers, KillBroker, KillCoordinator, FreezeBroker})},
	}
}

// Short returns a schedule of about a minute that has something of all.
func Short() Schedule {
	return Schedule{Name: "short", Share: 1, apart: true, deck: append(leadhit(), KillWorker, FreezeWorker, RollWorkers, KillCoordinator)}
}

func leadhit() []Kind {
	return []Kind{Unavailable, Resets, Forbidden, LostAnswers, CutAnswers, SlowAnswers}
}

// Plan draws a round.
func (s Schedule) Plan(seed, round uint64) Plan {
	random := rand.New(rand.NewPCG(seed, round))
	deck := slices.Clone(s.deck)
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	var plan Plan
	for _, kind := range deck {
		fault := draw(random, kind)
		if s.apart && !kind.Ours() {
			plan.LeadHit = append(plan.LeadHit, fault)
		} else {
			plan.Processes = append(plan.Processes, fault)
		}
	}
	return plan
}

// draw throws the dice for one fault, always as often, so that one kind's range does not change the rest of the plan.
func draw(random *rand.Rand, kind Kind) Fault {
	which, at := random.IntN(1<<16), random.Float64()
	calm := time.Second + time.Duration(random.Float64()*float64(2*time.Second))
	least, most := kind.lasts()
	if !kind.Ours() { // half of the time without them, where they run beside others
		calm *= 3
	}
	last := least + time.Duration(at*float64(most-least))
	return Fault{Kind: kind, Which: which, Calm: calm.Round(time.Millisecond), For: last.Round(time.Millisecond)}
}

// lasts returns the limits of a kind's time. Sessions are 6 s: frozen workers lose theirs, most of them twice over. A
// broker is given up after 9 s, so that some come back before, and some after others have taken over.
func (k Kind) lasts() (least, most time.Duration) {
	switch k {
	case KillWorker:
		return 0, 3 * time.Second
	case FreezeWorker:
		return 8 * time.Second, 16 * time.Second
	case KillBroker, KillCoordinator:
		return 2 * time.Second, 14 * time.Second
	case FreezeBroker, FreezeCoordinator:
		return 20 * time.Second, 20 * time.Second
	case ScaleWorkers:
		return 2 * time.Second, 6 * time.Second
	case Unavailable, Resets, Forbidden, LostAnswers, CutAnswers, SlowAnswers:
		return 3 * time.Second, 8 * time.Second
	case RollWorkers, kinds:
	}
	return 0, 0
}
