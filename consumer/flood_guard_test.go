package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/event"
	shared "leadhit-sync/deadletter/ledger" // the tests have a ledger of their own
)

const (
	lettersTopic = "dlq." + group
	ledgerTopic  = lettersTopic + ".ledger"
	// mostLetters is how many letters a worker may write before its flood guard stops it.
	mostLetters = 100 + inFlight
)

// guarded returns an option that switches the flood guard on.
func guarded(worker, build string) func(*consumer.Options) {
	return func(o *consumer.Options) {
		o.Ledger.Topic = ledgerTopic
		o.Dispatch.FloodGuard, o.Dispatch.Worker, o.Dispatch.Build = true, worker, build
	}
}

// openLedger gives a worker the same access to the ledger as the program has.
func (k *worker) openLedger(o *consumer.Options) {
	if o.Ledger.Topic == "" {
		return
	}
	o.Ledger.Append = func(ctx context.Context, entries ...shared.Entry) error {
		var records []event.Record
		for _, e := range entries {
			key, value, err := e.Record()
			if err != nil {
				return err
			}
			records = append(records, event.Record{Key: key, Value: value})
		}
		return k.cluster.Append(ctx, o.Ledger.Topic, records...)
	}
	if o.Ledger.Ensure == nil {
		o.Ledger.Ensure = func(ctx context.Context) error {
			_, err := k.cluster.CreateTopic(ctx, ledgerTopic, 1, nil)
			return err
		}
	}
	if o.Ledger.Exists == nil {
		o.Ledger.Exists = func(ctx context.Context) (bool, error) {
			topology, err := k.cluster.Topics(ctx, ledgerTopic)
			if info := topology.Topics[ledgerTopic]; !info.Missing {
				err = errors.Join(err, info.Err)
			}
			return !topology.Topics[ledgerTopic].Missing, err
		}
	}
}

// note writes an entry as an operator's command does.
func (w *world) note(kind shared.Event, by, reason string) {
	w.t.Helper()
	_, value, err := shared.Entry{Event: kind, At: time.Now(), By: by, Via: "cli", Reason: reason}.Record()
	if err != nil {
		w.t.Fatal(err)
	}
	w.scrawl(value)
}

// scrawl writes arbitrary bytes to the ledger.
func (w *world) scrawl(value []byte) {
	w.t.Helper()
	producer := w.client() // a fresh one: the topic may have been recreated
	defer producer.Close()
	record := &kgo.Record{Topic: ledgerTopic, Value: value}
	if err := producer.ProduceSync(w.t.Context(), record).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// entries counts the entries in the ledger.
func (w *world) entries() int64 {
	if info := w.fake.PartitionInfo(ledgerTopic, 0); info != nil {
		return info.HighWatermark
	}
	return 0
}

// held checks that the workers are paused for the given reason by the given author. A prefix of the author's name is
// enough. If both strings are empty, held checks that the workers are not paused.
func (w *world) held(word, by string, workers ...*worker) {
	w.t.Helper()
	for _, k := range workers {
		if s := k.State().Dispatch.Pause; s.Kind != word || !strings.HasPrefix(s.By, by) {
			w.t.Errorf("%s: got paused %q by %q, want %q by %q", k.name, s.Kind, s.By, word, by)
		}
	}
}

func (w *world) stored() int {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	n := 0
	for _, times := range w.ledger.letters {
		n += times
	}
	return n
}

// many produces events about n orders, all with the same fate, in two partitions.
func (w *world) many(n int, name, fate string) {
	w.t.Helper()
	for i := range n {
		w.produce(i%2, fate, fmt.Sprint(name, i))
	}
}

// stops waits until the flood guard pauses the calls, and checks how many letters were stored.
func (w *world) stops(before int, k *worker) {
	w.t.Helper()
	if !w.wait(time.Minute, func() bool { return k.State().Dispatch.Pause.Kind == shared.Flood }) {
		w.t.Fatalf("%s does not pause; %d letters", k.name, w.stored()-before)
	}
	time.Sleep(time.Minute)
	if got := w.stored() - before; got < 100 || got > 2*mostLetters {
		w.t.Errorf("got %d letters, want 100 to %d of two workers", got, 2*mostLetters)
	}
}

func TestABadDeployPausesAllWorkersUntilItIsResumed(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(answers(20 * time.Millisecond))
		w.many(800, "bad", refused)
		first, second := w.start(guarded("w1", "1.0")), w.start(guarded("w2", "1.0"))
		w.stops(0, first)
		w.held(shared.Flood, "w", first, second)

		first.end()
		third := w.start(guarded("w3", "1.0"))
		before := w.stored()
		time.Sleep(time.Minute)
		w.held(shared.Flood, "w", second, third)
		if got := w.stored() - before; got > 0 {
			w.t.Errorf("got %d letters after a restart, want none: the pause outlives it", got)
		}

		w.note(shared.GuardResume, "alice", "LeadHit was told")
		w.settle(time.Minute)
		w.held("", "", second, third)

		w.many(800, "unreadable", unmapped)
		w.stops(800, second)
		w.held(shared.Flood, "w", second, third)
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)

		second.end()
		third.end()
		fourth := w.start(guarded("w4", "1.0"))
		w.many(400, "again", refused)
		w.settle(time.Minute)
		w.held("", "", fourth) // both causes were accepted before it was started
		w.ledger.balance()
	})
}

