package consumer_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
)

// eachRelease runs a test in bubbles of their own: with brokers that accept commits by topic id, and with older ones.
func eachRelease(t *testing.T, partitions int, test func(w *world)) {
	t.Helper()
	for name, versions := range map[string]*kversion.Versions{"4.1": kversion.V4_1_0(), "4.2": kversion.V4_2_0()} {
		t.Run(name, func(t *testing.T) { bubble(t, partitions, test, kfake.MaxVersions(versions)) })
	}
}

func TestARecreatedTopicIsReadFromItsStart(t *testing.T) {
	for name, length := range map[string]int{"shorter than the offset": 3, "longer than the offset": 60} {
		for _, latest := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", latest ", latest), func(t *testing.T) {
				eachRelease(t, 1, func(w *world) { recreateIdle(w, length, latest) })
			})
		}
	}
}

func recreateIdle(w *world, length int, latest bool) {
	k := w.start(func(o *consumer.Options) { o.Start.Latest = latest })
	time.Sleep(10 * time.Second)
	for n := range 20 {
		w.produce(0, fine, fmt.Sprint("old", n))
	}
	w.settle(10 * time.Second)
	w.recreate(1)
	for n := range length {
		w.produce(0, fine, fmt.Sprint("new", n%30))
	}
	w.settle(time.Minute)
	if got := k.State().Restarted; got != 1 {
		w.t.Errorf("got %d recreated or truncated partitions, want one", got)
	}
	w.toldOnce("created again")
}

// The brokers know the new topic only now and then, so that its partition becomes suspect again before its first commit.
// With KAFKA_START=latest, that must not skip the events that have arrived meanwhile.
func TestARecreatedTopicThatComesAndGoesIsReadFromItsStart(t *testing.T) {
	eachRelease(t, 1, func(w *world) {
		k := w.start(func(o *consumer.Options) { o.Start.Latest = true })
		time.Sleep(10 * time.Second)
		w.produce(0, fine, "old")
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.UnknownTopicOrPartition, Count: 5,
		})
		w.recreate(1)
		for n := range 20 {
			w.produce(0, fine, fmt.Sprint("new", n))
			time.Sleep(50 * time.Millisecond)
		}
		w.settle(time.Minute)
		if got := k.State().Restarted; got != 1 {
			w.t.Errorf("got %d recreated or truncated partitions, want one", got)
		}
	})
}

// No worker has the partition while the topic does not exist, because the group rebalances meanwhile.
func TestATopicRecreatedBetweenGenerationsIsReadFromItsStart(t *testing.T) {
	eachRelease(t, 1, func(w *world) {
		k := w.start(func(o *consumer.Options) { o.Start.Latest = true })
		time.Sleep(10 * time.Second)
		w.produce(0, fine, "old")
		w.settle(10 * time.Second)
		time.AfterFunc(5*time.Second, w.rebalance)
		w.recreateAfter(time.Minute, 1)
		for n := range 20 {
			w.produce(0, fine, fmt.Sprint("new", n))
		}
		w.settle(time.Minute)
		if got := k.State(); got.Restarted != 1 || got.Generations < 3 {
			w.t.Errorf("got %d recreated partitions in %d generations, want one, and a generation without partitions",
				got.Restarted, got.Generations)
		}
		w.toldOnce("created again")
	})
}

// With a full window nothing is fetched, so only a commit shows that the topic was recreated.
func TestATopicRecreatedWhileItsWindowIsFullIsReadFromItsStart(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "after a while": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			eachRelease(t, 1, func(w *world) {
				fillWindow(w)
				k := startSmall(w)
				time.Sleep(15 * time.Second)
				refill(w, k, 1, pause)
			})
		})
	}
}

// The topic is recreated after the worker has read the group's offsets, and before it reads the topic's id.
func TestATopicRecreatedBeforeItsIDIsReadIsReadFromItsStart(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "b", "c")
		first := w.start()
		w.settle(10 * time.Second)
		first.end()
		reads, recreated := make(chan struct{}), make(chan struct{})
		w.fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
			if r.GetVersion() != 12 { // of kafka-go itself, or of the producer
				return nil, nil, false
			}
			w.fake.DropControl()
			w.fake.SleepControl(func() {
				close(reads)
				<-recreated
			})
			return nil, nil, false
		})
		k := w.start()
		<-reads
		w.recreateAfter(0, 1)
		for n := range 20 {
			w.produce(0, fine, fmt.Sprint("new", n))
		}
		close(recreated)
		w.settle(time.Minute)
		if got := k.State().Restarted; got != 1 {
			w.t.Errorf("got %d recreated or truncated partitions, want one", got)
		}
	})
}

