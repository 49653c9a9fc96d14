package consumer_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

func TestAWorkerWaitsForItsTopicsAndStartsAutomatically(t *testing.T) {
	bubble(t, 0, func(w *world) {
		k := w.start(func(o *consumer.Options) { o.Topics = []string{"orders", "payments"} })
		time.Sleep(time.Minute)
		if phase, _ := k.Phase(); phase != consumer.Waiting || k.Joined() {
			w.t.Errorf("got %s, joined %v without the topics, want waiting", phase, k.Joined())
		}
		w.create("orders", 2)
		time.Sleep(time.Minute)
		if phase, _ := k.Phase(); phase != consumer.Waiting {
			w.t.Errorf("got %s with one of two topics, want waiting: the group would assign none", phase)
		}
		if got := w.logs.say("waiting to consume"); len(got) != 2 {
			w.t.Errorf("logged %d times, want once per change: %q", len(got), got)
		}
		w.create("payments", 1)
		w.produce(1, fine, "a", "b")
		w.settle(10 * time.Second)
		if phase, _ := k.Phase(); phase != consumer.Running || !k.Joined() {
			w.t.Errorf("got %s, joined %v, want consuming", phase, k.Joined())
		}
	})
}

func TestAWorkerWaitsForTheGroupsCoordinator(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.FindCoordinator}, Group: group, Err: kerr.CoordinatorNotAvailable, Count: 30,
		})
		w.produce(0, fine, "a")
		w.start()
		w.settle(2 * time.Minute)
		w.toldOnce("__consumer_offsets")
	})
}

func TestAGroupThatNeverCommittedBeginsAtTheConfiguredStart(t *testing.T) {
	for name, test := range map[string]struct {
		start func(middle time.Time) consumer.Start
		want  []string
	}{
		"at the log's start": {
			func(time.Time) consumer.Start { return consumer.Start{} }, []string{"old", "middle", "new"},
		},
		"at a time": {
			func(m time.Time) consumer.Start { return consumer.Start{At: m} }, []string{"middle", "new"},
		},
		"at a time after all events": {
			func(m time.Time) consumer.Start { return consumer.Start{At: m.Add(time.Hour)} }, []string{"new"},
		},
		"with what is produced from then on": {
			func(time.Time) consumer.Start { return consumer.Start{Latest: true} }, []string{"new"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				w.produce(1, fine, "old")
				time.Sleep(time.Hour)
				middle := time.Now()
				w.produce(1, fine, "middle")
				time.Sleep(time.Minute)
				begin(w, test.start(middle), test.want)
			})
		})
	}
}

// begin lets a worker choose where to start, crashes that worker, and starts another. It checks the calls of both
// workers.
func begin(w *world, start consumer.Start, want []string) {
	for _, order := range []string{"old", "middle"} {
		if !slices.Contains(want, order) {
			w.ledger.waive(order)
		}
	}
	begins := func(o *consumer.Options) { o.Start = start }
	first := w.start(begins)
	time.Sleep(2 * time.Second)
	first.crash() // the choice must outlive the worker, so it is committed before the first call
	time.Sleep(time.Minute)
	w.produce(1, fine, "new")
	w.start(begins)
	time.Sleep(time.Minute)
	var got []string
	for _, s := range w.ledger.calledNow() {
		got = append(got, s.order)
	}
	if !equal(got, want) {
		w.t.Errorf("got calls about %q, want %q", got, want)
	}
}

func TestATransientUnknownPartitionDoesNotMoveAGroupThatNeverCommitted(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "old")
		w.ledger.waive("old")
		refusals := 3
		w.fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
			if refusals--; refusals < 0 {
				return nil, nil, false
			}
			w.fake.KeepControl()
			return refuseCommit(r, kerr.UnknownTopicOrPartition), nil, true
		})
		w.start(func(o *consumer.Options) { o.Start.Latest = true })
		time.Sleep(10 * time.Second)
		w.produce(0, fine, "new")
		time.Sleep(5 * time.Second)
		got := w.ledger.calledNow()
		if len(got) != 1 || got[0].order != "new" {
			w.t.Errorf("got calls %v, want the one about new", got)
		}
	})
}

