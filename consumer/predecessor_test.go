package consumer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
)

// at returns an option that gives a worker the given place.
func at(place string) func(*consumer.Options) {
	return func(o *consumer.Options) { o.Place = place }
}

// slowly makes LeadHit apply each call just before the call times out.
func slowly(change, int) conduct {
	return conduct{before: callTimeout - time.Millisecond}
}

// traffic writes events to all partitions at short intervals, until stop is called.
func (w *world) traffic(partitions int) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			w.produce(n%partitions, fine, fmt.Sprintf("p%do%d", n%partitions, n/partitions%3))
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

// longestSilence returns the longest time between from and to in which the given worker made no call.
func (w *world) longestSilence(worker string, from, to time.Time) time.Duration {
	var longest time.Duration
	last := from
	for _, s := range append(w.ledger.calledNow(), send{at: to, worker: worker}) {
		if s.worker == worker && s.at.After(from) && !s.at.After(to) {
			longest = max(longest, s.at.Sub(last))
			last = s.at
		}
	}
	return longest
}

func TestASuccessorInTheSamePlaceLetsTheOthersContinue(t *testing.T) {
	bubble(t, 4, func(w *world) {
		w.leadhitDoes(answers(20 * time.Millisecond))
		stop := w.traffic(4)
		dead, other := w.start(at("one")), w.start(at("another"))
		time.Sleep(20 * time.Second)
		crashed := time.Now()
		dead.crash()
		time.Sleep(time.Second)
		started := time.Now()
		successor := w.start(at("one"))
		time.Sleep(callTimeout)
		waitsFor(w.t, successor, "this worker's dead predecessor")
		time.Sleep(2 * time.Second)
		if silent := w.longestSilence(other.name, crashed, time.Now()); silent > 1500*time.Millisecond {
			w.t.Errorf("got %v without a call of the other worker, want less than a second and a half", silent)
		}
		if got := len(successor.State().Dispatch.Partitions); got != 2 || len(successor.Waits()) > 0 {
			w.t.Errorf("got %d partitions %v after the start, waits %v, want 2 and none: the session timeout is %v", got,
				time.Since(started), successor.Waits(), session)
		}
		if got := successor.State().Predecessors; got != 1 {
			w.t.Errorf("got %d predecessors, want 1", got)
		}
		w.toldOnce("found this worker's dead predecessor in the group")
		w.toldOnce("removed this worker's dead predecessor from the group")
		stop()
		w.settle(10 * time.Second)
	})
}

func TestNoCallOfASuccessorMeetsOneOfItsPredecessor(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(slowly)
		for n := range 6 {
			w.produce(n%2, fine, fmt.Sprint("o", n), fmt.Sprint("o", n), fmt.Sprint("o", n))
		}
		dead := w.start(at("one"))
		w.start(at("another"))
		for range 4 {
			time.Sleep(15*time.Second + 700*time.Millisecond)
			dead.crash() // its calls continue at LeadHit, and are applied up to callTimeout later
			time.Sleep(50 * time.Millisecond)
			w.leadhitDoes(answers(10 * time.Millisecond))
			dead = w.start(at("one"))
			time.Sleep(4 * time.Second)
			w.leadhitDoes(slowly)
			for n := range 6 {
				w.produce(n%2, fine, fmt.Sprint("o", n), fmt.Sprint("o", n), fmt.Sprint("o", n))
			}
		}
		w.leadhitDoes(answers(10 * time.Millisecond))
		w.settle(time.Minute)
		if got := w.logs.say("removed this worker's dead predecessor"); len(got) != 4 {
			w.t.Errorf("removed %d predecessors, want 4: %q", len(got), got)
		}
		if w.ledger.repeats > 4*inFlight {
			w.t.Errorf("%d calls repeated after four crashes, want at most %d", w.ledger.repeats, 4*inFlight)
		}
	})
}

func TestWorkersOfOtherPlacesAreNeverTakenForDead(t *testing.T) {
	for name, places := range map[string][3]string{
		"three places":           {"host-8080", "host-8081", "host-8082"},
		"names that begin alike": {"host-80", "host-8080", "host-8"},
		"no place known":         {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 6, func(w *world) {
				leaves := w.count(kmsg.LeaveGroup)
				w.leadhitDoes(answers(20 * time.Millisecond))
				stop := w.traffic(6)
				for _, place := range places {
					w.start(at(place))
					time.Sleep(10 * time.Second)
				}
				if got := leaves(); got != 0 {
					w.t.Errorf("got %d requests to leave the group, want none: all are alive", got)
				}
				stop()
				w.settle(10 * time.Second)
				if w.ledger.repeats > 0 {
					w.t.Errorf("%d calls repeated, want none", w.ledger.repeats)
				}
			})
		})
	}
}

func TestAWorkerWithoutPredecessorJoinsAtOnce(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.start(at("one")).end() // leaves the group
		w.produce(0, fine, "a")
		started := time.Now()
		w.start(at("one"))
		w.settle(time.Second)
		if took := time.Since(started); took > time.Second {
			w.t.Errorf("joined and made a call after %v, want within a second", took)
		}
	})
}

func TestAFormerMemberWhoseSessionEndedMeanwhileIsNoObstacle(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.start(at("one")).crash()
		w.start(at("another"))
		w.produce(0, fine, "a")
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.LeaveGroup}, Group: group, Err: kerr.UnknownMemberID})
		w.start(at("one"))
		w.settle(15 * time.Second)
		if got := w.logs.say("cannot remove this worker's dead predecessor"); len(got) > 0 {
			w.t.Errorf("got %q, want no warning about a member that left on its own", got)
		}
	})
}

func TestASuccessorThatKafkaDoesNotHelpJoinsAllTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		key  kmsg.Key
		err  *kerr.Error
		says string
	}{
		"may not describe":       {kmsg.DescribeGroups, kerr.GroupAuthorizationFailed, "cannot look for this worker's dead"},
		"coordinator is loading": {kmsg.DescribeGroups, kerr.CoordinatorLoadInProgress, ""},
		"may not leave":          {kmsg.LeaveGroup, kerr.GroupAuthorizationFailed, "cannot remove this worker's dead"},
		"coordinator moves":      {kmsg.LeaveGroup, kerr.NotCoordinator, "cannot remove this worker's dead"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				w.produce(0, fine, "a")
				dead := w.start(at("one"))
				w.settle(10 * time.Second)
				dead.crash()
				w.produce(0, fine, "b")
				w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.err, Count: -1})
				w.start(at("one"))
				w.settle(3 * session)
				if c.says != "" { // the join reports that Kafka has no coordinator
					w.toldOnce(c.says)
				}
			})
		})
	}
}

func TestAWorkerThatIsStoppedWhileItWaitsForItsPredecessorEndsAtOnce(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.start(at("one"))
		time.Sleep(5 * time.Second)
		w.workers[0].crash()
		k := w.start(at("one"))
		time.Sleep(time.Second)
		waitsFor(w.t, k, "this worker's dead predecessor")
		asked := time.Now()
		k.end()
		if took := time.Since(asked); took > 100*time.Millisecond {
			w.t.Errorf("ended after %v, want at once", took)
		}
		if told := strings.Join(w.logs.say("removed this worker's dead predecessor"), "\n"); told != "" {
			w.t.Errorf("got %q, want nothing removed before the wait was over", told)
		}
	})
}