// One partition finds out by its fetch, and its first commit tells the committer the topic's new id. The other partition
// has a full window.
func TestEachPartitionOfARecreatedTopicIsReadFromItsStart(t *testing.T) {
	eachRelease(t, 2, func(w *world) {
		w.produce(1, fine, "a", "b", "c")
		w.ledger.waive("a", "b", "c")
		fillWindow(w)
		k := startSmall(w)
		time.Sleep(15 * time.Second)
		refill(w, k, 2, 50*time.Millisecond)
	})
}

// If the coordinator dies before it has deleted the offsets of a deleted topic, they survive, and only the topic's id
// shows that it was recreated.
func TestARecreatedTopicWhoseOffsetSurvivesIsReadFromItsStart(t *testing.T) {
	for name, then := range map[string]func(*world){
		"in the same generation": func(*world) {},
		"in the next generation": (*world).rebalance,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				k := w.start()
				for n := range 20 {
					w.produce(0, fine, fmt.Sprint("old", n))
				}
				w.settle(10 * time.Second)
				w.offsetSurvives(20)
				w.recreateAfter(0, 1)
				for n := range 60 {
					w.produce(0, fine, fmt.Sprint("new", n))
				}
				then(w)
				w.settle(time.Minute)
				if got := k.State().Restarted; got != 1 || w.ledger.repeats != 0 {
					w.t.Errorf("got %d recreated partitions and %d repeats, want one and none", got, w.ledger.repeats)
				}
				w.toldOnce("created again")
			})
		})
	}
}

// offsetSurvives makes each read of the group's offset return next, until there is a commit for another topic than the
// present one.
func (w *world) offsetSurvives(next int64) {
	of := w.fake.TopicInfo("orders").TopicID
	over := false
	w.fake.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		if commit, ok := r.(*kmsg.OffsetCommitRequest); ok {
			over = over || commit.Topics[0].TopicID != of
		}
		if over || r.Key() != int16(kmsg.OffsetFetch) {
			return nil, nil, false
		}
		response, _ := r.ResponseKind().(*kmsg.OffsetFetchResponse)
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = "orders"
		partition := kmsg.NewOffsetFetchResponseTopicPartition()
		partition.Offset = next
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
}

// In a generation that the worker has missed, another worker may have consumed a recreated topic.
func TestWhichLogAPositionBelongsToIsKnownWhileThePartitionStays(t *testing.T) {
	p, other := event.Partition{Topic: "orders"}, event.Partition{Topic: "orders", Number: 1}
	const generation = 5
	for name, next := range map[string]struct {
		generation int
		own        []event.Partition
		want       bool
	}{
		"same generation":    {5, []event.Partition{p, other}, true},
		"next generation":    {6, []event.Partition{other, p}, true},
		"later generation":   {7, []event.Partition{p}, false},
		"earlier generation": {4, []event.Partition{p}, false},
		"partition is lost":  {6, []event.Partition{other}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := consumer.KeepsLog(p, generation, next.generation, next.own...); got != next.want {
				t.Errorf("got %t, want %t", got, next.want)
			}
		})
	}
}

// A coordinator that has just taken over the group may not know the recreated topic yet.
func TestAnIDThatIsOutOfDateIsReadAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "b")
		k := w.start()
		w.settle(10 * time.Second)
		reads := 0
		w.respondWithID([16]byte{15: 1}, nil, func(r kmsg.Request) bool {
			if r.Key() == int16(kmsg.Metadata) && r.GetVersion() == 12 {
				reads++
			}
			return reads > 1
		})
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.NotCoordinator, Count: 1})
		w.produce(0, fine, "a", "c")
		w.settle(time.Minute)
		if got := k.State(); got.Restarted != 0 || got.Generations != 1 || w.ledger.repeats != 0 {
			w.t.Errorf("got %d recreated partitions, %d generations and %d repeats, want one generation and none else",
				got.Restarted, got.Generations, w.ledger.repeats)
		}
	})
}

// respondWithID makes the brokers respond to the worker's requests for the topic's id, until a request ends that.
func (w *world) respondWithID(id [16]byte, err *kerr.Error, until func(request kmsg.Request) bool) {
	over := false
	w.fake.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		over = over || until(r)
		ask, ok := r.(*kmsg.MetadataRequest)
		if over || !ok || ask.Version != 12 { // others are of kafka-go itself, or of the producer
			return nil, nil, false
		}
		response, _ := r.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.TopicID = new("orders"), id
		if err != nil {
			topic.ErrorCode = err.Code
		}
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
}

