package consumer_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
)

func TestPartitionsThatNobodyConsumesAreCountedByTheLeader(t *testing.T) {
	bubble(t, 1, func(w *world) {
		first, second := w.start(), w.start()
		time.Sleep(20 * time.Second)
		if a, b := first.State().Unowned, second.State().Unowned; a != 0 || b != 0 {
			w.t.Errorf("got %d and %d partitions without an owner, want none", a, b)
		}
		w.addPartitions("orders", 4)
		if !w.wait(15*time.Second, func() bool { return first.State().Unowned+second.State().Unowned == 3 }) {
			w.t.Error("got no count of the three new partitions, want it from the leader")
		}
		if !w.wait(30*time.Second, func() bool { return first.State().Unowned+second.State().Unowned == 0 }) {
			w.t.Error("the partitions are assigned, and still counted")
		}
	})
}

func TestTheTimeWithoutAGenerationRunsThroughAllAttempts(t *testing.T) {
	bubble(t, 0, func(w *world) {
		begun := time.Now()
		k := w.start()
		time.Sleep(30 * time.Second)
		if s := k.State(); s.Phase != consumer.Waiting || !s.Apart.Equal(begun) {
			w.t.Errorf("got %v, apart since %v; want waiting, since it was made at %v", s.Phase, s.Apart, begun)
		}
		early := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: kerr.CoordinatorLoadInProgress, Count: -1,
		})
		w.create("orders", 1)
		time.Sleep(20 * time.Second)
		if s := k.State(); s.Phase != consumer.Joining || !s.Since.Equal(begun) {
			w.t.Errorf("got %v since %v; want joining since %v, as if it had not waited for a topic before", s.Phase,
				s.Since, begun)
		}
		early.Remove()
		if !w.wait(20*time.Second, func() bool { return k.State().Apart.IsZero() }) {
			w.t.Fatal("not in a generation after 20 s")
		}
		refused := w.fake.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.JoinGroup}, Group: group, Err: kerr.CoordinatorLoadInProgress, Count: -1,
		})
		w.rebalance()
		time.Sleep(2 * time.Minute)
		s := k.State()
		if apart := time.Since(s.Apart); s.Apart.IsZero() || apart < 110*time.Second || apart > 122*time.Second {
			w.t.Errorf("got %v without a generation in %v, want the two minutes in which no join succeeded", apart,
				s.Phase)
		}
		refused.Remove()
		if !w.wait(time.Minute,
			func() bool { s := k.State(); return s.Apart.IsZero() && s.Phase == consumer.Running }) {
			w.t.Error("not in a generation a minute after the faults ended")
		}
	})
}

func TestADrainBelongsToItsGeneration(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.leadhitDoes(answers(2500 * time.Millisecond))
		k := w.start()
		time.Sleep(20 * time.Second)
		w.produce(0, fine, "a")
		time.Sleep(time.Second)
		w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress})
		if !w.wait(3*time.Second, func() bool { return k.State().Phase == consumer.Draining }) {
			w.t.Fatal("no drain though a call is in flight")
		}
		if s := k.State(); !s.Apart.IsZero() {
			w.t.Errorf("got apart since %v in %v, want in the generation until its end", s.Apart, s.Phase)
		}
		w.settle(20 * time.Second)
	})
}