func TestAnotherBuildPausesAgain(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.many(300, "bad", unmapped)
		k := w.start(guarded("w1", "1.0"))
		w.stops(0, k)
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
		k.end()
		w.many(300, "bad", unmapped)
		next := w.start(guarded("w2", "1.1"))
		w.stops(300, next)
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
	})
}

func TestAPauseByHandPausesAllWorkersUntilItIsResumed(t *testing.T) {
	bubble(t, 2, func(w *world) {
		first, second := w.start(guarded("w1", "1.0")), w.start(guarded("w2", "1.0"))
		time.Sleep(time.Minute)
		w.note(shared.GuardPause, "alice", "LeadHit migrates")
		time.Sleep(time.Second)
		w.held(shared.ByHand, "alice", first, second)
		w.many(50, "order", fine)
		time.Sleep(time.Minute)
		if got := len(w.ledger.calledNow()); got > 0 {
			w.t.Errorf("got %d calls in a pause, want none", got)
		}
		if got := w.logs.say("leadhit-sync resume"); len(got) != 2 ||
			!strings.Contains(got[0], "alice") || !strings.Contains(got[0], "LeadHit migrates") {
			w.t.Errorf("got %q, want a line from each worker with who, why and what to do", got)
		}
		second.crash()
		third := w.start(guarded("w3", "1.0"))
		time.Sleep(time.Minute)
		w.held(shared.ByHand, "alice", first, third)
		if got := len(w.ledger.calledNow()); got > 0 {
			w.t.Errorf("got %d calls after a restart in a pause, want none", got)
		}
		w.note(shared.GuardResume, "bob", "LeadHit has migrated")
		w.settle(time.Minute)
		w.held("", "", first, third)
		got := w.logs.say("calls resumed")
		if len(got) != 2 || !strings.Contains(got[0], "by=bob") || !strings.Contains(got[0], "LeadHit has migrated") {
			w.t.Errorf("got %q, want a line from each worker with who resumed and why", got)
		}
	})
}

func TestNothingIsCalledUntilTheLedgerIsRead(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"it may not be read": {
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: ledgerTopic, Err: kerr.TopicAuthorizationFailed, Count: -1,
		},
		"it has no leader": {
			Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: ledgerTopic, Err: kerr.NotLeaderForPartition, Count: -1,
		},
		"it may not be created": {
			Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: ledgerTopic, Err: kerr.TopicAuthorizationFailed, Count: -1,
		},
		"it may not be described": {
			Keys: []kmsg.Key{kmsg.Metadata}, Topic: ledgerTopic, Err: kerr.TopicAuthorizationFailed, Count: -1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				if fault.Keys[0] != kmsg.CreateTopics {
					w.create(ledgerTopic, 1)
					w.note(shared.GuardPause, "alice", "before the start")
				}
				w.many(10, "order", fine)
				handle := w.fake.Fault(fault)
				k := w.start(guarded("w1", "1.0"))
				time.Sleep(time.Minute)
				phase, _ := k.Phase()
				joined := k.Joined()
				if calls := len(w.ledger.calledNow()); calls > 0 || phase != consumer.Waiting || joined {
					w.t.Errorf("got %d calls, %s, joined %v, want a worker that reads the ledger", calls, phase, joined)
				}
				waitsSinceStart(w.t, k, "the ledger "+ledgerTopic+" has not been read yet")
				w.toldOnce("cannot read the ledger")
				handle.Remove()
				if fault.Keys[0] != kmsg.CreateTopics {
					time.Sleep(10 * time.Second)
					w.held(shared.ByHand, "alice", k)
					w.note(shared.GuardResume, "alice", "")
				}
				w.settle(time.Minute)
				w.toldOnce("the ledger can be read")
			})
		})
	}
}

func TestAWorkerStopsWhileItWaitsForTheLedger(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: ledgerTopic, Err: kerr.TopicAuthorizationFailed, Count: -1,
		})
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(time.Minute)
		before := time.Now()
		k.end()
		if took := time.Since(before); took > time.Second {
			w.t.Errorf("got an end after %v, want at once", took)
		}
	})
}

