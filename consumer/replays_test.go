package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	shared "leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/retry"
)

// replaying returns an option that lets a worker store its letters in a real topic, and replay them.
func replaying(worker string) func(*consumer.Options) {
	return func(o *consumer.Options) {
		guarded(worker, "1.0")(o)
		o.Letters.Topic = lettersTopic
		o.Dispatch.Replays = true
	}
}

// openLetters gives a worker the same access to the letters' topic as the program has. The letters have a form private
// to these tests: the unchanged event, with the headers id, order, count and run.
func (k *worker) openLetters(o *consumer.Options) {
	if !o.Dispatch.Replays {
		return
	}
	if o.Letters.Parse == nil {
		o.Letters.Parse = parseLetter
	}
	o.Letters.Exists = func(ctx context.Context) (bool, error) {
		topology, err := k.cluster.Topics(ctx, lettersTopic)
		return !topology.Topics[lettersTopic].Missing, err
	}
	o.Prepare = func(ctx context.Context) error {
		_, err := k.cluster.CreateTopic(ctx, lettersTopic, 1, nil)
		return err
	}
	o.Store = func(ctx context.Context, l consumer.Letter) error {
		if err := k.keep(ctx, l); err != nil {
			return err
		}
		id := shared.ID{Topic: l.Topic, Partition: l.Number, Offset: l.Offset, Item: shared.NoItem}
		r := event.Record{Key: l.Event.Key, Value: l.Event.Value, Headers: []event.Header{
			{Key: "id", Value: []byte(id.String())},
			{Key: "order", Value: []byte(l.Order)},
			{Key: "count", Value: []byte(strconv.Itoa(l.Replay))},
			{Key: "run", Value: []byte(l.Run)},
		}}
		return k.cluster.Append(ctx, lettersTopic, r)
	}
	if o.Take == nil {
		o.Take = k.takes
	}
}

func parseLetter(r event.Record) (fold.Letter, bool) {
	is := map[string]string{}
	for _, h := range r.Headers {
		is[h.Key] = string(h.Value)
	}
	id, err := shared.ParseID(is["id"])
	if err != nil {
		return fold.Letter{}, false // another group's letter
	}
	count, _ := strconv.Atoi(is["count"])
	return fold.Letter{ID: id, Order: is["order"], Key: fold.KeyHash(r.Key), Count: count, Offset: r.Offset}, true
}

// takes implements Options.Take for these tests: it fetches a letter.
func (k *worker) takes(ctx context.Context, t turn.Take) (turn.Taken, error) {
	batch, err := k.cluster.Fetch(ctx, broker.FetchRequest{Topic: lettersTopic, Offset: t.Offset, MaxWait: time.Second})
	if err != nil || len(batch.Records) == 0 {
		return turn.Taken{}, errors.Join(err, errors.New("no record"))
	}
	r := batch.Records[0]
	l, _ := parseLetter(r)
	e := &consumer.Event{Record: event.Record{
		Place: event.Place{Topic: l.ID.Topic, Partition: l.ID.Partition, Offset: l.ID.Offset}, Key: r.Key, Value: r.Value,
	}}
	items, err := decode(ctx, e)
	return turn.Taken{Letter: l, Items: items, Record: e}, err
}

