package consumer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
)

// waitsFor checks that one of the worker's waits contains the given text, and returns when that wait began.
func waitsFor(t *testing.T, k *worker, text string) time.Time {
	t.Helper()
	for _, wait := range k.Waits() {
		if strings.Contains(wait.For, text) {
			return wait.Since
		}
	}
	t.Errorf("got waits %v, want one for %q", k.Waits(), text)
	return time.Time{}
}

// waitsSinceStart checks that a wait with the given text is about a minute old: failed attempts must not reset its
// start.
func waitsSinceStart(t *testing.T, k *worker, text string) {
	t.Helper()
	if since := waitsFor(t, k, text); time.Since(since) < 59*time.Second {
		t.Errorf("got a wait since %v, want it since the start", since)
	}
}

func TestAForeignClientIsRejectedByTheGroup(t *testing.T) {
	bubble(t, 4, func(w *world) {
		w.start()
		time.Sleep(5 * time.Second)
		foreign := w.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"),
			kgo.Balancers(kgo.RangeBalancer(), kgo.CooperativeStickyBalancer(), kgo.RoundRobinBalancer()))
		fetches := foreign.PollFetches(w.t.Context())
		if err := fetches.Err(); err == nil || !strings.Contains(err.Error(), kerr.InconsistentGroupProtocol.Error()) {
			w.t.Errorf("got %v, %d events for another program's client, want it rejected", err, fetches.NumRecords())
		}
		for n := range 4 {
			w.produce(n, fine, fmt.Sprint("a", n), fmt.Sprint("b", n))
		}
		w.settle(10 * time.Second)
	})
}

// Any program that knows our protocol's name may be the leader.
func TestTheLengthsInAnAssignmentAreNotTrusted(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.create("payments", 1)
		w.fake.ControlKey(int16(kmsg.SyncGroup), func(r kmsg.Request) (kmsg.Response, error, bool) {
			w.fake.KeepControl()
			var given kmsg.ConsumerMemberAssignment
			for topic, partitions := range map[string][]int32{"orders": {1, 0, 7, 1, 0, -1}, "payments": {0}} {
				one := kmsg.NewConsumerMemberAssignmentTopic()
				one.Topic, one.Partitions = topic, partitions
				given.Topics = append(given.Topics, one)
			}
			request, _ := r.(*kmsg.SyncGroupRequest)
			for i := range request.GroupAssignment {
				request.GroupAssignment[i].MemberAssignment = given.AppendTo(nil)
			}
			return nil, nil, false
		})
		k := w.start()
		w.produce(0, fine, "a")
		w.produce(1, fine, "b")
		time.Sleep(5 * time.Second)
		if got := k.State().Dispatch.Partitions; len(got) != 2 {
			w.t.Errorf("got partitions %v, want the two of our topic, each once", got)
		}
		if got := len(w.ledger.calledNow()); got != 2 {
			w.t.Errorf("got %d calls, want 2", got)
		}
		w.toldOnce("assigned partitions do not exist")
		w.toldOnce("partitions=[orders/7]")
	})
}

func TestAWorkerShowsThatOtherConsumersOccupyItsGroup(t *testing.T) {
	bubble(t, 2, func(w *world) {
		foreign := w.client(kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"), kgo.Balancers(kgo.RangeBalancer()))
		time.Sleep(5 * time.Second)
		begun := time.Now()
		k := w.start()
		time.Sleep(time.Minute)
		if s := k.State(); s.Phase != consumer.Joining || !s.Since.Equal(begun) {
			w.t.Errorf("got %s since %v, want joining since %v: retries do not move it", s.Phase, s.Since, begun)
		}
		since := waitsFor(w.t, k, "other consumers occupy the group "+group)
		time.Sleep(time.Minute)
		if again := waitsFor(w.t, k, "set another KAFKA_GROUP"); !again.Equal(since) {
			w.t.Errorf("got a wait since %v, then since %v, want one wait", since, again)
		}
		w.toldOnce("other consumers occupy the group " + group)
		foreign.Close()
		w.produce(0, fine, "a")
		w.settle(30 * time.Second)
		if got := k.Waits(); len(got) > 0 {
			w.t.Errorf("got waits %v in the group, want none", got)
		}
	})
}

func TestARejectedJoinNamesTheSetting(t *testing.T) {
	for name, test := range map[string]struct {
		err  *kerr.Error
		says []string
	}{
		"session timeout": {
			kerr.InvalidSessionTimeout,
			[]string{"session timeout of 10s", "KAFKA_SESSION_TIMEOUT", "group.min.session.timeout.ms"},
		},
		"group id": {kerr.InvalidGroupID, []string{"KAFKA_GROUP"}},
		"right":    {kerr.GroupAuthorizationFailed, []string{"grant Read on the group"}},
		"login":    {kerr.SaslAuthenticationFailed, []string{"KAFKA_SASL_USERNAME"}},
		"full":     {kerr.GroupMaxSizeReached, []string{"group.max.size"}},
		"version":  {kerr.UnsupportedVersion, []string{"older than Kafka 0.11"}},
		"another":  {kerr.FencedInstanceID, []string{"Kafka rejects the join: [82]"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				refused := w.fake.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: test.err, Count: -1,
				})
				k := w.start()
				time.Sleep(time.Minute)
				for _, text := range test.says {
					waitsFor(w.t, k, text)
					w.toldOnce(text)
				}
				refused.Remove()
				w.produce(0, fine, "a")
				w.settle(time.Minute)
			})
		})
	}
}

