package broker_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// joinTopics joins the group "sync" for the given topics.
func joinTopics(t *testing.T, cluster *broker.Cluster, topics ...string) *kafka.ConsumerGroup {
	t.Helper()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "sync", Brokers: cluster.Brokers(), Dialer: cluster.Dialer(), Topics: topics,
		HeartbeatInterval: 100 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = group.Close() })
	return group
}

func TestTheLeaderCreatesNoTopicAndAssignsThoseThatExist(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string]*kversion.Versions{
		"current": kversion.Stable(), "0.11": kversion.V0_11_0(), "1.1": kversion.V1_1_0(), "2.0": kversion.V2_0_0(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			createsNothing(t, fakeKafka(t, kfake.AllowAutoTopicCreation(), kfake.MaxVersions(versions)))
		})
	}
}

// createsNothing joins a group for a topic that exists and one that does not, and checks that no request creates a
// topic.
func createsNothing(t *testing.T, fake *kfake.Cluster) {
	t.Helper()
	cluster := open(t, fake)
	if _, err := cluster.Topics(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.TopicRights(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	var creating sync.Map
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if m, ok := r.(*kmsg.MetadataRequest); ok && (m.AllowAutoTopicCreation || m.Version < 4) {
			creating.Store(m.Version, true)
		}
		return nil, nil, false
	})
	generation, err := joinTopics(t, cluster, "orders", "gone").Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := len(generation.Assignments["orders"]); got != 2 {
		t.Errorf("got %d partitions of the topic that exists, want 2", got)
	}
	if got := len(generation.Assignments["gone"]); got != 0 {
		t.Errorf("got %d partitions of the topic that does not exist, want none", got)
	}
	creating.Range(func(version, _ any) bool {
		t.Errorf("got a metadata request of version %v that creates topics, want none", version)
		return true
	})
	if fake.TopicInfo("gone") != nil {
		t.Error("got the topic created, want none")
	}
}

func TestABrokerBefore011IsNamedAndCreatesNoTopic(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.MaxVersions(kversion.V0_10_2()))
	cluster := open(t, fake)
	if _, err := cluster.Topics(t.Context(), "orders"); !errors.Is(err, kafkaerr.ErrTooOld) {
		t.Errorf("Topics: got %v, want %v", err, kafkaerr.ErrTooOld)
	}
	if _, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders"}); !errors.Is(err, kafkaerr.ErrTooOld) {
		t.Errorf("Fetch: got %v, want %v", err, kafkaerr.ErrTooOld)
	}
}

func TestAMemberWithAnotherFormOfSubscriptionDoesNotStopTheGroup(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t)
	group := joinTopics(t, open(t, fake), "orders") // the leader
	generation, err := group.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// franz-go's subscription has fields after those that kafka-go knows.
	foreign, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("sync"),
		kgo.ConsumeTopics("orders"),
		kgo.Balancers(kgo.RangeBalancer()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.Close)
	for len(generation.Assignments["orders"]) != 1 {
		if generation, err = group.Next(t.Context()); err != nil && !errors.Is(err, kafka.RebalanceInProgress) {
			t.Fatalf("got %v, want a generation with one of two partitions", err)
		}
		if generation == nil {
			generation = &kafka.Generation{}
		}
	}
}