// The first commit for the recreated topic names it by its name, because the coordinator does not return an id.
func TestARecreatedTopicMayHaveNoIDAtFirst(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "b")
		k := w.start()
		w.settle(10 * time.Second)
		w.respondWithID([16]byte{}, kerr.UnknownTopicOrPartition, func(r kmsg.Request) bool {
			return r.Key() == int16(kmsg.OffsetCommit) && r.GetVersion() < byID
		})
		w.recreate(1)
		for n := range 20 {
			w.produce(0, fine, fmt.Sprint("new", n))
		}
		w.settle(30 * time.Second)
		w.produce(0, fine, "c")
		w.settle(30 * time.Second)
		if got := k.State().Restarted; got != 1 {
			w.t.Errorf("got %d recreated or truncated partitions, want one", got)
		}
	})
}

func startSmall(w *world) *worker {
	return w.start(func(o *consumer.Options) { o.Dispatch.WindowEvents = 100 })
}

// fillWindow writes events that LeadHit does not accept until refill, more than fit into a window.
func fillWindow(w *world) {
	w.leadhitDoes(forbids)
	for n := range 300 {
		w.produce(0, fine, fmt.Sprint("old", n))
		w.ledger.waive(fmt.Sprint("old", n))
	}
}

// refill recreates the topic, writes as many events as its partitions had, and checks that each gets its call.
func refill(w *world, k *worker, partitions int, pause time.Duration) {
	w.t.Helper()
	w.recreateAfter(pause, partitions)
	for n := range 600 {
		w.produce(n%partitions, fine, fmt.Sprint("new", n))
	}
	time.Sleep(5 * time.Second)
	w.leadhitDoes(answers(0))
	w.settle(2 * time.Minute)
	if got := k.State().Restarted; got != uint64(partitions) {
		w.t.Errorf("got %d recreated or truncated partitions, want %d", got, partitions)
	}
	w.toldOnce("created again")
}

// In a backlog, a partition is fetched only now and then. On older brokers, the commits between the fetches read the
// group's offsets first.
func TestABacklogIsCommittedByTopicIDWithoutReadingOffsets(t *testing.T) {
	bubble(t, 2, func(w *world) {
		for n := range 600 {
			w.produce(n%2, fine, fmt.Sprint("o", n))
		}
		commits, reads := w.count(kmsg.OffsetCommit), w.count(kmsg.OffsetFetch)
		w.leadhitDoes(answers(100 * time.Millisecond))
		startSmall(w)
		w.settle(time.Minute)
		if commits() < 20 || reads() > 2 {
			w.t.Errorf("got %d commits and %d reads of offsets, want many commits and two reads: at the start, and when "+
				"the id is first used", commits(), reads())
		}
	})
}

func TestCommitsContinueWhenTheGroupMovesToAnOlderBroker(t *testing.T) {
	bubble(t, 1, func(w *world) {
		var newest atomic.Int32 // version of a commit
		w.fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
			newest.Store(int32(r.GetVersion()))
			return nil, nil, false
		})
		w.produce(0, fine, "a", "b")
		k := w.start()
		w.settle(10 * time.Second)
		if got := newest.Load(); got != byID {
			w.t.Errorf("got a commit of version %d, want %d", got, byID)
		}
		w.replaceBrokers(kversion.V4_1_0())
		w.produce(0, fine, "a", "c")
		w.settle(10 * time.Second)
		if got := newest.Load(); got >= byID {
			w.t.Errorf("got a commit of version %d, want one that an older broker knows", got)
		}
		if got := k.State(); got.Generations != 1 || w.ledger.repeats != 0 {
			w.t.Errorf("got %d generations and %d repeats, want one and none", got.Generations, w.ledger.repeats)
		}
	})
}

// replaceBrokers makes the brokers announce the versions of another release from now on, and the coordinator refuse the
// next commit, as if the group had moved.
func (w *world) replaceBrokers(by *kversion.Versions) {
	w.fake.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		response, _ := r.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key := range int16(60) {
			if newest, ok := by.LookupMaxKeyVersion(key); ok {
				response.ApiKeys = append(response.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: newest})
			}
		}
		return response, nil, true
	})
	w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: group, Err: kerr.NotCoordinator, Count: 1})
}