func TestAFirstStartOnANewClusterLogsNoWarning(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.FindCoordinator}, Group: group, Err: kerr.CoordinatorNotAvailable, Count: 5,
		})
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.SyncGroup}, Group: group, Err: kerr.RebalanceInProgress, Count: 1,
		})
		k := w.start()
		time.Sleep(2 * time.Second)
		waitsFor(w.t, k, "a new cluster creates __consumer_offsets first")
		w.produce(0, fine, "a")
		w.settle(30 * time.Second)
		if got := append(w.logs.say("level=WARN"), w.logs.say("the wait for")...); len(got) > 0 {
			w.t.Errorf("got %q, want no warning", got)
		}
	})
}

func TestAMissingTopicIsShownWithTheStartOfTheWait(t *testing.T) {
	bubble(t, 0, func(w *world) {
		begun := time.Now()
		k := w.start(func(o *consumer.Options) { o.Topics = []string{"orders", "payments"} })
		time.Sleep(time.Minute)
		since := waitsFor(w.t, k, "topics orders, payments do not exist; create them, or check KAFKA_TOPICS")
		if since.Sub(begun) > time.Second {
			w.t.Errorf("got since %v, want about %v", since, begun)
		}
		w.create("orders", 1)
		time.Sleep(time.Minute)
		if since := waitsFor(w.t, k,
			"topic payments does not exist; create it, or check KAFKA_TOPICS"); since.Sub(begun) > time.Second {
			w.t.Errorf("got since %v, want about %v: the wait is the same", since, begun)
		}
		w.create("payments", 1)
		w.produce(0, fine, "a")
		w.settle(10 * time.Second)
		if got := k.Waits(); len(got) > 0 {
			w.t.Errorf("got waits %v, want none", got)
		}
	})
}

func TestAWaitFromOutsideIsInTheState(t *testing.T) {
	t.Parallel()
	k := consumer.New(consumer.Options{})
	k.WaitFor("the letters' topic")
	if s := k.State(); s.Phase != consumer.Waiting || len(s.Waits) != 1 || s.Waits[0].For != "the letters' topic" {
		t.Errorf("got %+v, want the wait", s)
	}
	k.WaitFor("")
	if got := k.Waits(); len(got) > 0 {
		t.Errorf("got waits %v after the end, want none", got)
	}
}

func TestTheWaitsOfAStateAreThoseOfItsPhase(t *testing.T) {
	t.Parallel()
	k := consumer.New(consumer.Options{})
	done := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				k.WaitFor("the letters' topic")
				k.JoinAfterWait()
			}
		}
	})
	for range 20_000 {
		if s := k.State(); s.Phase == consumer.Waiting && len(s.Waits) == 0 {
			t.Error("got a worker that waits for nothing")
			break
		}
	}
	close(done)
	others.Wait()
}

func TestAWorkerThatWasInTheGroupJoinsAgainWithoutAMissingTopic(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.create("payments", 1)
		k := w.start(func(o *consumer.Options) { o.Topics = []string{"orders", "payments"} })
		w.produce(0, fine, "a")
		w.settle(10 * time.Second)
		if err := w.fake.DeleteTopic("payments"); err != nil {
			w.t.Fatal(err)
		}
		// Five failures end the membership, and the next membership begins with a query about the topics.
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: kerr.CoordinatorLoadInProgress, Count: 12,
		})
		w.rebalance()
		w.produce(0, fine, "b")
		w.settle(time.Minute)
		waitsFor(w.t, k, "topic payments does not exist")
	})
}

