package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

func TestGreetingABrokerSaysHowOldItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		versions *kversion.Versions
		want     string
	}{
		"0.10.0": {kversion.V0_10_0(), "Kafka 0.10.0"},
		"0.10.2": {kversion.V0_10_2(), "Kafka 0.10.1 or 0.10.2"},
		"0.11.0": {kversion.V0_11_0(), ""},
		"now":    {kversion.Stable(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, kfake.MaxVersions(c.versions))
			if got, err := open(t, fake).Greet(t.Context(), fake.ListenAddrs()[0]); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestGreetingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, err := broker.Open(broker.Options{Brokers: []string{"kafka.example:9092"}, Dial: stalls("")})
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		ctx, cancel := context.WithCancel(t.Context()) // without a deadline
		defer cancel()
		begun := time.Now()
		time.AfterFunc(time.Second, cancel)
		_, err = cluster.Greet(ctx, "kafka.example:9092")
		if took := time.Since(begun); err == nil || took != time.Second ||
			!strings.Contains(err.Error(), "ask kafka.example:9092") {
			t.Errorf("got %v from a peer that says nothing, after %v, want an error with its address after a second", err, took)
		}
	})
}

func TestTopicsNamesNodesAndLeaders(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.NumBrokers(3))
	got, err := open(t, fake).Topics(t.Context(), "orders")
	if err != nil || len(got.Nodes) != 3 || got.Nodes[0].Address != fake.ListenAddrs()[0] ||
		len(got.Topics["orders"].Leaders) != 2 {
		t.Fatalf("got %+v, %v, want three nodes at their addresses and a leader for each partition", got, err)
	}
	for partition, leader := range got.Topics["orders"].Leaders {
		if want := int(fake.LeaderFor("orders", int32(partition))); leader != want {
			t.Errorf("partition %d: got leader %d, want %d", partition, leader, want)
		}
	}
}

func TestAGroupIsDescribedByItsCoordinatorAlone(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.NumBrokers(3))
	cluster := open(t, fake)
	member := consume(t, fake, "mine", kgo.Balancers(kgo.RangeBalancer()), kgo.ClientID("somebody"))
	defer member.Close()
	var described int
	for node := range 3 {
		g, err := cluster.GroupAt(t.Context(), node, "mine")
		switch {
		case err == nil:
			described++
			if g.ProtocolType != "consumer" || g.Protocol != "range" || len(g.Members) != 1 ||
				g.Members[0].ClientID != "somebody" || g.Kind != "" {
				t.Errorf("got %+v, want one member of a classic group", g)
			}
		case !errors.Is(err, kafkaerr.ErrCoordinator):
			t.Errorf("broker %d: got %v, want %v", node, err, kafkaerr.ErrCoordinator)
		}
	}
	if described != 1 {
		t.Errorf("got %d brokers that coordinate the group, want one", described)
	}
}

func TestAGroupOfTheNewerProtocolShowsItsKindAndState(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t)
	cluster := open(t, fake)
	// kfake's coordinator describes a group of this kind differently from Kafka's, so the test gives both responses.
	fake.ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		response := as[*kmsg.DescribeGroupsResponse](t, r.ResponseKind())
		group := kmsg.NewDescribeGroupsResponseGroup()
		group.Group, group.State = "mine", groups.Dead
		response.Groups = append(response.Groups, group)
		return response, nil, true
	})
	for name, c := range map[string]struct{ listed, kind, state string }{
		"one that has members": {"mine", "consumer", "Stable"},
		"one without members":  {"mine", "share", "Empty"},
		"none":                 {"another", "", groups.Dead},
	} {
		fake.ControlKey(int16(kmsg.ListGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
			response := as[*kmsg.ListGroupsResponse](t, r.ResponseKind())
			for _, g := range [][3]string{{"yours", "connect", "Stable"}, {c.listed, c.kind, c.state}} {
				group := kmsg.NewListGroupsResponseGroup()
				group.Group, group.ProtocolType, group.GroupState = g[0], g[1], g[2]
				response.Groups = append(response.Groups, group)
			}
			return response, nil, true
		})
		if g, err := cluster.GroupAt(t.Context(), 0, "mine"); err != nil || g.Kind != c.kind || g.State != c.state {
			t.Errorf("%s: got %+v, %v, want kind %q in state %s", name, g, err, c.kind, c.state)
		}
	}
}

func TestSettingsOfABrokerAreRead(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.BrokerConfigs(map[string]string{"group.max.session.timeout.ms": "6000"}))
	got, err := open(t, fake).NodeSettings(t.Context(), 0, "group.max.session.timeout.ms")
	if err != nil || got["group.max.session.timeout.ms"] != "6000" {
		t.Errorf("got %v, %v, want 6000", got, err)
	}
}

func TestTheCoordinatorIsTheLeaderOfTheGroupsPartition(t *testing.T) {
	t.Parallel()
	// The partitions come from Java: Utils.abs("orders".hashCode()) % 5, and so on. The hash of "orders" is negative,
	// and that of "polygenelubricants" is -2³¹.
	leaders := inspect.OffsetsTopic{Leaders: []int{10, 11, 12, 13, 14}}
	for group, want := range map[string]int{"a": 12, "ab": 10, "": 10, "orders": 11, "polygenelubricants": 10} {
		if got := leaders.Coordinator(group); got != want {
			t.Errorf("%q: got broker %d, want %d", group, got, want)
		}
	}
	if got := (inspect.OffsetsTopic{}).Coordinator("a"); got != inspect.NoLeader {
		t.Errorf("got %d for an unknown topic, want none", got)
	}
}

// consume returns a client once the client has joined the group.
func consume(t *testing.T, fake *kfake.Cluster, group string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	joined := make(chan struct{}, 1)
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			select {
			case joined <- struct{}{}:
			default:
			}
		}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-joined:
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
	return client
}

// as returns the value as a T, and fails the test if the value has another type.
func as[T any](t *testing.T, value any) T {
	t.Helper()
	typed, ok := value.(T)
	if !ok {
		t.Fatalf("got a %T", value)
	}
	return typed
}
