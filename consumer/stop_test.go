package consumer_test

import (
	"testing"
	"time"
)

func TestAStopFinishesCommitsAndLeavesAndTheNextWorkerRepeatsNothing(t *testing.T) {
	bubble(t, 3, func(w *world) {
		w.leadhitDoes(answers(700 * time.Millisecond))
		for range 5 {
			w.produce(0, fine, "a", "b", "c")
			w.produce(1, fine, "d")
			w.produce(2, fine, "e", "f")
		}
		first := w.start()
		w.wait(time.Minute, func() bool { return len(w.ledger.calledNow()) >= 3 })
		time.Sleep(100 * time.Millisecond)
		asked, before := time.Now(), len(w.ledger.calledNow())
		first.end()
		if took := time.Since(asked); took > 700*time.Millisecond {
			t.Errorf("stopped after %v, want no longer than a call takes", took)
		}
		if got := len(w.ledger.calledNow()); got != before {
			t.Errorf("got %d calls after the stop, want none", got-before)
		}
		if at := w.fake.GroupInfo(group); len(at.Members) > 0 {
			t.Errorf("members after the stop: %v, want none", at.Members)
		}
		w.start()
		w.settle(time.Minute)
		if w.ledger.repeats > 0 {
			t.Errorf("%d calls repeated, want none", w.ledger.repeats)
		}
	})
}
