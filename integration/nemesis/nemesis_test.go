package nemesis_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"leadhit-sync/integration/nemesis"
)

func all() []nemesis.Schedule { return append(nemesis.Schedules(), nemesis.Short()) }

func TestAPlanIsReplayedFromItsSeedAndRound(t *testing.T) {
	t.Parallel()
	for _, s := range all() {
		plan := s.Plan(7, 3)
		if again := s.Plan(7, 3); !reflect.DeepEqual(plan, again) {
			t.Errorf("%s: got %v, then %v from one seed", s.Name, plan, again)
		}
		if reflect.DeepEqual(plan, s.Plan(8, 3)) || reflect.DeepEqual(plan, s.Plan(7, 4)) {
			t.Errorf("%s: got the same plan from another seed or round", s.Name)
		}
	}
}

func TestEachPlanHoldsItsWholeDeck(t *testing.T) {
	t.Parallel()
	for _, s := range all() {
		count := func(p nemesis.Plan) map[nemesis.Kind]int {
			kinds := make(map[nemesis.Kind]int)
			for _, f := range append(p.Processes, p.LeadHit...) {
				kinds[f.Kind]++
			}
			return kinds
		}
		if a, b := count(s.Plan(1, 1)), count(s.Plan(2, 2)); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: got %v and %v, want the same faults in another order", s.Name, a, b)
		}
	}
}

func TestOnlyLeadHitsFaultsRunBesideOthers(t *testing.T) {
	t.Parallel()
	for _, s := range all() {
		for _, f := range s.Plan(1, 1).LeadHit {
			if f.Kind.Ours() {
				t.Errorf("%s: got %v beside another process's fault", s.Name, f)
			}
		}
	}
}

func TestFaultsLastLongEnough(t *testing.T) {
	t.Parallel()
	const session = 6 * time.Second
	twice := 0
	for round := range uint64(50) {
		for _, s := range all() {
			plan := s.Plan(1, round)
			for _, f := range append(plan.Processes, plan.LeadHit...) {
				switch {
				case f.Calm < time.Second:
					t.Errorf("%v: got no calm before it", f)
				case f.Kind == nemesis.FreezeWorker && f.For <= session:
					t.Errorf("%v: got a freeze within the session timeout", f)
				case f.Kind == nemesis.FreezeWorker && f.For > 2*session:
					twice++
				case f.Kind == nemesis.FreezeBroker && f.For != 20*time.Second:
					t.Errorf("%v: want 20 s", f)
				}
			}
		}
	}
	if twice < 50 {
		t.Errorf("got %d freezes for more than two session timeouts, want some in each round", twice)
	}
}

func TestTheSharesAddUpToOne(t *testing.T) {
	t.Parallel()
	sum := 0.0
	for _, s := range nemesis.Schedules() {
		sum += s.Share
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("got shares that add up to %v, want 1", sum)
	}
}

func TestEveryKindHasANameAndASchedule(t *testing.T) {
	t.Parallel()
	planned := make(map[nemesis.Kind]bool)
	for _, s := range nemesis.Schedules() {
		plan := s.Plan(1, 1)
		for _, f := range append(plan.Processes, plan.LeadHit...) {
			planned[f.Kind] = true
		}
	}
	names := make(map[string]bool)
	for _, k := range nemesis.Kinds() {
		if names[k.String()] || k.String() == "unknown" || !planned[k] {
			t.Errorf("kind %d, %v: want a name of its own and a place in a schedule", k, k)
		}
		names[k.String()] = true
	}
}

func ExampleSchedule_Plan() {
	for _, f := range nemesis.Schedules()[3].Plan(1, 0).Processes {
		fmt.Println(f.Kind, f.Kind.Broker())
	}
	// Unordered output:
	// broker killed true
	// coordinator killed true
	// broker frozen true
	// coordinator frozen true
}
