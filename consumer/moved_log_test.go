package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
)

func TestEventsThatExpiredUnreadAreCountedLoggedAndSkipped(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "b")
		first := w.start()
		w.settle(10 * time.Second)
		first.end()
		for n := range 30 {
			w.produce(0, fine, fmt.Sprint("gone", n))
			w.ledger.waive(fmt.Sprint("gone", n))
		}
		if err := w.fake.DeleteRecords("orders", 0, 32); err != nil {
			w.t.Fatal(err)
		}
		w.produce(0, fine, "c")
		k := w.start()
		w.settle(10 * time.Second)
		if got := k.State().Expired; got != 30 {
			w.t.Errorf("got %d expired events, want 30", got)
		}
		w.toldOnce("events expired unread")
		k.end()
		w.start()
		time.Sleep(10 * time.Second)
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want three: the new offset was not committed", got)
		}
	})
}

func TestATruncatedLogIsReadFromItsStart(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.commitFromOutside(500)
		k := w.start()
		time.Sleep(time.Second)
		w.produce(0, fine, "a", "b", "a")
		w.settle(10 * time.Second)
		if got := k.State().Restarted; got != 1 {
			w.t.Errorf("got %d recreated or truncated partitions, want one", got)
		}
		w.toldOnce("the partition ends before the group's offset")
		k.end()
		w.start()
		time.Sleep(10 * time.Second)
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want three: an offset must be able to go down", got)
		}
	})
}

// commitFromOutside sets the group's offset while the group has no members.
func (w *world) commitFromOutside(offset int64) {
	w.t.Helper()
	r := kmsg.NewOffsetCommitRequest()
	r.Group, r.Generation = group, -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = "orders", w.fake.TopicInfo("orders").TopicID
	one := kmsg.NewOffsetCommitRequestTopicPartition()
	one.Offset = offset
	topic.Partitions = append(topic.Partitions, one)
	r.Topics = append(r.Topics, topic)
	answer, err := r.RequestWith(w.t.Context(), w.producer)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAPartitionThatIsUnknownForAMomentContinuesAtItsPosition(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "b")
		k := w.start()
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition, Count: 5})
		w.produce(0, fine, "a", "c")
		w.settle(20 * time.Second)
		if got := k.State(); got.Restarted != 0 || w.ledger.repeats != 0 {
			w.t.Errorf("got %d restarts and %d repeats, want none", got.Restarted, w.ledger.repeats)
		}
	})
}

// A batch of 400 KiB takes 10 s: longer than a broker may stay silent.
func TestABatchOverASlowConnectionIsRead(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.start(func(*consumer.Options) { w.workers[len(w.workers)-1].wire.pace = 4 << 10 })
		w.produce(0, fine, "a")
		w.settle(30 * time.Second)
		w.padding = 400 << 10
		w.produce(0, fine, "a")
		w.settle(time.Minute)
		if said := w.logs.say("cannot fetch; trying again"); len(said) > 0 {
			w.t.Errorf("got %q, want no failure", said)
		}
	})
}

func TestABrokerThatContradictsItselfIsNotAskedInATightLoop(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a")
		k := w.start()
		w.settle(10 * time.Second)
		fetches := w.count(kmsg.Fetch)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange, Count: -1})
		time.Sleep(time.Minute)
		if got := fetches(); got > 40 {
			w.t.Errorf("got %d fetches in a minute, want about one in two seconds", got)
		}
		if got := k.State(); got.Expired != 0 || got.Restarted != 0 {
			w.t.Errorf("got %+v: the position moved without a reason", got)
		}
	})
}

func TestEventsOfAnAbortedTransactionAreNotCalled(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client := w.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID("t"))
		k := w.start()
		w.produce(0, fine, "a")
		if err := client.BeginTransaction(); err != nil {
			w.t.Fatal(err)
		}
		taken := w.ledger.next("a", aborted)
		r := &kgo.Record{Value: []byte(taken.order + ":" + taken.status())}
		if err := client.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
		w.produce(0, fine, "b") // after the start of the open transaction, so it must not be read yet
		time.Sleep(10 * time.Second)
		if got := k.State().Fetched; got != 1 {
			w.t.Errorf("got %d events while the transaction is open, want one", got)
		}
		if err := client.EndTransaction(w.t.Context(), kgo.TryAbort); err != nil {
			w.t.Fatal(err)
		}
		w.settle(10 * time.Second)
		if got := k.State().Fetched; got != 2 {
			w.t.Errorf("got %d events, want two", got)
		}
	})
}

// recreate deletes and recreates the topic. The call log forgets the events of all topics.
func (w *world) recreate(partitions int) {
	w.t.Helper()
	w.recreateAfter(time.Second, partitions)
}

func (w *world) recreateAfter(pause time.Duration, partitions int) {
	const topic = "orders"
	w.t.Helper()
	w.topics.Store(w.fake.TopicInfo(topic).TopicID, "")
	if err := w.fake.DeleteTopic(topic); err != nil {
		w.t.Fatal(err)
	}
	w.ledger.mu.Lock()
	clear(w.ledger.logs)
	w.ledger.mu.Unlock()
	time.Sleep(pause)
	w.create(topic, partitions)
	w.producer.PurgeTopicsFromProducing(topic)
}
