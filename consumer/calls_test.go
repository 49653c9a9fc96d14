package consumer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/retry"
)

func TestAnOutageOfFiveMinutesMakesNoLettersAndBoundedCalls(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(fails)
		for n := range 60 {
			w.produce(n%2, fine, fmt.Sprint("o", n%20))
		}
		w.start(func(o *consumer.Options) { o.Dispatch.Retry.MaxElapsed = time.Minute })
		time.Sleep(5 * time.Minute)
		// Once the backoff has grown to 10 s, each of the twenty orders waits 5 s per attempt on average.
		if got := len(w.ledger.calledNow()); got < 20 || got > 20*90 {
			w.t.Errorf("got %d calls, want about 1,200", got)
		}
		w.leadhitDoes(answers(10 * time.Millisecond))
		w.settle(time.Minute)
		if len(w.ledger.letters) > 0 {
			w.t.Errorf("got letters %v, want none: an outage is not an order's fault", w.ledger.letters)
		}
	})
}

func TestCallsInFlightNeverExceedTheirLimit(t *testing.T) {
	bubble(t, 3, func(w *world) {
		w.leadhitDoes(answers(500 * time.Millisecond))
		for n := range 300 {
			w.produce(n%3, fine, fmt.Sprint("o", n))
		}
		w.start()
		w.settle(2 * time.Minute)
		if got := w.ledger.max; got != inFlight {
			w.t.Errorf("got at most %d calls in flight, want %d", got, inFlight)
		}
	})
}

func TestFetchingStopsAtTheWindow(t *testing.T) {
	for name, test := range map[string]struct {
		alter func(*consumer.Options)
		least int
		most  int
	}{
		// The last fetch may add at most 58 events.
		"of events": {func(o *consumer.Options) { o.Dispatch.WindowEvents = 200 }, 200, 258},
		// 256 KiB holds 232 events, including their overhead. A fetch takes at most three quarters of the window, and the
		// next fetch waits until that much is free.
		"of bytes": {func(o *consumer.Options) { o.Dispatch.WindowBytes, o.Dispatch.FetchBytes = 256<<10, 1<<20 }, 150, 232},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.leadhitDoes(fails)
				for n := range 1000 {
					w.produce(0, fine, fmt.Sprint("o", n))
				}
				k := w.start(func(o *consumer.Options) {
					test.alter(o)
				})
				time.Sleep(time.Minute)
				if got := k.State().Dispatch.Partitions[0].Unfinished; got > test.most || got < test.least {
					w.t.Errorf("got %d unfinished events, want %d to %d", got, test.least, test.most)
				}
				w.leadhitDoes(answers(0))
				w.settle(2 * time.Minute)
			})
		})
	}
}

func TestALetterThatCannotBeStoredBlocksItsOrderOnly(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.leadhitDoes(answers(0))
		w.storeDoes(func(change, int) conduct { return conduct{undone: true} })
		w.produce(0, refused, "bad")
		w.produce(0, fine, "bad")
		for n := range 100 {
			w.produce(0, fine, fmt.Sprint("o", n%10))
		}
		k := w.start()
		time.Sleep(time.Minute)
		if left := w.ledger.unfinished(); len(left) != 2 {
			w.t.Errorf("unfinished: %v, want the two of the blocked order", left)
		}
		if at := w.fake.GroupInfo(group).Commits["orders"][0].Offset; at != 0 {
			w.t.Errorf("committed %d, want 0: the letter is not stored", at)
		}
		if got := k.State().LetterFailures; got < 5 {
			w.t.Errorf("got %d failures, want it retried", got)
		}
		w.toldOnce("letters cannot be stored")
		w.storeDoes(func(change, int) conduct { return conduct{} })
		w.settle(time.Minute)
		w.ledger.balance()
	})
}

func TestACallAndALetterNameTheirEvent(t *testing.T) {
	bubble(t, 1, func(w *world) {
		ids := make(chan string, 10)
		w.event(0, w.ledger.next("a", fine))
		w.event(0, w.ledger.next("b", fine), w.ledger.next("c", fine))
		k := w.start(func(o *consumer.Options) {
			call := o.Call
			o.Call = func(ctx context.Context, c consumer.Call) retry.Verdict {
				ids <- fmt.Sprint(c.ID, " ", c.Order, " ", c.Status, " ", string(c.Event.Key), " ", c.Event.Topic,
					c.Event.Partition)
				return call(ctx, c)
			}
		})
		w.settle(10 * time.Second)
		k.end()
		close(ids)
		var got []string
		for id := range ids {
			got = append(got, id)
		}
		want := []string{"orders-0-0 a 1 a orders0", "orders-0-1-0 b 1 b orders0", "orders-0-1-1 c 1 b orders0"}
		if !equal(got, want) {
			w.t.Errorf("got %q, want %q", got, want)
		}
	})
}
