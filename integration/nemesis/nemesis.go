// Package nemesis plans faults. A plan is a list of faults with their order, victim and duration. The chaos test
// executes the plan.
//
//	for round := range rounds {
//		plan := schedule.Plan(seed, round)
//	}
//
// The package is pure: the same schedule, seed and round give the same plan, so that a seed replays a failure. A
// schedule is a deck of cards, and each plan is the whole deck, shuffled. Independent draws could omit a fault for
// hours.
package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is a kind of fault.
type Kind uint8

// The kinds. Those from Unavailable on are faults in LeadHit. The others are faults in processes.
const (
	KillWorker        Kind = iota // SIGKILL, then a restart
	FreezeWorker                  // SIGSTOP for longer than its session timeout, then SIGCONT
	RollWorkers                   // SIGTERM and a restart, one worker after another
	ScaleWorkers                  // all but one shut down cleanly, then restart
	KillBroker                    // SIGKILL, then a restart
	KillCoordinator               // the same for the group's coordinator
	FreezeBroker                  // SIGSTOP, then SIGCONT
	FreezeCoordinator             // the same for the group's coordinator
	Unavailable                   // LeadHit responds with 503
	Resets                        // LeadHit resets every connection
	Forbidden                     // LeadHit requires another key, which is written to the key's file at the end
	LostAnswers                   // some calls are executed, but get no response
	CutAnswers                    // some calls are executed, but the response is cut off
	SlowAnswers                   // responses take about as long as the timeout of a call
	kinds
)

// String returns the kind's name.
func (k Kind) String() string {
	names := [...]string{
		"worker killed", "worker frozen", "rolling restart", "scaled 3-1-3",
		"broker killed", "coordinator killed", "broker frozen", "coordinator frozen",
		"503", "resets", "403, new key", "lost responses", "cut responses", "slow responses",
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

// Ours reports whether the fault is in one of our processes rather than in LeadHit. Faults on the two sides may
// overlap.
func (k Kind) Ours() bool { return k < Unavailable }

// Broker reports whether the fault is in a broker. A cluster with three replicas tolerates one failed broker at a time.
func (k Kind) Broker() bool { return k >= KillBroker && k <= FreezeCoordinator }

// Fault is one fault in a plan, with its random values.
type Fault struct {
	Kind Kind
	// Which is the index of the victim, modulo the number of candidates.
	Which int
	// Calm is the time before the fault. For is its duration. A killed process stays down for that long.
	Calm, For time.Duration
}

// String describes the fault on one line.
func (f Fault) String() string {
	return fmt.Sprintf("%v #%d for %v after a calm of %v", f.Kind, f.Which, f.For, f.Calm)
}

// Plan is the plan of one round. The two lists run concurrently. The faults within a list run one after another.
type Plan struct {
	Processes, LeadHit []Fault
}

// Schedule is a deck of faults.
type Schedule struct {
	Name string
	// Share is the schedule's share of the total time.
	Share float64
	deck  []Kind
	// apart means that faults in LeadHit and faults in processes do not wait for each other.
	apart bool
	// Operators means that letters are replayed and dismissed at random during the faults.
	Operators bool
}

// Schedules returns all schedules. In an hour, the mixed schedule kills workers more than 40 times and brokers 6 times.
// It freezes workers 6 times and brokers 3 times, and does 12 rolling restarts.
func Schedules() []Schedule {
	return []Schedule{
		{Name: "kills", Share: 0.08, deck: slices.Repeat([]Kind{KillWorker}, 20)},
		{Name: "freezes", Share: 0.08, deck: slices.Repeat([]Kind{FreezeWorker}, 12)},
		{Name: "restarts", Share: 0.08, deck: slices.Repeat([]Kind{RollWorkers, RollWorkers, ScaleWorkers}, 7)},
		{Name: "brokers", Share: 0.08, deck: []Kind{KillBroker, KillCoordinator, FreezeBroker, FreezeCoordinator}},
		{Name: "leadhit", Share: 0.08, deck: slices.Repeat(leadhit(), 3)},
		{Name: "mixed", Share: 0.40, apart: true, deck: slices.Concat(slices.Repeat(leadhit(), 4),
			slices.Repeat([]Kind{KillWorker}, 12), slices.Repeat([]Kind{FreezeWorker}, 2), slices.Repeat([]Kind{RollWorkers}, 4),
			[]Kind{ScaleWorkers, KillBroker, KillCoordinator, FreezeBroker})},
		{Name: "operators", Share: 0.20, apart: true, Operators: true, deck: slices.Concat(slices.Repeat(leadhit(), 2),
			slices.Repeat([]Kind{KillWorker}, 8), slices.Repeat([]Kind{FreezeWorker}, 2),
			[]Kind{RollWorkers, ScaleWorkers, KillBroker, KillCoordinator})},
	}
}

// Short returns a schedule of about a minute with faults in LeadHit, workers and brokers.
func Short() Schedule {
	deck := append(leadhit(), KillWorker, FreezeWorker, RollWorkers, KillCoordinator)
	return Schedule{Name: "short", Share: 1, apart: true, deck: deck}
}

func leadhit() []Kind {
	return []Kind{Unavailable, Resets, Forbidden, LostAnswers, CutAnswers, SlowAnswers}
}

// Plan returns the plan of a round.
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

// draw draws the values of one fault. It always draws the same number of random numbers, so that a change to one kind's
// range leaves the rest of a seed's plan unchanged.
func draw(random *rand.Rand, kind Kind) Fault {
	which, at := random.IntN(1<<16), random.Float64()
	calm := time.Second + time.Duration(random.Float64()*float64(2*time.Second))
	least, most := kind.lasts()
	if !kind.Ours() { // LeadHit is healthy about half the time
		calm *= 3
	}
	last := least + time.Duration(at*float64(most-least))
	return Fault{Kind: kind, Which: which, Calm: calm.Round(time.Millisecond), For: last.Round(time.Millisecond)}
}

// lasts returns the bounds of a kind's duration. The session timeout is 6 s, so every frozen worker loses its
// membership. The cluster fences a broker after 9 s, so some brokers return before that, and others only after another
// broker has taken over.
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
