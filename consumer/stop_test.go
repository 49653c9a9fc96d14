package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/retry"
)

func TestAStopFinishesCallsCommitsAndLeavesAndTheNextWorkerRepeatsNothing(t *testing.T) {
	bubble(t, 3, func(w *world) {
		w.leadhitDoes(answers(700 * time.Millisecond))
		for range 5 {
			w.produce(0, fine, "a", "b", "c")
			w.produce(1, fine, "d")
			w.produce(2, fine, "e", "f")
		}
		first := w.start()
		w.wait(time.Minute, func() bool { return len(w.ledger.calledNow()) > 3 })
		time.Sleep(100 * time.Millisecond)
		joins, leaves := w.count(kmsg.JoinGroup), w.count(kmsg.LeaveGroup)
		calls := w.ledger.calledNow()
		last := calls[len(calls)-1].at
		first.end()
		// The last call ends 700 ms after it began. The last commit is sent at most 20 ms later, because the previous
		// one may just have been sent. Nothing else takes time here.
		if took := time.Since(last); took < 700*time.Millisecond || took > 720*time.Millisecond {
			w.t.Errorf("stopped %v after the last call began, want 700 to 720 ms", took)
		}
		if got := len(w.ledger.calledNow()); got != len(calls) {
			w.t.Errorf("got %d calls after the stop, want none", got-len(calls))
		}
		if joins() != 0 || leaves() != 1 {
			w.t.Errorf("got %d joins and %d leaves, want only one leave", joins(), leaves())
		}
		if at := w.fake.GroupInfo(group); len(at.Members) > 0 {
			w.t.Errorf("members after the stop: %v, want none", at.Members)
		}
		w.start()
		w.settle(time.Minute)
		if w.ledger.repeats > 0 {
			w.t.Errorf("%d calls repeated, want none", w.ledger.repeats)
		}
	})
}

func TestAStopDoesNotWaitForBackoffs(t *testing.T) {
	for name, prepare := range map[string]func(w *world){
		"a retry": func(w *world) {
			w.leadhitDoes(fails)
		},
		"a pause": func(w *world) {
			w.leadhitDoes(func(change, int) conduct {
				return conduct{undone: true, verdict: retry.Verdict{Kind: retry.Unauthorised, Cause: "HTTP 403"}}
			})
		},
		"a cluster that is gone": func(w *world) { w.fake.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.produce(0, fine, "a", "b")
				prepare(w)
				k := w.start()
				time.Sleep(95 * time.Second)
				asked := time.Now()
				k.end()
				if took := time.Since(asked); took > 500*time.Millisecond {
					w.t.Errorf("stopped after %v, want at once", took)
				}
			})
		})
	}
}

func TestAStopGivesUpOnALetterThatCannotBeStored(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.leadhitDoes(answers(0))
		w.storeDoes(func(change, int) conduct { return conduct{undone: true} })
		w.produce(0, refused, "a")
		w.produce(0, fine, "b")
		k := w.start()
		time.Sleep(5 * time.Second)
		asked := time.Now()
		k.end()
		if took := time.Since(asked); took != 15*time.Second {
			w.t.Errorf("stopped after %v, want 15 s", took)
		}
		w.storeDoes(func(change, int) conduct { return conduct{} })
		w.start()
		w.settle(time.Minute)
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want one about b and two about a", got)
		}
	})
}

func TestARollingRestartRepeatsNothing(t *testing.T) {
	bubble(t, 3, func(w *world) {
		w.leadhitDoes(answers(300 * time.Millisecond))
		workers := []*worker{w.start(), w.start(), w.start()}
		for round := range 9 {
			for n := range 3 {
				w.produce(n, fine, fmt.Sprint("a", n), fmt.Sprint("b", n))
			}
			time.Sleep(2 * time.Second)
			workers[round%3].end()
			workers[round%3] = w.start()
		}
		w.settle(time.Minute)
		if w.ledger.repeats > 0 {
			w.t.Errorf("%d calls repeated in 9 clean restarts, want none", w.ledger.repeats)
		}
	})
}
