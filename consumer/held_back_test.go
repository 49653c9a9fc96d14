package consumer_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/event"
	shared "leadhit-sync/deadletter/ledger"
	"leadhit-sync/integration/handmade"
)

const heldLine = "an open transaction holds back events"

// openTransaction writes one event about an order in a transaction that stays open, and returns a function that ends
// the transaction.
func (w *world) openTransaction(topic string, at time.Time) (end func(kgo.TransactionEndTry)) {
	w.t.Helper()
	client := w.client(kgo.DefaultProduceTopic(topic), kgo.TransactionalID("shop"),
		kgo.TransactionTimeout(24*time.Hour))
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	r := &kgo.Record{Key: []byte("x"), Value: []byte("x:1a"), Timestamp: at}
	if err := client.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	return func(how kgo.TransactionEndTry) {
		w.t.Helper()
		if err := client.EndTransaction(w.t.Context(), how); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAnOpenTransactionIsLoggedAndShownWithWhatItHoldsBack(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.produce(0, fine, "before")
		time.Sleep(3 * time.Hour)
		opened := time.Now()
		end := w.openTransaction("orders", opened)
		for n := range 299 {
			w.produce(0, fine, fmt.Sprint("held", n))
		}
		time.Sleep(2 * time.Hour)
		k := w.start()
		time.Sleep(20 * time.Second)

		at := event.Partition{Topic: "orders", Number: 0}
		s := k.State()
		got, open := s.HeldBack[at]
		if !open || len(s.HeldBack) != 1 || got.Offset != 1 || got.Events != 300 ||
			!got.Since.Equal(opened.Truncate(time.Millisecond)) {
			w.t.Errorf("got %+v, want 300 events from offset 1 on, since %v", s.HeldBack, opened)
		}
		w.toldOnce(heldLine)
		for _, part := range []string{
			"topic=orders", "partition=0", "offset=1", "events=300", "since=" + opened.UTC().Format(time.RFC3339)[:19],
		} {
			if line := w.logs.say(heldLine)[0]; !strings.Contains(line, part) {
				w.t.Errorf("got %s, want %s in it", line, part)
			}
		}
		w.rebalance()
		time.Sleep(5 * time.Second)
		if len(k.State().HeldBack) != 1 {
			w.t.Error("a rebalance hid the open transaction")
		}
		w.toldOnce(heldLine)

		end(kgo.TryAbort)
		w.settle(time.Minute)
		w.toldOnce("an open transaction has ended")
		if got := k.State().HeldBack; len(got) != 0 {
			w.t.Errorf("got %+v after its end, want none", got)
		}
	})
}

func TestTheStartLogsHowManyEventsAreBehindAnOpenTransaction(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.produce(0, fine, "before", "more")
		end := w.openTransaction("orders", time.Now())
		w.produce(0, fine, "held")
		w.start()
		time.Sleep(5 * time.Second)
		w.toldOnce("events_ahead=2 events_behind_open_transactions=2 oldest_age")
		end(kgo.TryAbort)
		w.settle(time.Minute)
	})
}

// transaction writes one event in a transaction. It calls meanwhile once the transaction has been open for the given
// time, and then ends the transaction.
func (w *world) transaction(client *kgo.Client, open time.Duration, meanwhile func()) {
	w.t.Helper()
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	r := &kgo.Record{Key: []byte("x"), Value: []byte("x:1i")}
	if err := client.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(open)
	meanwhile()
	if err := client.EndTransaction(w.t.Context(), kgo.TryCommit); err != nil {
		w.t.Fatal(err)
	}
}

func TestOrdinaryTransactionsAreNotReported(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start()
		var shops sync.WaitGroup
		for _, shop := range []string{"one", "two"} { // the shops' transactions overlap, so one is always open
			shops.Go(func() {
				client := w.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID(shop))
				for range 20 {
					w.transaction(client, 3*time.Second, func() {
						if got := k.State().HeldBack; len(got) != 0 {
							w.t.Errorf("got %+v, want nothing reported", got)
						}
					})
				}
			})
			time.Sleep(1500 * time.Millisecond)
		}
		shops.Wait()
		if got := w.logs.say(heldLine); len(got) != 0 {
			w.t.Errorf("logged ordinary transactions: %q", got)
		}
	})
}

func TestALongTransactionBehindAShortOneIsReported(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start()
		time.Sleep(time.Second)
		end := w.openTransaction("orders", time.Now())
		time.Sleep(2 * time.Second)
		opened := time.Now()
		other := w.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID("other"),
			kgo.TransactionTimeout(time.Hour))
		w.transaction(other, time.Second, func() {
			end(kgo.TryAbort)
			time.Sleep(20 * time.Second)
			got := k.State().HeldBack[event.Partition{Topic: "orders"}]
			if got.Offset != 1 || !got.Since.Equal(opened) {
				w.t.Errorf("got %+v, want the second transaction, since %v", got, opened)
			}
			w.toldOnce(heldLine)
		})
	})
}

func TestFrequentLongTransactionsAreLoggedRarely(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start()
		client := w.client(kgo.DefaultProduceTopic("orders"), kgo.TransactionalID("shop"),
			kgo.TransactionTimeout(time.Hour))
		for range 9 {
			w.transaction(client, time.Minute, func() {
				if got := k.State().HeldBack; len(got) != 1 {
					w.t.Errorf("got %+v, want each shown", got)
				}
			})
		}
		w.toldOnce(heldLine)
	})
}