// whoWaits returns the one of two workers that waits for something.
func whoWaits(a, b *worker) *worker {
	if len(a.Waits()) == 0 {
		return b
	}
	return a
}

func TestWithDifferentTopicsAMissingTopicTakesNoPartitionsOfOthers(t *testing.T) {
	bubble(t, 4, func(w *world) {
		w.create("payments", 1)
		first := w.start() // the leader, which does not consume payments itself
		time.Sleep(5 * time.Second)
		second := w.start(func(o *consumer.Options) { o.Topics = []string{"orders", "payments"} })
		time.Sleep(20 * time.Second)
		if got := w.logs.say("workers of the group have different KAFKA_TOPICS"); len(got) > 0 {
			w.t.Errorf("got %q after seconds, want nothing logged: in a rolling update that is normal", got)
		}
		if err := w.fake.DeleteTopic("payments"); err != nil {
			w.t.Fatal(err)
		}
		w.rebalance()
		time.Sleep(10 * time.Second)
		before := first.State().Generations
		for n := range 4 {
			w.produce(n, fine, fmt.Sprint("a", n), fmt.Sprint("b", n))
		}
		w.settle(20 * time.Second)
		time.Sleep(2 * time.Minute)
		if got := first.State().Generations - before; got > 0 {
			w.t.Errorf("got %d generations in two minutes without the topic, want none", got)
		}
		own := len(first.State().Dispatch.Partitions) + len(second.State().Dispatch.Partitions)
		if own != 4 {
			w.t.Errorf("got %d partitions assigned, want the 4 of orders", own)
		}
		leader := whoWaits(first, second)
		waitsFor(w.t, leader, "topic payments does not exist")
		waitsFor(w.t, leader, "different KAFKA_TOPICS: not all of them consume payments")
		w.toldOnce("topics do not exist or cannot be described")
		w.toldOnce("workers of the group have different KAFKA_TOPICS")
		w.create("payments", 1)
		if !w.wait(time.Minute, func() bool {
			return len(first.State().Dispatch.Partitions)+len(second.State().Dispatch.Partitions) == 5
		}) {
			w.t.Error("the topic that came back is not consumed")
		}
		time.Sleep(15 * time.Second)
		if got := leader.Waits(); len(got) != 1 {
			w.t.Errorf("got waits %v after the topic came back, want the one for different KAFKA_TOPICS", got)
		}
	})
}

func TestANewTopicWithManyPartitionsIsLoggedOnce(t *testing.T) {
	bubble(t, 0, func(w *world) {
		k := w.start()
		time.Sleep(time.Minute)
		// The first generation ends before its first commit, and the next one begins at the same offsets.
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.IllegalGeneration, Count: 1,
		})
		w.create("orders", 18)
		w.produce(3, fine, "a")
		w.settle(20 * time.Second)
		w.toldOnce("the group has no commits for these partitions of the topic")
		if got := w.logs.say("do not know"); len(got) > 0 {
			w.t.Errorf("got %q, want nothing: the topic is new", got)
		}
		w.recreate(18)
		w.ledger.waive("a")
		w.produce(5, fine, "b")
		w.settle(time.Minute)
		w.toldOnce("created again")
		if got := k.State().Restarted; got == 0 {
			w.t.Error("got no recreated partition, want the ones that had a commit")
		}
	})
}

func TestPartitionsThatStayUnknownShareALogLine(t *testing.T) {
	bubble(t, 18, func(w *world) {
		k := w.start()
		w.produce(0, fine, "a")
		w.settle(10 * time.Second)
		if err := w.fake.DeleteTopic("orders"); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.toldOnce("the brokers do not know these partitions")
		waitsFor(w.t, k, "do not know all partitions of the topic orders")
	})
}

func TestAPartitionThatIsUnknownForAMomentIsNotLogged(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start()
		w.produce(0, fine, "a")
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "orders", Err: kerr.UnknownTopicOrPartition, Count: 4,
		})
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: "orders", Err: kerr.UnknownTopicOrPartition, Count: 1,
		})
		if !w.wait(5*time.Second, func() bool { return len(k.Waits()) > 0 }) {
			w.t.Error("got no wait for the partition")
		}
		w.produce(0, fine, "b")
		w.settle(10 * time.Second)
		if got := append(w.logs.say("do not know"),
			w.logs.say("know the topic's partitions again")...); len(got) > 0 || len(k.Waits()) > 0 {
			w.t.Errorf("got %q and waits %v, want neither", got, k.Waits())
		}
	})
}