func TestStateWorksBeforeAndAfterRun(t *testing.T) {
	bubble(t, 1, func(w *world) {
		idle := consumer.New(consumer.Options{})
		if got := idle.State(); got.Phase != consumer.Starting || got.Joined {
			w.t.Errorf("got %+v before Run, want it starting", got)
		}
		idle.KeyChanged()
		w.produce(0, fine, "a")
		k := w.start()
		w.settle(time.Minute)
		got := k.State()
		if got.Fetched != 1 || got.Generations != 1 || got.Commits == 0 ||
			len(got.Dispatch.Partitions) != 1 || len(got.Ends) != 1 {
			w.t.Errorf("got %+v, want one event, one generation, a commit, a partition", got)
		}
		if age := time.Since(k.Pulse()); age > time.Second {
			w.t.Errorf("the last turn was %v ago, want at most a second", age)
		}
		k.end()
		if got := k.State(); got.Phase != consumer.Stopped || got.Fetched != 1 || len(got.Dispatch.Partitions) != 0 {
			w.t.Errorf("got %+v after Run, want it stopped", got)
		}
	})
}

// equal reports whether both lists have the same elements, in any order, because lanes run in parallel.
func equal(got, want []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

// In topics with different numbers of partitions, one key may have two partition numbers, and the partitions may have
// two owners.
func TestRepeatsAreSkippedOnlyIfTheTopicsHaveEqualNumbersOfPartitions(t *testing.T) {
	for name, test := range map[string]struct {
		topics     []string
		partitions int // of payments; orders has two
		calls      int32
	}{
		"one topic":         {[]string{"orders"}, 3, 1},
		"equal numbers":     {[]string{"orders", "payments"}, 2, 1},
		"different numbers": {[]string{"orders", "payments"}, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				w.create("payments", test.partitions)
				if got := w.callsOfOneStatusTwice(1, test.topics...); got != test.calls {
					w.t.Errorf("got %d calls, want %d", got, test.calls)
				}
				if got := w.logs.say("give the topics equal numbers of partitions"); len(got) != int(test.calls-1) {
					w.t.Errorf("got the log lines %q, want %d", got, test.calls-1)
				}
			})
		})
	}
}

// If no usual partitioner chooses an event's partition, the event's producer has a partitioner of its own. Other
// producers may write the same key to the partition that all usual partitioners choose.
func TestRepeatsAreSkippedOnlyIfAUsualPartitionerChoseThePartition(t *testing.T) {
	for name, test := range map[string]struct{ partition, calls int32 }{
		"chosen by all of them": {1, 1}, "chosen by none": {0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				if got := w.callsOfOneStatusTwice(test.partition, "orders"); got != test.calls {
					w.t.Errorf("got %d calls, want %d", got, test.calls)
				}
				if got := w.logs.say("have all producers use one partitioner"); len(got) != int(test.calls-1) {
					w.t.Errorf("got the log lines %q, want %d", got, test.calls-1)
				}
				if got := w.logs.say("set the record key to the order id"); len(got) > 0 {
					w.t.Errorf("got the log lines %q, want none: the key is the order's own", got)
				}
			})
		})
	}
}

// callsOfOneStatusTwice produces two events that have the same status, starts a worker with the given topics, and
// counts its calls. The usual partitioners map the events' key to partition 1 when there are two.
func (w *world) callsOfOneStatusTwice(partition int32, topics ...string) int32 {
	w.t.Helper()
	for range 2 {
		r := &kgo.Record{Topic: "orders", Partition: partition, Key: []byte("4710"), Value: []byte("paid")}
		if err := w.producer.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	var calls atomic.Int32
	w.start(func(o *consumer.Options) {
		o.Topics, o.Dispatch.SkipRepeats = topics, true
		o.Decode = func(_ context.Context, e *consumer.Event) ([]event.Item, error) {
			return []event.Item{{Action: event.Call, OrderID: string(e.Key), Status: string(e.Value)}}, nil
		}
		o.Call = func(context.Context, consumer.Call) retry.Verdict {
			calls.Add(1)
			return retry.Verdict{Kind: retry.Done, Answered: true}
		}
	})
	w.settle(10 * time.Second)
	return calls.Load()
}
