package consumer_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/retry"
)

func TestAddedPartitionsAreConsumedFromTheirStart(t *testing.T) {
	for _, latest := range []bool{false, true} {
		t.Run(fmt.Sprintf("latest %v", latest), func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				begin := func(o *consumer.Options) { o.Start.Latest = latest }
				first := w.start(begin)
				w.start(begin)
				time.Sleep(20 * time.Second)
				w.addPartitions("orders", 4)
				for n := range 4 {
					w.produce(n, fine, fmt.Sprint("a", n), fmt.Sprint("b", n))
				}
				w.settle(15 * time.Second)
				generations := first.State().Generations
				time.Sleep(5 * time.Minute)
				if got := first.State().Generations; got != generations {
					w.t.Errorf("%d generations while nothing happened, want none", got-generations)
				}
			})
		})
	}
}

func TestAMissingTopicCausesNoStormOfGenerationsAndIsConsumedOnceItReturns(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.create("payments", 1)
		k := w.start(func(o *consumer.Options) { o.Topics = []string{"orders", "payments"} })
		w.produce(0, fine, "a")
		w.settle(10 * time.Second)
		if err := w.fake.DeleteTopic("payments"); err != nil {
			w.t.Fatal(err)
		}
		before := k.State().Generations
		time.Sleep(30 * time.Second)
		waitsFor(w.t, k, "topic payments does not exist") // before anything makes the group reassign partitions
		if got := k.State().Generations; got != before {
			w.t.Errorf("got %d generations because the topic has gone, want none: it may come and go", got-before)
		}
		w.rebalance()
		w.produce(1, fine, "meanwhile")
		w.settle(10 * time.Second)
		time.Sleep(2 * time.Minute)
		if got := k.State().Generations; got > 4 {
			w.t.Errorf("got %d generations in two minutes without a topic", got)
		}
		w.toldOnce("remove them from KAFKA_TOPICS")
		waitsFor(w.t, k, "topic payments does not exist")
		w.create("payments", 1)
		w.produce(1, fine, "b")
		w.settle(15 * time.Second)
		if !w.wait(30*time.Second,
			func() bool { return len(k.State().Dispatch.Partitions) == 3 && len(k.Waits()) == 0 }) {
			w.t.Errorf("got %d partitions and waits %v after the topic came back, want 3 and none",
				len(k.State().Dispatch.Partitions), k.Waits())
		}
	})
}

// forbids returns how LeadHit responds to a key that it rejects.
func forbids(change, int) conduct {
	return conduct{
		before: 50 * time.Millisecond, undone: true,
		verdict: retry.Verdict{Kind: retry.Unauthorised, Cause: "HTTP 403"},
	}
}

func TestAPauseSurvivesRebalances(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(forbids)
		for n := range 40 {
			w.produce(n%2, fine, fmt.Sprint("o", n))
		}
		k := w.start()
		time.Sleep(10 * time.Second)
		before := len(w.ledger.calledNow())
		if before > inFlight {
			w.t.Errorf("got %d calls before the pause, want at most %d", before, inFlight)
		}
		for range 5 {
			w.rebalance()
			time.Sleep(4 * time.Second)
		}
		time.Sleep(80 * time.Second) // two minutes after the pause began
		if got := len(w.ledger.calledNow()) - before; got < 3 || got > 4 {
			w.t.Errorf("got %d probes in two minutes and %d generations, want one every 30 s", got,
				k.State().Generations)
		}
		if s := k.State(); s.Dispatch.Pause.Kind != retry.Unauthorised.String() || s.Generations < 6 {
			w.t.Errorf("got %q in generation %d, want the pause and six generations", s.Dispatch.Pause.Kind,
				s.Generations)
		}
		w.toldOnce("calls paused")
		w.leadhitDoes(answers(0))
		w.settle(time.Minute)
	})
}

func TestAnotherKeyIsProbedAtOnce(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(forbids)
		for n := range 40 {
			w.produce(n%2, fine, fmt.Sprint("o", n))
		}
		k := w.start()
		time.Sleep(10 * time.Second)
		w.leadhitDoes(answers(50 * time.Millisecond))
		before := len(w.ledger.calledNow())
		k.KeyChanged()
		time.Sleep(time.Millisecond)
		if got := len(w.ledger.calledNow()) - before; got != 1 {
			w.t.Errorf("got %d calls right after the key changed, want one probe", got)
		}
		w.settle(10 * time.Second)
		if len(w.ledger.letters) > 0 {
			w.t.Errorf("got letters %v, want none", w.ledger.letters)
		}
	})
}

func TestAThousandGenerationsLeaveNoGoroutine(t *testing.T) {
	notWithRace(t)
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(answers(20 * time.Millisecond))
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress, Count: -1,
		})
		k := w.start()
		var early, late int
		for n := range 20 {
			w.produce(n%2, fine, fmt.Sprint("o", n%2))
			time.Sleep(50 * time.Second)
			if late = fewestGoroutines(); n == 1 {
				early = late
			}
		}
		if got := k.State().Generations; got < 1000 {
			w.t.Errorf("got %d generations, want a thousand", got)
		}
		if late > early+20 { // one leak per generation would add nine hundred
			w.t.Errorf("got %d goroutines after a hundred generations and %d after a thousand", early, late)
		}
		w.settle(10 * time.Second)
		if w.ledger.repeats > 0 {
			w.t.Errorf("%d calls repeated, want none: each generation was drained", w.ledger.repeats)
		}
	})
}

// fewestGoroutines returns the smallest number of goroutines seen within a few seconds, because a goroutine that ends
// in that time is not a leak.
func fewestGoroutines() int {
	fewest := runtime.NumGoroutine()
	for range 30 {
		time.Sleep(90 * time.Millisecond)
		fewest = min(fewest, runtime.NumGoroutine())
	}
	return fewest
}

func TestAFencedWorkerDoesNotJoinBeforeItsCallsHaveEnded(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(answers(2500 * time.Millisecond))
		w.produce(0, fine, "a")
		w.produce(1, fine, "b")
		w.start()
		time.Sleep(time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.IllegalGeneration})
		w.start() // takes a partition as soon as the first worker rejoins
		w.settle(time.Minute)
		if w.ledger.repeats == 0 {
			w.t.Error("no call was repeated, so no commit was refused")
		}
	})
}
