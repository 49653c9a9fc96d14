package broker_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

func topicIDs(t *testing.T, cluster *broker.Cluster, topics ...string) map[string]groups.TopicID {
	t.Helper()
	ids, err := cluster.TopicIDs(t.Context(), "sync", topics)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestACommitByIDIsNotStoredForARecreatedTopic(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.NumBrokers(3), kfake.SeedTopics(3, "payments"))
	cluster := open(t, fake)
	ids := topicIDs(t, cluster, "orders", "payments", "missing")
	if len(ids) != 2 || ids["orders"] == ids["payments"] {
		t.Fatalf("got ids %v, want those of orders and payments", ids)
	}
	other := event.Partition{Topic: "payments", Number: 2}
	commit := func(ids map[string]groups.TopicID, next int64, want ...groups.Outcome) {
		t.Helper()
		checkOutcomes(t, cluster.Commit(t.Context(), outsider(), ids, []groups.OffsetCommit{
			offset(0, next, "text"), {Partition: other, Next: next}, offset(1, next, ""),
		}), want)
	}
	committed := func(want ...groups.OffsetCommit) {
		t.Helper()
		for _, w := range want {
			got, err := cluster.Committed(t.Context(), "sync", []event.Partition{w.Partition})
			if err != nil || got[w.Partition] != w {
				t.Errorf("got %+v, %v, want %+v", got, err, w)
			}
		}
	}
	commit(ids, 5, groups.Acked, groups.Acked, groups.Acked)
	committed(offset(0, 5, "text"), groups.OffsetCommit{Partition: other, Next: 5}, offset(1, 5, ""))

	if err := errors.Join(fake.DeleteTopic("orders"), fake.CreateTopic("orders", 2, nil)); err != nil {
		t.Fatal(err)
	}
	commit(ids, 6, groups.UnknownTopic, groups.Acked, groups.UnknownTopic)
	committed(offset(0, -1, ""), groups.OffsetCommit{Partition: other, Next: 6})

	again := topicIDs(t, cluster, "orders", "payments")
	if again["orders"] == ids["orders"] || again["payments"] != ids["payments"] {
		t.Errorf("got ids %v after %v, want another one of the recreated topic only", again, ids)
	}
	commit(again, 1, groups.Acked, groups.Acked, groups.Acked)
	committed(offset(0, 1, "text"))
}

func checkOutcomes(t *testing.T, results []groups.CommitResult, want []groups.Outcome) {
	t.Helper()
	for i, r := range results {
		unknown := errors.Is(r.Err, kafkaerr.ErrUnknownPartition)
		if r.Outcome != want[i] || unknown != (want[i] == groups.UnknownTopic) {
			t.Errorf("%v: got %v, %v, want %v", r.Partition, r.Outcome, r.Err, want[i])
		}
	}
}

func TestAnOlderCoordinatorGetsNoCommitByID(t *testing.T) {
	t.Parallel()
	ids := topicIDs(t, open(t, fakeKafka(t)), "orders")
	for name, versions := range map[string]*kversion.Versions{
		"0.11": kversion.V0_11_0(), "2.8": kversion.V2_8_0(), "4.1": kversion.V4_1_0(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, kfake.MaxVersions(versions))
			cluster := open(t, fake)
			if got := topicIDs(t, cluster, "orders"); got != nil {
				t.Errorf("got ids %v, want none", got)
			}
			// Ids may come from the previous coordinator.
			r := cluster.Commit(t.Context(), outsider(), ids, []groups.OffsetCommit{offset(0, 1, "")})[0]
			if r.Outcome != groups.Again || r.Err == nil {
				t.Errorf("got %v, %v, want %v: it was not sent", r.Outcome, r.Err, groups.Again)
			}
			r = cluster.Commit(t.Context(), outsider(), nil, []groups.OffsetCommit{offset(0, 1, "")})[0]
			if r.Outcome != groups.Acked {
				t.Errorf("got %v, %v, want %v", r.Outcome, r.Err, groups.Acked)
			}
		})
	}
}

func TestTheVersionsOfACoordinatorAreNotReadForEachCommit(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t)
	cluster := open(t, fake)
	ids := topicIDs(t, cluster, "orders")
	var asked atomic.Int32
	fake.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		asked.Add(1) // each new connection asks too
		return nil, nil, false
	})
	for n := range int64(100) {
		r := cluster.Commit(t.Context(), outsider(), ids, []groups.OffsetCommit{offset(0, n, "")})[0]
		if r.Outcome != groups.Acked {
			t.Fatalf("got %v, %v, want it acknowledged", r.Outcome, r.Err)
		}
	}
	if n := asked.Load(); n > 10 {
		t.Errorf("got %d requests for versions with 100 commits, want almost none", n)
	}
}
