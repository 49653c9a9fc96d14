package consumer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	shared "leadhit-sync/deadletter/ledger"
)

// preparing returns an option that sets Prepare to a function that counts its calls and returns the error in broken, if
// there is one.
func preparing(calls *atomic.Int64, broken *atomic.Pointer[error]) func(*consumer.Options) {
	return func(o *consumer.Options) {
		o.Prepare = func(context.Context) error {
			calls.Add(1)
			if err := broken.Load(); err != nil {
				return *err
			}
			return nil
		}
	}
}

func TestAWorkerThatHasNotJoinedCreatesNoTopic(t *testing.T) {
	for name, c := range map[string]struct {
		topics int // partitions of the topic orders; 0: it does not exist
		fault  *kfake.Fault
	}{
		"its topic does not exist": {0, nil},
		"another program's client holds the group": {
			2, &kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.InconsistentGroupProtocol, Count: -1},
		},
		"it has no permission for the group": {
			2, &kfake.Fault{Keys: []kmsg.Key{kmsg.FindCoordinator}, Err: kerr.GroupAuthorizationFailed, Count: -1},
		},
		"its user may not describe the topic": {
			2,
			&kfake.Fault{
				Keys: []kmsg.Key{kmsg.Metadata}, Topic: "orders", Err: kerr.TopicAuthorizationFailed, Count: -1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, c.topics, func(w *world) { w.createsNothingUntilItJoins(c.topics, c.fault) })
		})
	}
}

// createsNothingUntilItJoins starts a worker that cannot join, because the topic orders does not exist or because of a
// fault. It checks that the worker creates no topic until the worker has joined.
func (w *world) createsNothingUntilItJoins(partitions int, fault *kfake.Fault) {
	w.t.Helper()
	created := w.count(kmsg.CreateTopics)
	repair := func() {}
	if fault != nil {
		repair = w.fake.Fault(*fault).Remove
	}
	var prepared atomic.Int64
	var broken atomic.Pointer[error]
	w.start(guarded("w1", "1.0"), preparing(&prepared, &broken))
	time.Sleep(time.Minute)
	if created() > 0 || prepared.Load() > 0 || w.fake.PartitionInfo(ledgerTopic, 0) != nil {
		w.t.Errorf("got %d creations, Prepare called %d times, before the group was joined; want none", created(),
			prepared.Load())
	}
	if partitions == 0 {
		w.create("orders", 2)
	}
	repair()
	w.many(10, "order", fine)
	w.settle(time.Minute)
	w.rebalance()
	w.produce(0, fine, "in the next generation")
	w.settle(time.Minute)
	if w.fake.PartitionInfo(ledgerTopic, 0) == nil || prepared.Load() != 1 {
		w.t.Errorf("got Prepare called %d times after the join, want once, and the ledger", prepared.Load())
	}
}

func TestAWorkerThatCannotStoreLettersLeavesTheGroupAndCallsNothing(t *testing.T) {
	for name, with := range map[string]func(*consumer.Options){
		"with a ledger":    guarded("w1", "1.0"),
		"without a ledger": func(*consumer.Options) {},
	} {
		t.Run(name, func(t *testing.T) { leavesTheGroup(t, with) })
	}
}

func leavesTheGroup(t *testing.T, with func(*consumer.Options)) {
	t.Helper()
	bubble(t, 2, func(w *world) {
		w.many(10, "order", fine)
		var prepared atomic.Int64
		var broken atomic.Pointer[error]
		broken.Store(new(errors.New("the topic is compacted")))
		begun := time.Now()
		k := w.start(with, preparing(&prepared, &broken))
		time.Sleep(time.Minute)
		members := 0
		if info := w.fake.GroupInfo(group); info != nil {
			members = len(info.Members)
		}
		phase, since := k.Phase()
		joined := k.Joined()
		if calls := len(w.ledger.calledNow()); calls > 0 || members > 0 || joined ||
			phase != consumer.Waiting || prepared.Load() < 2 {
			w.t.Errorf("got %d calls, %d members, %s, joined %v, want a worker that waits outside the group", calls,
				members, phase, joined)
		}
		if !since.Equal(begun) {
			w.t.Errorf("got waiting since %v, want since %v: joining in between does not move it", since, begun)
		}
		waitsFor(w.t, k, "the dead-letter topic cannot store letters: the topic is compacted")
		w.toldOnce("the dead-letter topic cannot store letters")
		broken.Store(nil)
		w.settle(time.Minute)
		w.toldOnce("the dead-letter topic can store letters again")
		if got := k.Waits(); len(got) > 0 {
			w.t.Errorf("got waits %v when letters can be stored, want none", got)
		}
	})
}

