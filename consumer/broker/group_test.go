package broker_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

// freezer is a network that can be frozen. A frozen network still accepts what is written, but nothing comes back.
type freezer struct {
	kfake.VirtualNetwork

	mu     sync.Mutex
	frozen bool
}

func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = true
}

func (f *freezer) isFrozen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.frozen
}

func (f *freezer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if f.isFrozen() {
		// The kernel still accepts connections for a stopped process.
		near, _ := net.Pipe()
		return &frozenConn{near, f}, nil
	}
	conn, err := f.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &frozenConn{conn, f}, nil
}

type frozenConn struct {
	net.Conn
	network *freezer
}

func (c *frozenConn) Write(b []byte) (int, error) {
	if c.network.isFrozen() {
		return len(b), nil // the socket's buffer takes it
	}
	return c.Conn.Write(b)
}

func join(t *testing.T, cluster *broker.Cluster) *kafka.ConsumerGroup {
	t.Helper()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "sync", Brokers: cluster.Brokers(), Dialer: cluster.Dialer(), Topics: []string{"orders"},
		SessionTimeout: 10 * time.Second, HeartbeatInterval: time.Second, RebalanceTimeout: 30 * time.Second,
		Timeout: 20 * time.Second, StartOffset: kafka.FirstOffset,
	})
	if err != nil {
		t.Fatal(err)
	}
	return group
}

func TestAGroupJoinsAndCommitsOverTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network freezer
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		cluster := open(t, fake, withDial(network.dial))
		group := join(t, cluster)
		generation, err := group.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := len(generation.Assignments["orders"]); got != 2 {
			t.Errorf("got %d partitions, want both", got)
		}
		member := groups.Member{Group: "sync", Generation: int(generation.ID), ID: generation.MemberID}
		if r := cluster.Commit(t.Context(), member, nil, []groups.OffsetCommit{offset(0, 1, "")})[0]; r.Outcome != groups.Acked {
			t.Errorf("got %v, %v, want it acknowledged", r.Outcome, r.Err)
		}
		// This wait is longer than the session timeout, so heartbeats must arrive. They use the same dial function as
		// the join.
		<-time.After(time.Minute)
		if r := cluster.Commit(t.Context(), member, nil, []groups.OffsetCommit{offset(0, 2, "")})[0]; r.Outcome != groups.Acked {
			t.Errorf("after a minute got %v, %v, want it acknowledged", r.Outcome, r.Err)
		}
		if err := group.Close(); err != nil {
			t.Error(err)
		}
		if r := cluster.Commit(t.Context(), member, nil, []groups.OffsetCommit{offset(0, 3, "")})[0]; r.Outcome != groups.Fenced {
			t.Errorf("after leaving got %v, %v, want it fenced", r.Outcome, r.Err)
		}
	})
}

func TestTheCoordinatorIsNotLookedUpForEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		cluster := open(t, fake, withDial(network.DialContext))
		var lookups atomic.Int32
		fake.ControlKey(int16(kmsg.FindCoordinator), func(kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			lookups.Add(1)
			return nil, nil, false
		})
		check := func(want groups.Outcome) {
			t.Helper()
			lookups.Store(0)
			checkTenCommits(t, cluster, want)
			if got := lookups.Load(); got != 1 {
				t.Errorf("got %d lookups, want one", got)
			}
		}
		check(groups.Acked)
		<-time.After(200 * time.Millisecond)
		check(groups.Acked) // in case the coordinator has moved and its broker is about to close the connections
		for before := fake.CoordinatorFor("sync"); fake.CoordinatorFor("sync") == before; {
			fake.RehashCoordinators()
		}
		check(groups.Again) // the first commit reaches the old coordinator, which refuses it
	})
}

// checkTenCommits commits ten times and reads each commit. first is the wanted outcome of the first commit.
func checkTenCommits(t *testing.T, cluster *broker.Cluster, first groups.Outcome) {
	t.Helper()
	at := event.Partition{Topic: "orders"}
	want := first
	for n := range int64(10) {
		if r := cluster.Commit(t.Context(), outsider(), nil, []groups.OffsetCommit{offset(0, n, "")})[0]; r.Outcome != want {
			t.Errorf("got %v, %v, want %v", r.Outcome, r.Err, want)
		}
		got, err := cluster.Committed(t.Context(), "sync", []event.Partition{at})
		if err != nil || want == groups.Acked && got[at].Next != n {
			t.Errorf("got %+v, %v, want %d", got, err, n)
		}
		want = groups.Acked
	}
}

func TestAFrozenClusterDoesNotHoldClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network freezer
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		cluster := open(t, fake, withDial(network.dial))
		group := join(t, cluster)
		if _, err := group.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		network.freeze()
		<-time.After(time.Minute)
		started := time.Now()
		_ = group.Close()
		if took := time.Since(started); took > 90*time.Second {
			t.Errorf("Close took %v, want at most 90s", took)
		}
		started = time.Now()
		batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", Offset: 0, MaxWait: time.Second})
		if took := time.Since(started); err == nil || batch.Next != 0 || took > 4*time.Second {
			t.Errorf("got %+v, %v after %v, want an error after the wait and three seconds", batch, err, took)
		}
		// A bubble's time stops once the test has returned, so a wait for a deadline must end before that.
		cluster.Close()
		<-time.After(time.Minute)
	})
}

// All partitions of a process share the decoders: however many fetches there are, few decompress at once.
func TestManyFetchesShareTheDecoders(t *testing.T) {
	fake := fakeKafka(t)
	written := numbers(200)
	produce(t, producer(t, fake, kgo.ProducerBatchCompression(kgo.ZstdCompression())), written...)
	cluster := open(t, fake)
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for range 20 {
				batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
				if err != nil || len(batch.Records) == 0 || batch.Records[0].Offset != 0 {
					t.Errorf("got %d records, %v", len(batch.Records), err)
					return
				}
			}
		})
	}
	readers.Wait()
}

func TestABatchWithAWrongChecksumReleasesItsMemory(t *testing.T) {
	fake := fakeKafka(t)
	cluster := open(t, fake)
	const size = 2 << 20 // smaller responses take no memory from the budget
	batch := kmsg.RecordBatch{Magic: 2, Length: 61 - 12 + size, NumRecords: 1, Records: make([]byte, size)}
	answerFetch(fake, batch.AppendTo(nil))
	got, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
	if got.Next != 0 || !errors.Is(err, records.ErrCorrupt) {
		t.Errorf("got %+v, %v, want %v", got, err, records.ErrCorrupt)
	}
	if !cluster.MemoryIsFree() {
		t.Error("memory is still taken")
	}
}

// answerFetch responds to the next fetch with the given record set.
func answerFetch(fake *kfake.Cluster, set []byte) {
	fake.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		response, ok := request.ResponseKind().(*kmsg.FetchResponse)
		if !ok {
			return nil, nil, false
		}
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = "orders"
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.RecordBatches = set
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
}
