package consumer_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// silence lets commits go unanswered, and not carried out, while it is on.
func (w *world) silence() *atomic.Bool {
	on := new(atomic.Bool)
	w.fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
		w.fake.KeepControl()
		return nil, nil, on.Load()
	})
	return on
}

func (w *world) members() []string {
	var ids []string
	if at := w.fake.GroupInfo(group); at != nil {
		for _, m := range at.Members {
			ids = append(ids, m.MemberID)
		}
	}
	return ids
}

func TestACommitInDoubtEndsTheMembershipAndTheNextIsANewMember(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.produce(0, fine, "a")
		k := w.start()
		w.settle(10 * time.Second)
		was := w.members()
		late := true
		w.fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
			request, _ := r.(*kmsg.OffsetCommitRequest)
			if late && request.Topics[0].Partitions[0].Offset == 2 {
				late = false
				w.fake.SleepControl(func() { time.Sleep(20 * time.Second) }) // carried out long after its sender gave it up
			}
			return nil, nil, false
		})
		w.produce(0, fine, "a")
		time.Sleep(time.Second)
		w.produce(0, fine, "a", "a", "a")
		time.Sleep(10 * time.Second)
		if now := w.members(); len(now) != 1 || slices.Equal(now, was) {
			t.Errorf("got members %v, want another one than %v", now, was)
		}
		w.settle(20 * time.Second)
		time.Sleep(30 * time.Second)
		if !w.settled() {
			t.Error("the late commit was carried out")
		}
		if got := k.State().Generations; got != 2 {
			t.Errorf("got %d generations, want two", got)
		}
		if got := w.logs.say("may be applied late"); len(got) != 1 {
			t.Errorf("told %d times, want once: %q", len(got), got)
		}
	})
}

func TestACommitThatIsCarriedOutWithoutAnAnswerRepeatsNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.produce(0, fine, "a")
		w.start()
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut})
		w.produce(0, fine, "a", "b", "a")
		w.settle(30 * time.Second)
		if w.ledger.repeats > 0 {
			t.Errorf("%d calls repeated, want none", w.ledger.repeats)
		}
	})
}

func TestADoubtDoesNotWaitForALetterThatCannotBeStored(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.leadhitDoes(answers(0))
		w.storeDoes(func(change, int) conduct { return conduct{undone: true} })
		w.produce(0, refused, "bad")
		w.start()
		time.Sleep(5 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut})
		w.produce(0, fine, "a", "b", "a")
		time.Sleep(25 * time.Second)
		if left := w.ledger.unfinished(); len(left) != 1 {
			t.Errorf("unfinished: %v, want only the letter", left)
		}
		w.storeDoes(func(change, int) conduct { return conduct{} })
		w.settle(20 * time.Second)
	})
}

func TestNoCallStartsOrIsInTheAirAfterTheLeaseThoughNobodyAnswersCommits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.leadhitDoes(answers(callTimeout))
		for n := range 100 {
			w.produce(0, fine, fmt.Sprint("o", n))
		}
		k := w.start()
		time.Sleep(5 * time.Second)
		frozenAt := time.Now()
		k.wire.set(frozen)
		time.Sleep(session)
		for _, s := range w.ledger.calledNow() {
			if end := s.at.Add(callTimeout).Sub(frozenAt); end > session {
				t.Errorf("the call about %s ended %v after the freeze, want none after the session of %v", s.order, end, session)
			}
		}
		k.wire.set(whole)
		w.settle(5 * time.Minute)
	})
}

func TestASilentCoordinatorStopsTheCallsAndNothingIsLost(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.leadhitDoes(answers(100 * time.Millisecond))
		silent := w.silence()
		w.produce(0, fine, "a", "b")
		w.start()
		w.settle(10 * time.Second)
		silent.Store(true)
		for n := range 200 {
			w.produce(0, fine, fmt.Sprint("o", n%50))
		}
		time.Sleep(time.Minute)
		calls := len(w.ledger.calledNow()) - 2
		if bound := 3 * inFlight; calls > bound {
			t.Errorf("got %d calls without an acknowledged commit, want %d at most", calls, bound)
		}
		silent.Store(false)
		w.settle(3 * time.Minute)
	})
}
