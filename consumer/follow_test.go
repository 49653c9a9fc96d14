package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker/dial"
	shared "leadhit-sync/deadletter/ledger"
)

// TestALedgerWithFlawsIsStillFollowed: a cluster of one broker has grown, but its ledger still has one replica.
func TestALedgerWithFlawsIsStillFollowed(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.create(ledgerTopic, 1)
		var grown atomic.Bool
		k := w.start(guarded("w1", "1.0"), func(o *consumer.Options) {
			o.Ledger.Ensure = func(context.Context) error {
				if grown.Load() {
					return errors.New("the ledger has one replica in a cluster of several brokers")
				}
				return nil
			}
		})
		time.Sleep(10 * time.Second)
		grown.Store(true)
		handle := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: ledgerTopic, Err: kerr.NotLeaderForPartition, Count: -1,
		})
		time.Sleep(20 * time.Second) // a shorter failure is not logged
		handle.Remove()
		time.Sleep(10 * time.Second)
		w.toldOnce("the ledger can be read again")
		w.note(shared.GuardPause, "alice", "LeadHit migrates")
		time.Sleep(10 * time.Second)
		w.held(shared.ByHand, "alice", k)
		w.note(shared.GuardResume, "alice", "")
		time.Sleep(10 * time.Second)
		w.held("", "", k)
	})
}

// TestTheWaitForALedgerThatNotAllBrokersKnowYetIsNotLogged: the wait is normal right after the ledger was created.
func TestTheWaitForALedgerThatNotAllBrokersKnowYetIsNotLogged(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.create(ledgerTopic, 1)
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: ledgerTopic, Err: kerr.UnknownTopicOrPartition, Count: 2,
		})
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(50 * time.Millisecond)
		waitsFor(w.t, k, "the ledger "+ledgerTopic+" has not been read yet")
		time.Sleep(10 * time.Second)
		if got := w.logs.say("the ledger"); len(k.Waits()) > 0 || len(got) > 0 {
			w.t.Errorf("got waits %v and %q, want a ledger that was read, and nothing logged about it", k.Waits(), got)
		}
	})
}

func TestARejectedLoginIsNotBlamedOnTheLedger(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"a wrong password": {kafka.SASLAuthenticationFailed, "Kafka rejects the login"},
		"no TLS":           {dial.ErrTLS, "cannot connect to Kafka over TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.start(guarded("w1", "1.0"), func(o *consumer.Options) {
					o.Ledger.Exists = func(context.Context) (bool, error) {
						return false, fmt.Errorf("look up topic: %w", test.err)
					}
				})
				time.Sleep(10 * time.Second)
				w.toldOnce("cannot read the ledger, so no call is made")
				w.toldOnce(test.says)
			})
		})
	}
}

// TestAPauseOfALostLedgerIsWrittenAgainAsItWas: the pause keeps its author, time, reason and origin.
func TestAPauseOfALostLedgerIsWrittenAgainAsItWas(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		said := time.Now().UTC()
		w.note(shared.GuardPause, "alice", "LeadHit migrates")
		time.Sleep(10 * time.Second)
		if err := w.fake.DeleteTopic(ledgerTopic); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		fetches := w.client(kgo.ConsumeTopics(ledgerTopic)).PollFetches(w.t.Context())
		if len(fetches.Records()) != 1 {
			w.t.Fatalf("got %d entries (%v), want one", len(fetches.Records()), fetches.Err())
		}
		got, err := shared.Parse(fetches.Records()[0].Value)
		want := shared.Entry{
			Event: shared.GuardPause, Group: group, At: said.Truncate(time.Millisecond), By: "alice", Via: "cli",
			Reason: "LeadHit migrates",
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			w.t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
	})
}

// TestALongLedgerIsReadInManyFetches: only the last pause is logged, after the whole ledger has been read.
func TestALongLedgerIsReadInManyFetches(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.create(ledgerTopic, 1)
		w.note(shared.GuardPause, "alice", "the first")
		filler := []byte(`{"v":1,"ev":"requeued","id":"` + strings.Repeat("x", 400<<10) + `"}`)
		for range 12 {
			w.scrawl(filler)
		}
		w.note(shared.GuardResume, "alice", "")
		w.note(shared.GuardPause, "bob", "the last")
		fetches := w.count(kmsg.Fetch)
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		w.held(shared.ByHand, "bob", k)
		if got := fetches(); got < 3 {
			w.t.Errorf("got %d fetches, want several: the test is about them", got)
		}
		w.toldOnce("calls paused by hand")
	})
}

// TestThePauseOfAnOperatorWhoseClockIsAheadTookNoTime: the pause's length would otherwise be negative, because it is
// our time minus the operator's.
func TestThePauseOfAnOperatorWhoseClockIsAheadTookNoTime(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.create(ledgerTopic, 1)
		_, value, err := shared.Entry{Event: shared.GuardPause, At: time.Now().Add(time.Hour), By: "alice"}.Record()
		if err != nil {
			w.t.Fatal(err)
		}
		w.scrawl(value)
		w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		w.note(shared.GuardResume, "alice", "")
		time.Sleep(10 * time.Second)
		if got := w.logs.say("paused_for=0s"); len(got) != 1 {
			w.t.Errorf("got %q, want a pause that took no time", w.logs.say("calls resumed"))
		}
	})
}