func TestAnImplausibleTimeDoesNotHideAnOpenTransaction(t *testing.T) {
	for name, at := range map[string]time.Time{
		"in two years":  time.Now().AddDate(2, 0, 0),
		"the year 1970": time.UnixMilli(1),
		"the year 1700": time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				k := w.start()
				time.Sleep(time.Minute)
				end := w.openTransaction("orders", at)
				time.Sleep(time.Minute)
				got := k.State().HeldBack[event.Partition{Topic: "orders"}]
				if age := time.Since(got.Since); age < 50*time.Second || age > 2*time.Minute {
					w.t.Errorf("got an age of %v, want a minute: since it was first seen", age)
				}
				w.toldOnce(heldLine)
				end(kgo.TryAbort)
			})
		})
	}
}

func TestAPauseBehindAForeignTransactionInTheLedgerIsFollowed(t *testing.T) {
	for name, before := range map[string]bool{"before the worker starts": true, "while it runs": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.create(ledgerTopic, 1)
				var k *worker
				pause := func() {
					w.openTransaction(ledgerTopic, time.Now())
					w.note(shared.GuardPause, "alice", "LeadHit migrates")
				}
				if before {
					pause()
				}
				k = w.start(guarded("w1", "1.0"))
				time.Sleep(10 * time.Second)
				if !before {
					pause()
					time.Sleep(10 * time.Second)
				}
				w.held(shared.ByHand, "alice", k)
			})
		})
	}
}

// oddTimes returns times that producers write by mistake: a count in the wrong unit, no time at all, or the time from a
// wrong clock.
func oddTimes() map[string]int64 {
	when := int64(1_764_000_000) // seconds; a bubble's clock starts in 2000, so this time is in its future
	return map[string]int64{
		"nanoseconds":   when * 1e9,
		"microseconds":  when * 1e6,
		"milliseconds":  when * 1e3,
		"seconds":       when,
		"none":          -1,
		"zero":          0,
		"the year 1601": -11_644_473_600_000,
		"the largest":   1<<63 - 1,
		"the smallest":  -1 << 63,
	}
}

// TestAnEventsImplausibleTimeNeitherHidesNorRaisesTheAgeOfOthers checks the lag that alerts use.
func TestAnEventsImplausibleTimeNeitherHidesNorRaisesTheAgeOfOthers(t *testing.T) {
	for name, at := range oddTimes() {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) { stuckBeside(w, at) })
		})
	}
}

// stuckBeside makes two events wait, the first with an implausible time, and restarts the worker meanwhile.
func stuckBeside(w *world, at int64) {
	w.leadhitDoes(fails)
	k := w.start()
	time.Sleep(time.Second)
	w.ledger.produced(event.Partition{Topic: "orders"}, 0, []change{w.ledger.next("odd", fine)})
	client := w.client(kgo.MaxVersions(kversion.V3_6_0()))
	odd := &kgo.Record{Topic: "orders", Key: []byte("odd"), Value: []byte("odd:1")}
	if err := handmade.Write(w.t.Context(), client, odd, at); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Minute)
	p := k.State().Dispatch.Partitions[0]
	if age := time.Since(p.Oldest); age < 50*time.Second || age > 70*time.Second || p.OldestOffset != 0 {
		w.t.Errorf("got an age of %v at offset %d, want a minute: since it was read", age, p.OldestOffset)
	}
	w.event(0, w.ledger.next("other", fine))
	time.Sleep(3 * time.Minute)
	k.end()
	time.Sleep(time.Minute) // the next worker rereads both events
	k = w.start()
	time.Sleep(10 * time.Second)
	p = k.State().Dispatch.Partitions[0]
	if age := time.Since(p.Oldest); age < 4*time.Minute || age > 5*time.Minute {
		w.t.Errorf("got an age of %v, want 4 minutes: the other event's own", age)
	}
	waiting := k.WaitingOrders(1)
	if len(waiting) != 1 || waiting[0].Order != "other" {
		w.t.Errorf("got %+v first, want the order that has waited longest", waiting)
	}
	w.leadhitDoes(answers(0))
	w.settle(5 * time.Minute)
}

// TestABrokerThatReturnsNoTimeDoesNotHideTheTransaction: without that time, the transaction's age counts from when we
// learned of it.
func TestABrokerThatReturnsNoTimeDoesNotHideTheTransaction(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start()
		time.Sleep(time.Second)
		opened := time.Now()
		end := w.openTransaction("orders", opened)
		defer end(kgo.TryAbort)
		var looks atomic.Int32
		w.fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			w.fake.KeepControl()
			request, _ := r.(*kmsg.FetchRequest)
			if request.IsolationLevel == 1 {
				return nil, nil, false
			}
			if looks.Add(1); time.Since(opened) > 20*time.Second {
				return nil, nil, false
			}
			response, _ := request.ResponseKind().(*kmsg.FetchResponse)
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = request.Topics[0].Topic
			p := kmsg.NewFetchResponseTopicPartition()
			p.ErrorCode = kerr.KafkaStorageError.Code
			topic.Partitions = append(topic.Partitions, p)
			response.Topics = append(response.Topics, topic)
			return response, nil, true
		})
		time.Sleep(10 * time.Second)
		w.toldOnce(heldLine)
		if got := len(k.State().HeldBack); got != 1 {
			w.t.Errorf("got %d partitions with events held back, want one", got)
		}
		time.Sleep(time.Minute)
		if n := looks.Load(); n < 4 || n > 6 {
			w.t.Errorf("got %d requests in a minute, want one in five seconds until one has succeeded, and then none", n)
		}
	})
}