func TestAPauseThatCreatesTheLedgerBeforeTheFirstWorkerJoinsIsFollowed(t *testing.T) {
	bubble(t, 0, func(w *world) {
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(time.Minute) // it waits for its topic; there is no ledger
		w.create(ledgerTopic, 1)
		w.note(shared.GuardPause, "alice", "LeadHit migrates")
		w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Fetch}, Topic: ledgerTopic, Err: kerr.NotLeaderForPartition, Count: 5,
		})
		w.create("orders", 2)
		w.many(10, "order", fine)
		time.Sleep(time.Minute)
		w.held(shared.ByHand, "alice", k)
		if calls := len(w.ledger.calledNow()); calls > 0 {
			w.t.Errorf("got %d calls in a pause, want none", calls)
		}
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
	})
}

func TestGroupsThatShareALedgerFollowTheirOwnEntries(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.create("invoices", 1)
		const other = "billing"
		k := w.start(guarded("w1", "1.0"))
		neighbour := w.start(guarded("w2", "1.0"), func(o *consumer.Options) {
			o.Group, o.Topics = other, []string{"invoices"}
		})
		time.Sleep(10 * time.Second)
		say := func(event shared.Event, group, by string) {
			w.t.Helper()
			_, value, err := shared.Entry{Event: event, Group: group, At: time.Now(), By: by, Via: "cli"}.Record()
			if err != nil {
				w.t.Fatal(err)
			}
			w.scrawl(value)
			time.Sleep(10 * time.Second)
		}
		say(shared.GuardPause, other, "bob")
		w.held("", "", k)
		w.held(shared.ByHand, "bob", neighbour)
		say(shared.GuardPause, group, "alice")
		say(shared.GuardResume, other, "bob")
		w.held(shared.ByHand, "alice", k)
		w.held("", "", neighbour)
		say(shared.GuardResume, group, "alice")
		w.held("", "", k, neighbour)

		say(shared.GuardPause, "", "an older release") // for all groups
		w.held(shared.ByHand, "an older release", k, neighbour)
		say(shared.GuardResume, group, "alice")
		w.held("", "", k)
		w.held(shared.ByHand, "an older release", neighbour)
		say(shared.GuardResume, "", "an older release")
		w.held("", "", k, neighbour)
	})
}

// A group's floods, and the causes that its resumes accepted, do not concern another group.
func TestTheFloodOfOneGroupDoesNotPauseAnother(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.create("invoices", 1)
		neighbour := w.start(guarded("w2", "1.0"), func(o *consumer.Options) {
			o.Group, o.Topics = "billing", []string{"invoices"}
		})
		k := w.start(guarded("w1", "1.0"))
		time.Sleep(10 * time.Second)
		w.many(300, "bad", unmapped)
		w.stops(0, k)
		w.held("", "", neighbour)
		entry := w.lastEntry()
		if entry.Group != group || len(entry.Fingerprints) == 0 {
			w.t.Errorf("got %+v, want the pause of the flood guard with its group", entry)
		}
		w.note(shared.GuardResume, "alice", "")
		w.settle(time.Minute)
	})
}

// lastEntry returns the last entry in the ledger.
func (w *world) lastEntry() shared.Entry {
	w.t.Helper()
	records := w.client(kgo.ConsumeTopics(ledgerTopic)).PollFetches(w.t.Context()).Records()
	if len(records) == 0 {
		w.t.Fatal("the ledger is empty")
	}
	entry, err := shared.Parse(records[len(records)-1].Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return entry
}
