package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEventsThatExpiredUnreadAreCountedToldAndPassed(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.produce(0, fine, "a", "b")
		first := w.start()
		w.settle(10 * time.Second)
		first.end()
		for n := range 30 {
			w.produce(0, fine, fmt.Sprint("gone", n))
			w.ledger.waive(fmt.Sprint("gone", n))
		}
		if err := w.fake.DeleteRecords("orders", 0, 32); err != nil {
			t.Fatal(err)
		}
		w.produce(0, fine, "c")
		k := w.start()
		w.settle(10 * time.Second)
		if got := k.State().Expired; got != 30 {
			t.Errorf("got %d expired events, want 30", got)
		}
		if told := w.logs.say("events expired unread"); len(told) != 1 {
			t.Errorf("told %d times, want once: %q", len(told), told)
		}
		k.end()
		w.start()
		time.Sleep(10 * time.Second)
		if got := len(w.ledger.calledNow()); got != 3 {
			t.Errorf("got %d calls, want three: the new offset was not committed", got)
		}
	})
}

func TestATopicThatWasMadeAnewIsReadFromItsStart(t *testing.T) {
	for name, length := range map[string]int{"shorter than the offset": 3, "longer than the offset": 60} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, w *world) {
				for n := range 20 {
					w.produce(0, fine, fmt.Sprint("old", n))
				}
				k := w.start()
				w.settle(10 * time.Second)
				w.recreate("orders", 1)
				for n := range length {
					w.produce(0, fine, fmt.Sprint("new", n%30))
				}
				w.settle(time.Minute)
				if got := k.State().Restarted; got != 1 {
					t.Errorf("got %d restarted partitions, want one", got)
				}
				if told := w.logs.say("made anew"); len(told) != 1 {
					t.Errorf("told %d times, want once: %q", len(told), told)
				}
			})
		})
	}
}

func TestAPartitionThatIsUnknownForAMomentGoesOnWhereItWas(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.produce(0, fine, "a", "b")
		k := w.start()
		w.settle(10 * time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicOrPartition, Count: 5})
		w.produce(0, fine, "a", "c")
		w.settle(20 * time.Second)
		if got := k.State(); got.Restarted != 0 || w.ledger.repeats != 0 {
			t.Errorf("got %d restarts and %d repeats, want none", got.Restarted, w.ledger.repeats)
		}
	})
}

func TestABrokerThatContradictsItselfIsAskedAgainInItsTime(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.produce(0, fine, "a")
		k := w.start()
		w.settle(10 * time.Second)
		fetches := w.count(kmsg.Fetch)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange, Count: -1})
		time.Sleep(time.Minute)
		if got := fetches(); got > 40 {
			t.Errorf("got %d fetches in a minute, want about one in two seconds", got)
		}
		if got := k.State(); got.Expired != 0 || got.Restarted != 0 {
			t.Errorf("got %+v: the position moved without a reason", got)
		}
	})
}

func TestEventsOfAnAbortedTransactionAreNotCalled(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		client := w.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID("t"))
		k := w.start()
		w.produce(0, fine, "a")
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		taken := w.ledger.next("a", aborted)
		r := &kgo.Record{Value: []byte(taken.order + ":" + taken.status())}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.produce(0, fine, "b") // behind the open transaction: not to be read yet
		time.Sleep(10 * time.Second)
		if got := k.State().Fetched; got != 1 {
			t.Errorf("got %d events while the transaction is open, want one", got)
		}
		if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		w.settle(10 * time.Second)
		if got := k.State().Fetched; got != 2 {
			t.Errorf("got %d events, want two", got)
		}
	})
}

// recreate deletes a topic and makes it anew. What stood in it is forgotten.
func (w *world) recreate(topic string, partitions int) {
	w.t.Helper()
	if err := w.fake.DeleteTopic(topic); err != nil {
		w.t.Fatal(err)
	}
	w.ledger.mu.Lock()
	clear(w.ledger.logs)
	w.ledger.mu.Unlock()
	w.create(topic, partitions)
	w.producer.PurgeTopicsFromProducing(topic)
}