// consume returns all records in a topic.
func (w *world) consume(topic string) []*kgo.Record {
	w.t.Helper()
	client := w.client(kgo.ConsumeTopics(topic))
	defer client.Close()
	var all []*kgo.Record
	for int64(len(all)) < w.fake.PartitionInfo(topic, 0).HighWatermark {
		fetches := client.PollFetches(w.t.Context())
		if err := fetches.Err(); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}

// said returns the ledger's entries about letters as text: what happened, the letter's id, the replay's number, and
// why.
func (w *world) said() []string {
	w.t.Helper()
	var all []string
	for _, r := range w.consume(ledgerTopic) {
		e, err := shared.Parse(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, string(e.Event)+" "+e.ID+" "+strconv.Itoa(e.N)+" "+e.Newer+e.Cause+e.Note)
		if e.Via == "worker" && e.Group != group {
			w.t.Errorf("got an entry %s for the group %q, want %q", e.Event, e.Group, group)
		}
	}
	return all
}

// replay requests the n-th replay of the event at offset. letter is the offset of its letter in the letters' topic.
func (w *world) replay(offset int64, n int, letter int64) {
	w.t.Helper()
	_, value, err := shared.Entry{
		Event: shared.LetterReplay, At: time.Now(), By: "alice", Via: "cli", Reason: "LeadHit accepts it now", Run: "r_1",
		ID: fmt.Sprint("orders/0/", offset), N: n, Letter: letter,
	}.Record()
	if err != nil {
		w.t.Fatal(err)
	}
	w.scrawl(value)
}

// saysSoon waits until the ledger holds the wanted entries, in any order, and no others.
func (w *world) saysSoon(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if !w.wait(time.Minute, func() bool { return slices.Equal(slices.Sorted(slices.Values(w.said())), want) }) {
		w.t.Errorf("got %q in the ledger, want %q", w.said(), want)
	}
}

// refusedFirst starts a worker and makes LeadHit refuse an order's first event. After that, LeadHit accepts everything.
func (w *world) refusedFirst() *worker {
	w.t.Helper()
	w.leadhitDoes(answers(20 * time.Millisecond))
	k := w.start(replaying("w1"))
	w.produce(0, refused, "a")
	w.settle(time.Minute)
	w.leadhitDoes(heals)
	return k
}

func heals(change, int) conduct {
	return conduct{before: 20 * time.Millisecond, verdict: retry.Verdict{Kind: retry.Done, Answered: true}}
}

func TestAReplayIsCalledAndResolved(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.refusedFirst()
		w.replay(0, 1, 0)
		w.saysSoon("replay orders/0/0 1 ", "resolved orders/0/0 1 ")
		if got := len(w.ledger.calledNow()); got != 2 {
			w.t.Errorf("got %d calls, want that of the event and that of its replay", got)
		}
		if got := w.consume(lettersTopic); len(got) != 1 {
			w.t.Errorf("got %d letters, want one", len(got))
		}
		k.end()
		next := w.start(replaying("w2"))
		time.Sleep(time.Minute)
		if got := len(w.ledger.calledNow()); got != 2 {
			w.t.Errorf("got %d calls after a restart, want no further one", got)
		}
		next.end()
	})
}

func TestAReplayThatIsRefusedAgainIsALetterAgain(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.refusedFirst()
		w.leadhitDoes(answers(20 * time.Millisecond))
		w.replay(0, 1, 0)
		if !w.wait(time.Minute, func() bool { return len(w.consume(lettersTopic)) == 2 }) {
			w.t.Fatal("got no second letter")
		}
		r := w.consume(lettersTopic)[1]
		want := map[string]string{"id": "orders/0/0", "order": "a", "count": "1", "run": "r_1"}
		for _, h := range r.Headers {
			if string(h.Value) != want[h.Key] {
				w.t.Errorf("%s: got %q, want %q", h.Key, h.Value, want[h.Key])
			}
		}
		w.leadhitDoes(heals)
		w.replay(0, 2, 1)
		w.saysSoon("replay orders/0/0 1 ", "replay orders/0/0 2 ", "resolved orders/0/0 2 ")
	})
}

func TestAnAcceptedEventOvertakesTheLettersOfItsOrder(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.refusedFirst()
		w.produce(0, fine, "a", "b")
		w.settle(time.Minute)
		w.saysSoon("overtaken orders/0/0 0 orders/0/1")
		w.replay(0, 1, 0)
		w.saysSoon("overtaken orders/0/0 0 orders/0/1", "replay orders/0/0 1 ", "superseded orders/0/0 1 orders/0/1")
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want those of the three events alone", got)
		}
	})
}

func TestAReplayIsCalledAgainAfterACrash(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.refusedFirst()
		w.leadhitDoes(func(change, int) conduct {
			return conduct{after: 2 * time.Second, verdict: retry.Verdict{Kind: retry.Done, Answered: true}}
		})
		w.replay(0, 1, 0)
		if !w.wait(time.Minute, func() bool { return len(w.ledger.calledNow()) == 2 }) {
			w.t.Fatal("got no call of the replay")
		}
		k.crash()
		w.start(replaying("w2"))
		w.saysSoon("replay orders/0/0 1 ", "resolved orders/0/0 1 ")
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want one repeat", got)
		}
	})
}

func TestAnAcceptedEventWaitsUntilItsMarkIsInTheLedger(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.refusedFirst()
		fault := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: ledgerTopic, Err: kerr.NotEnoughReplicas, Count: -1,
		})
		w.produce(0, fine, "a", "a", "b")
		time.Sleep(time.Minute)
		if got := len(w.ledger.calledNow()); got != 3 {
			w.t.Errorf("got %d calls, want a later event of the order to wait for the mark", got)
		}
		if at := w.fake.GroupInfo(group).Commits["orders"][0].Offset; at != 1 {
			w.t.Errorf("got a commit of %d, want 1: the accepted event is not finished", at)
		}
		w.toldOnce("cannot write to the ledger")
		waitsFor(w.t, k, "entries cannot be written to the ledger")
		fault.Remove()
		w.settle(time.Minute)
		w.saysSoon("overtaken orders/0/0 0 orders/0/1")
		w.toldOnce("can write to the ledger again")
		if got := k.Waits(); len(got) > 0 {
			w.t.Errorf("got waits %v, want none", got)
		}
	})
}

