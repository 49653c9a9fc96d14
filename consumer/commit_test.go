package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/retry"
)

const drainLimit = 15 * time.Second

// silence returns a switch: while it is on, commits are not applied and get no response.
func (w *world) silence() *atomic.Bool {
	on := new(atomic.Bool)
	w.fake.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
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

func TestAnUnknownCommitEndsTheMembershipAndTheNextIsANewMember(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a")
		k := w.start()
		w.settle(10 * time.Second)
		was := w.members()
		late := true
		w.fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
			request, _ := r.(*kmsg.OffsetCommitRequest)
			if late && request.Topics[0].Partitions[0].Offset == 2 {
				late = false
				// applied long after its sender abandoned it
				w.fake.SleepControl(func() { time.Sleep(20 * time.Second) })
			}
			return nil, nil, false
		})
		w.produce(0, fine, "a")
		time.Sleep(time.Second)
		w.produce(0, fine, "a", "a", "a")
		time.Sleep(10 * time.Second)
		if now := w.members(); len(now) != 1 || slices.Equal(now, was) {
			w.t.Errorf("got members %v, want a member other than %v", now, was)
		}
		w.settle(20 * time.Second)
		time.Sleep(30 * time.Second)
		if !w.settled() {
			w.t.Error("the late commit was carried out")
		}
		if got := k.State().Generations; got != 2 {
			w.t.Errorf("got %d generations, want two", got)
		}
		w.toldOnce("may still be applied")
	})
}

func TestACommitThatIsStoredWithoutAResponseRepeatsNothing(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a")
		w.start()
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut})
		w.produce(0, fine, "a", "b", "a")
		w.settle(30 * time.Second)
		if w.ledger.repeats > 0 {
			w.t.Errorf("%d calls repeated, want none", w.ledger.repeats)
		}
	})
}

func TestAnUnknownCommitDoesNotWaitForALetterThatCannotBeStored(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.leadhitDoes(answers(0))
		w.storeDoes(func(change, int) conduct { return conduct{undone: true} })
		w.produce(0, refused, "bad")
		w.start()
		time.Sleep(5 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.RequestTimedOut})
		w.produce(0, fine, "a", "b", "a")
		time.Sleep(25 * time.Second)
		if left := w.ledger.unfinished(); len(left) != 1 {
			w.t.Errorf("unfinished: %v, want only the letter", left)
		}
		w.storeDoes(func(change, int) conduct { return conduct{} })
		w.settle(20 * time.Second)
	})
}

func TestACommitInFlightAtTheEndOfTheDrainIsUnknown(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.leadhitDoes(answers(0))
		w.storeDoes(func(change, int) conduct { return conduct{undone: true} })
		w.produce(0, refused, "bad")
		k := w.start()
		time.Sleep(5 * time.Second)
		was := w.members()
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress})
		for k.State().Phase != consumer.Draining {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(drainLimit - 2*time.Second)
		silent := w.silence()
		silent.Store(true)
		time.Sleep(1900 * time.Millisecond) // at least one commit is sent, and it times out only after the drain
		silent.Store(false)
		time.Sleep(5 * time.Second)
		if got := k.State().Generations; got != 2 {
			w.t.Errorf("got %d generations, want the next one to be another member's", got)
		}
		if now := w.members(); len(now) != 1 || slices.Equal(now, was) {
			w.t.Errorf("got members %v, want a member other than %v", now, was)
		}
		w.storeDoes(func(change, int) conduct { return conduct{} })
		w.settle(20 * time.Second)
	})
}

func TestNoCallStartsOrLastsBeyondTheLeaseWhenCommitsGetNoResponse(t *testing.T) {
	bubble(t, 1, func(w *world) {
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
				w.t.Errorf("the call about %s ended %v after the freeze, want none after the session of %v", s.order,
					end, session)
			}
		}
		k.wire.set(whole)
		w.settle(5 * time.Minute)
	})
}

func TestARequestIsNotWrittenAfterTheLease(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a")
		var tries atomic.Int64
		w.start(func(o *consumer.Options) {
			call := o.Call
			o.Call = func(ctx context.Context, c consumer.Call) retry.Verdict {
				if tries.Add(1) == 1 {
					// like a slow DNS lookup: a call sent after that could outlast the session
					time.Sleep(session - callTimeout)
				}
				return call(ctx, c)
			}
		})
		w.settle(time.Minute)
		if got := len(w.ledger.calledNow()); got != 1 || tries.Load() != 2 {
			w.t.Errorf("got %d attempts and %d requests, want the first attempt not written", tries.Load(), got)
		}
		w.toldOnce("not sent")
	})
}

func TestASilentCoordinatorStopsTheCallsAndNothingIsLost(t *testing.T) {
	bubble(t, 1, func(w *world) {
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
			w.t.Errorf("got %d calls without an acknowledged commit, want at most %d", calls, bound)
		}
		silent.Store(false)
		w.settle(3 * time.Minute)
	})
}

func TestRejectedCommitsDoNotCauseAStormOfGenerations(t *testing.T) {
	bubble(t, 1, func(w *world) {
		refusals := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.IllegalGeneration, Count: -1,
		})
		w.produce(0, fine, "a")
		k := w.start()
		time.Sleep(time.Minute)
		if got := k.State().Generations; got < 10 || got > 40 {
			w.t.Errorf("got %d generations in a minute, want about one in two seconds", got)
		}
		if got := len(w.ledger.calledNow()); got > 0 {
			w.t.Errorf("got %d calls before any commit was acknowledged, want none", got)
		}
		refusals.Remove()
		w.settle(10 * time.Second)
	})
}
