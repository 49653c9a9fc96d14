package follower_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/follower"
	"leadhit-sync/deadletter/ledger"
)

const topic = "dlq.shop.ledger"

// rig is a follower on an embedded broker.
type rig struct {
	*follower.Follower[ledger.Entry]
	t     *testing.T
	kafka *kfake.Cluster
	dial  kgo.Opt
}

// parse returns the entry in r if it is for the group "shop".
func parse(r event.Record) (ledger.Entry, bool) {
	e, err := ledger.Parse(r.Value)
	return e, err == nil && e.For("shop")
}

// bubble runs a test in virtual time, with a ledger that exists.
func bubble(t *testing.T, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := &kfake.VirtualNetwork{}
		kafka, err := kfake.NewCluster(kfake.ListenFn(network.Listen), kfake.Ports(9092), kfake.SeedTopics(1, topic))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(kafka.Close)
		cluster, err := broker.Open(broker.Options{
			Brokers: kafka.ListenAddrs(), Topics: []string{topic},
			Dial: network.DialContext,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		test(&rig{t: t, kafka: kafka, dial: kgo.Dialer(network.DialContext), Follower: &follower.Follower[ledger.Entry]{
			Cluster: cluster, Topic: topic, Parse: parse,
			Recreate: func(context.Context) (bool, error) { return false, nil },
		}})
	})
}

// scrawl writes any value to the ledger. It uses a new client, because a client that knows a deleted topic would not
// find the new topic.
func (r *rig) scrawl(value string) {
	r.t.Helper()
	writer, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.ListenAddrs()...), r.dial, kgo.DefaultProduceTopic(topic))
	if err != nil {
		r.t.Fatal(err)
	}
	defer writer.Close()
	if err := writer.ProduceSync(r.t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

// pause writes a pause for a group.
func (r *rig) pause(group, by string) {
	r.t.Helper()
	_, value, err := ledger.Entry{
		Event: ledger.GuardPause, Group: group, At: time.Now(), By: by,
		Reason: "migration",
	}.Record()
	if err != nil {
		r.t.Fatal(err)
	}
	r.scrawl(string(value))
}

// wantNews calls Next once, and checks that it returns the pauses of the given people.
func (r *rig) wantNews(lost bool, by ...string) {
	r.t.Helper()
	news, err := r.Next(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, e := range news.Said {
		got = append(got, e.By)
	}
	if !slices.Equal(got, by) || news.Lost != lost {
		r.t.Errorf("got pauses by %q, lost %v, want %q, %v", got, news.Lost, by, lost)
	}
}

// loses deletes the ledger, and checks that the follower notices.
func (r *rig) loses() {
	r.t.Helper()
	if err := r.kafka.DeleteTopic(topic); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(10 * time.Second) // until the client has forgotten the topic
	if _, err := r.Next(r.t.Context()); !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		r.t.Errorf("got %v, want an unknown partition", err)
	}
}

// create creates an empty ledger.
func (r *rig) create() error {
	err := r.kafka.CreateTopic(topic, 1, nil)
	time.Sleep(10 * time.Second) // until the client knows the topic
	return err
}

func TestTheFirstNewsHasAllEntriesAndLaterNewsOnlyNewOnes(t *testing.T) {
	bubble(t, func(r *rig) {
		r.pause("shop", "alice")
		r.scrawl("garbage")
		r.pause("billing", "mallory")
		r.scrawl(`{"v":1,"ev":"of a later release"}`)
		r.pause("", "an older release")
		r.scrawl("more garbage")
		r.wantNews(false, "alice", "an older release")
		r.pause("shop", "bob")
		r.wantNews(false, "bob")
	})
}

func TestOnlyTheNewestRecordsAreReadAtTheStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.Newest = 2
		for _, by := range []string{"alice", "bob", "carol"} {
			r.pause("shop", by)
		}
		r.wantNews(false, "bob", "carol")
		r.pause("shop", "dave")
		r.pause("shop", "erin")
		r.pause("shop", "frank")
		r.wantNews(false, "dave", "erin", "frank")
	})
}

func TestASilentLedgerHasNoNewsAfterFiveSeconds(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wantNews(false)
		began := time.Now()
		r.wantNews(false)
		if waited := time.Since(began); waited < 4*time.Second || waited > 6*time.Second {
			r.t.Errorf("got a wait of %v, want 5s", waited)
		}
	})
}

func TestAMissingRightShowsEvenIfTheLedgerIsEmpty(t *testing.T) {
	bubble(t, func(r *rig) {
		r.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
		if _, err := r.Next(r.t.Context()); !errors.Is(err, kafkaerr.ErrUnauthorised) {
			r.t.Errorf("got %v, want a missing permission", err)
		}
	})
}

func TestAnErrorLosesNoEntry(t *testing.T) {
	bubble(t, func(r *rig) {
		r.pause("shop", "alice")
		r.wantNews(false, "alice")
		fault := r.kafka.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.NotLeaderForPartition,
			Count: -1,
		})
		if _, err := r.Next(r.t.Context()); !errors.Is(err, kafkaerr.ErrNotLeader) {
			r.t.Errorf("got %v, want an error of the broker", err)
		}
		r.pause("shop", "bob")
		if _, err := r.Next(r.t.Context()); err == nil {
			r.t.Error("got news, want an error while it cannot catch up")
		}
		fault.Remove()
		r.wantNews(false, "bob")
	})
}

func TestARecreatedLedgerIsReadFromItsStart(t *testing.T) {
	for name, records := range map[string]int{"shorter": 1, "as long": 2, "longer": 3} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.pause("shop", "alice")
				r.pause("shop", "bob")
				r.wantNews(false, "alice", "bob")
				r.loses()
				if err := r.create(); err != nil {
					r.t.Fatal(err)
				}
				var by []string
				for range records {
					r.pause("shop", "carol")
					by = append(by, "carol")
				}
				r.wantNews(true, by...)
				r.pause("shop", "dave")
				r.wantNews(false, "dave")
			})
		})
	}
}

func TestADeletedLedgerIsCreatedOnlyWhereThatIsAllowed(t *testing.T) {
	bubble(t, func(r *rig) {
		allowed := false
		r.Recreate = func(context.Context) (bool, error) {
			if !allowed {
				return false, nil
			}
			return true, r.create()
		}
		r.pause("shop", "alice")
		r.wantNews(false, "alice")
		r.loses()
		if _, err := r.Next(r.t.Context()); !errors.Is(err, kafkaerr.ErrUnknownPartition) {
			r.t.Errorf("got %v, want an unknown partition", err)
		}
		allowed = true
		r.wantNews(true)
		r.pause("shop", "bob")
		r.wantNews(false, "bob")
	})
}

func TestAMissingLedgerIsNotCreated(t *testing.T) {
	bubble(t, func(r *rig) {
		r.Recreate = func(context.Context) (bool, error) {
			r.t.Error("asked to recreate a ledger that was never read")
			return false, nil
		}
		r.loses()
	})
}