func TestADeletedLettersTopicHoldsNothingUp(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.refusedFirst()
		if err := w.fake.DeleteTopic(lettersTopic); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		w.rebalance()
		w.produce(0, fine, "b")
		w.settle(time.Minute)
	})
}

func TestCallsWaitAfterARebalanceUntilLettersAndLedgerAreRead(t *testing.T) {
	for topic, name := range map[string]string{lettersTopic: "the dead-letter topic", ledgerTopic: "the ledger"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				k := w.refusedFirst()
				fault := w.fake.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: topic, Err: kerr.TopicAuthorizationFailed, Count: -1,
				})
				w.rebalance()
				w.produce(0, fine, "b")
				time.Sleep(time.Minute)
				if got := len(w.ledger.calledNow()); got != 1 {
					w.t.Errorf("got %d calls, want none while the previous owner's letters and marks may be unknown", got)
				}
				waitsFor(w.t, k, name+" "+topic+" has not been read yet")
				w.toldOnce("cannot read " + name)
				fault.Remove()
				w.settle(time.Minute)
				if got := k.Waits(); len(got) > 0 {
					w.t.Errorf("got waits %v, want none", got)
				}
			})
		})
	}
}

func TestALetterIsFetchedUntilItIsKnown(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.refusedFirst()
		w.leadhitDoes(answers(20 * time.Millisecond))
		w.produce(0, refused, "b")
		w.settle(time.Minute)
		w.leadhitDoes(heals)
		fault := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: lettersTopic, Err: kerr.NotLeaderForPartition, Count: -1,
		})
		w.replay(0, 1, 0)
		w.replay(1, 1, 1)
		time.Sleep(30 * time.Second)
		w.toldOnce("cannot fetch letters to replay")
		waitsFor(w.t, k, "letters to replay cannot be fetched")
		fault.Remove()
		w.saysSoon("replay orders/0/0 1 ", "replay orders/0/1 1 ", "resolved orders/0/0 1 ", "resolved orders/0/1 1 ")
		w.toldOnce("letters to replay can be fetched again")
		if got := k.Waits(); len(got) > 0 {
			w.t.Errorf("got waits %v, want none", got)
		}
	})
}

func TestALetterWithoutAnOrderIsKnownByItsKey(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.key = "customer-7"
		k := w.refusedFirst()
		k.end()
		w.start(replaying("w2"), func(o *consumer.Options) {
			o.Letters.Parse = func(r event.Record) (fold.Letter, bool) {
				l, ok := parseLetter(r)
				l.Order = ""
				return l, ok
			}
		})
		w.produce(0, fine, "a")
		w.settle(time.Minute)
		w.saysSoon("overtaken orders/0/0 0 orders/0/1")
	})
}

func TestAReplayWaitsForTheBacklog(t *testing.T) {
	bubble(t, 1, func(w *world) {
		k := w.refusedFirst()
		k.end()
		w.produce(0, fine, "a")
		w.replay(0, 1, 0)
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: "orders", Err: kerr.NotLeaderForPartition, Count: 5,
		})
		w.start(replaying("w2"))
		w.settle(time.Minute)
		w.saysSoon("replay orders/0/0 1 ", "overtaken orders/0/0 0 orders/0/1", "superseded orders/0/0 1 orders/0/1")
		if got := len(w.ledger.calledNow()); got != 2 {
			w.t.Errorf("got %d calls, want none of the replay: a newer event was in the backlog", got)
		}
	})
}

func TestReplaysNeedBothTopicsAndAWayToFetch(t *testing.T) {
	for name, without := range map[string]func(*consumer.Options){
		"no ledger":  func(o *consumer.Options) { o.Ledger, o.Dispatch.FloodGuard = consumer.Ledger{}, false },
		"no letters": func(o *consumer.Options) { o.Letters.Topic = "" },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				k := w.start(replaying("w1"), without)
				<-k.ended
				if k.err == nil || !strings.Contains(k.err.Error(), "replays need") {
					w.t.Errorf("got %v, want an error about what replays need", k.err)
				}
			})
		})
	}
}
