package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
)

func TestABatchThatCannotBeReadIsReported(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.produce(0, fine, "a", "b", "spoilt", "c")
		w.produce(1, fine, "d")
		k := w.start()
		k.wire.damage("spoilt")
		const told = "events cannot be read; the partition is stuck until they are restored or skipped"
		if !w.wait(20*time.Second, func() bool { return len(w.logs.say(told)) == 1 }) {
			t.Fatalf("got no line with %q", told)
		}
		w.toldOnce("--group leadhit-sync --topic orders:0 --reset-offsets --to-offset 3 --execute")
		got := k.State().Unreadable
		if len(got) != 1 || got[0].Partition != (event.Partition{
			Topic: "orders", Number: 0,
		}) || got[0].First != 2 || got[0].Last != 2 || got[0].Err == nil {
			t.Fatalf("got %+v, want the event at offset 2 of orders/0", got)
		}
		if left := w.ledger.unfinished(); len(left) != 2 {
			t.Errorf("unfinished: %v, want the event that cannot be read and the one after it", left)
		}
		time.Sleep(25 * time.Minute)
		if lines := len(w.logs.say(told)); lines != 3 {
			t.Errorf("got %d lines in 25 minutes, want one every 10", lines)
		}
		w.rebalance()
		time.Sleep(10 * time.Second)
		if got := k.State().Unreadable; len(got) != 1 {
			t.Errorf("got %+v after a rebalance, want one partition", got)
		}
		k.wire.damage("")
		w.settle(10 * time.Second)
		if got := k.State().Unreadable; len(got) != 0 {
			t.Errorf("got %+v for a partition that is read again", got)
		}
	})
}

func TestPartitionsThatWaitForASchemaDoNotStopOthers(t *testing.T) {
	waiting := runtime.GOMAXPROCS(0) // enough partitions to take every decode slot
	for name, test := range map[string]struct {
		lookUp    lookUp
		slotAfter time.Duration
	}{
		"a lookup that hangs": {hangs, 100 * time.Millisecond},
		"a lookup that fails": {failsAtOnce, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, waiting+1, func(w *world) { w.callWhileOthersWait(waiting, test.lookUp, test.slotAfter) })
		})
	}
}

// callWhileOthersWait makes all partitions but the last wait for a schema, and checks that calls are made for the
// events in the last partition.
func (w *world) callWhileOthersWait(waiting int, lookUp lookUp, slotAfter time.Duration) {
	for p := range waiting {
		w.produce(p, fine, fmt.Sprint("waits", p))
	}
	schema := make(chan struct{})
	k := w.start(func(o *consumer.Options) {
		o.Decode = func(ctx context.Context, e *consumer.Event) ([]event.Item, error) {
			var err error
			if e.Partition < waiting {
				err = lookUp(ctx, schema)
			}
			items, _ := decode(ctx, e)
			return items, err
		}
	})
	time.Sleep(20 * time.Second) // all of them wait now
	start := time.Now()
	k.cluster.DecodeSlot(w.t.Context())()
	if waited := time.Since(start); waited != slotAfter {
		w.t.Errorf("waited %v for a decode slot, want %v", waited, slotAfter)
	}
	w.produce(waiting, fine, "a", "b", "c")
	if !w.wait(time.Second, func() bool { return len(w.ledger.unfinished()) == waiting }) {
		w.t.Errorf("unfinished after 1s: %v, want those that wait for a schema", w.ledger.unfinished())
	}
	close(schema)
	w.settle(30 * time.Second)
}

func TestAStopLosesNoEventThatWaitsForASchema(t *testing.T) {
	for name, lookUp := range map[string]lookUp{"a lookup that hangs": hangs, "a lookup that fails": failsAtOnce} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.produce(0, fine, "a", "b")
				first := w.start(func(o *consumer.Options) {
					o.Decode = func(ctx context.Context, _ *consumer.Event) ([]event.Item, error) {
						return nil, lookUp(ctx, nil)
					}
				})
				time.Sleep(20 * time.Second)
				first.end()
				if calls := w.ledger.calledNow(); len(calls) != 0 {
					w.t.Errorf("got the calls %v of events that were never decoded", calls)
				}
				w.start()
				w.settle(30 * time.Second)
			})
		})
	}
}

// lookUp gets a schema, which exists once the channel is closed.
type lookUp func(ctx context.Context, schema <-chan struct{}) error

// hangs looks up a schema, and gets no response until the schema exists.
func hangs(ctx context.Context, schema <-chan struct{}) error {
	select {
	case <-schema:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failsAtOnce looks up a schema, and fails at once until the schema exists.
func failsAtOnce(_ context.Context, schema <-chan struct{}) error {
	select {
	case <-schema:
		return nil
	default:
		return errors.New("HTTP status 503")
	}
}

func TestStuckPartitionsAreListedInOrder(t *testing.T) {
	const partitions = 8
	bubble(t, partitions, func(w *world) {
		for p := range partitions {
			w.produce(p, fine, fmt.Sprint("spoilt", p))
		}
		k := w.start()
		k.wire.damage("spoilt")
		if !w.wait(30*time.Second, func() bool { return len(k.State().Unreadable) == partitions }) {
			t.Fatalf("got %+v, want %d partitions", k.State().Unreadable, partitions)
		}
		for i, u := range k.State().Unreadable {
			if u.Number != i {
				t.Errorf("got partition %d as number %d", u.Number, i)
			}
		}
		k.wire.damage("")
		w.settle(10 * time.Second)
	})
}

func TestABatchThatWasDamagedOnceIsFetchedAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.produce(0, fine, "a", "spoilt", "c")
		k := w.start()
		k.wire.damage("spoilt")
		w.wait(20*time.Second, func() bool { return len(w.logs.say("cannot fetch; trying again")) == 1 })
		k.wire.damage("")
		w.settle(10 * time.Second)
		if lines := w.logs.say("events cannot be read"); len(lines) != 0 || len(k.State().Unreadable) != 0 {
			t.Errorf("got %q and %+v, want no alarm for bytes that were damaged in transit", lines,
				k.State().Unreadable)
		}
	})
}

func TestBrokersThatRefuseMetadataAreReported(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.takeNoMetadata()
		w.leadhitDoes(func(c change, try int) conduct {
			if c.order == "stuck" {
				return fails(c, try)
			}
			return answers(0)(c, try)
		})
		w.produce(0, fine, "stuck", "a", "b", "c")
		k := w.start()
		if got := k.State().Dispatch.MetadataBytes; got != 4096 {
			t.Errorf("got %d bytes of metadata at first, want 4096", got)
		}
		time.Sleep(time.Minute)
		if got := k.State().Dispatch.MetadataBytes; got >= 100 {
			t.Errorf("got %d bytes of metadata, want fewer than what was refused", got)
		}
		if lines := w.logs.say("set offset.metadata.max.bytes to 4096"); len(lines) == 0 {
			t.Error("got no line that names the brokers' setting")
		}
		w.leadhitDoes(answers(0))
		w.settle(time.Minute)
	})
}

// takeNoMetadata makes the brokers reject commits with metadata, as offset.metadata.max.bytes=0 does.
func (w *world) takeNoMetadata() {
	w.fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		request, _ := r.(*kmsg.OffsetCommitRequest)
		for _, p := range request.Topics[0].Partitions {
			if p.Metadata != nil && *p.Metadata != "" {
				return refuseCommit(request, kerr.OffsetMetadataTooLarge), nil, true
			}
		}
		return nil, nil, false
	})
}