func TestALedgerThatCannotBeReadLaterStopsNothing(t *testing.T) {
	bubble(t, 2, func(w *world) {
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		handle := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: ledgerTopic, Err: kerr.NotLeaderForPartition, Count: -1,
		})
		time.Sleep(time.Minute)
		w.many(50, "order", fine)
		w.settle(time.Minute)
		w.toldOnce("cannot read the ledger")
		w.note(shared.GuardPause, "alice", "unheard of")
		time.Sleep(time.Minute)
		w.held("", "", k)
		handle.Remove()
		time.Sleep(10 * time.Second)
		w.held(shared.ByHand, "alice", k)
		w.toldOnce("the ledger can be read again")
	})
}

func TestARecreatedLedgerIsFollowedFromItsStart(t *testing.T) {
	for name, by := range map[string]func(w *world){
		"by the worker": func(*world) {},
		"by someone":    func(w *world) { w.create(ledgerTopic, 1) },
		"and grown long": func(w *world) {
			w.create(ledgerTopic, 1)
			w.note(shared.GuardPause, "bob", "anew")
			w.note(shared.GuardPause, "bob", "anew")
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				first := w.start(guarded("w1", "1.0"))
				time.Sleep(10 * time.Second)
				w.note(shared.GuardResume, "alice", "of nothing")
				w.note(shared.GuardPause, "alice", "in the old ledger")
				time.Sleep(time.Second)
				if err := w.fake.DeleteTopic(ledgerTopic); err != nil {
					w.t.Fatal(err)
				}
				by(w)
				w.many(10, "order", fine)
				time.Sleep(time.Minute)
				w.toldOnce("deleted and created again")
				if got := w.entries(); got == 0 {
					w.t.Error("got an empty ledger, want the pause in force written to it again")
				}
				second := w.start(guarded("w2", "1.0"))
				time.Sleep(time.Minute)
				if calls := len(w.ledger.calledNow()); calls > 0 {
					w.t.Errorf("got %d calls in a pause, want none", calls)
				}
				w.held(shared.ByHand, "", first, second)
				w.note(shared.GuardResume, "alice", "")
				w.settle(time.Minute)
				w.held("", "", first, second)
			})
		})
	}
}

func TestGarbageInTheLedgerIsSkipped(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.create(ledgerTopic, 1)
		w.scrawl([]byte("hello"))
		w.scrawl(nil)
		w.note(shared.GuardPause, "alice", "after the garbage")
		w.scrawl([]byte(`{"v":1,"ev":"requeued","id":"orders/0/1"}`))
		w.produce(0, fine, "a")
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(time.Minute)
		w.held(shared.ByHand, "alice", k)
		w.scrawl([]byte("{"))
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
		w.toldOnce("malformed ledger record")
	})
}

func TestAFloodPausesAtOnceAndIsWrittenAsSoonAsPossible(t *testing.T) {
	bubble(t, 2, func(w *world) {
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		handle := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: ledgerTopic, Err: kerr.NotEnoughReplicas, Count: -1,
		})
		w.many(300, "bad", unmapped)
		w.stops(0, k)
		w.held(shared.Flood, "w1", k)
		if got := w.entries(); got != 0 {
			w.t.Errorf("got %d entries, want none yet", got)
		}
		w.toldOnce("cannot write the pause")
		handle.Remove()
		time.Sleep(10 * time.Second)
		if got := w.entries(); got != 1 {
			w.t.Errorf("got %d entries, want the pause", got)
		}
		w.held(shared.Flood, "w1", k)
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
	})
}

func TestAFloodGuardWithoutALedgerIsAnError(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.start(func(o *consumer.Options) { o.Dispatch.FloodGuard = true })
		<-k.ended
		if k.err == nil || !strings.Contains(k.err.Error(), "ledger") {
			w.t.Errorf("got %v, want an error about the ledger: nothing could end a pause", k.err)
		}
	})
}

// A topic that was created a moment ago often has no leader yet. The worker waits, and logs that only if it lasts.
func TestALedgerWithoutALeaderIsLoggedOnlyIfThatLasts(t *testing.T) {
	for name, c := range map[string]struct {
		lasts time.Duration
		want  int // warnings about the ledger
	}{
		"for a moment": {2 * time.Second, 0},
		"for long":     {time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(w *world) {
				fault := w.fake.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: ledgerTopic, Err: kerr.NotLeaderForPartition, Count: -1,
				})
				w.many(10, "order", fine)
				w.start(guarded("w1", "1.0"))
				time.Sleep(c.lasts)
				fault.Remove()
				w.settle(time.Minute)
				if told := w.logs.say("cannot read the ledger"); len(told) != c.want {
					w.t.Errorf("got %d warnings, want %d: %q", len(told), c.want, told)
				}
			})
		})
	}
}
