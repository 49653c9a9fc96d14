package broker_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
)

// fakeKafka starts an embedded broker with one topic, "orders", of two partitions.
func fakeKafka(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	options = append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "orders")}, options...)
	fake, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return fake
}

// open returns a Cluster that uses the embedded broker.
func open(t *testing.T, fake *kfake.Cluster, change ...func(*broker.Options)) *broker.Cluster {
	t.Helper()
	options := broker.Options{Brokers: fake.ListenAddrs(), Topics: []string{"orders", "gone"}, ClientID: "test"}
	for _, f := range change {
		f(&options)
	}
	cluster, err := broker.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// producer returns a client that writes to the partitions that its records name, one batch for each call of
// ProduceSync.
func producer(t *testing.T, fake *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	options = append([]kgo.Opt{
		kgo.SeedBrokers(fake.ListenAddrs()...),
		kgo.DefaultProduceTopic("orders"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(5 * time.Millisecond),
	}, options...)
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func produce(t *testing.T, client *kgo.Client, values ...string) {
	t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, value := range values {
		records[i] = &kgo.Record{Key: []byte("k"), Value: []byte(value)}
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// values returns the values in partition 0 from the request's offset up to but not including end. It makes as many
// fetches as needed.
func values(t *testing.T, cluster *broker.Cluster, request broker.FetchRequest, end int64) []string {
	t.Helper()
	request.Topic, request.MaxWait = "orders", 100*time.Millisecond
	var got []string
	for request.Offset < end {
		batch, err := cluster.Fetch(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if batch.Next == request.Offset {
			t.Fatalf("fetch at %d does not move, end %d, batch %+v", request.Offset, end, batch)
		}
		for _, r := range batch.Records {
			got = append(got, string(r.Value))
		}
		request.Offset = batch.Next
	}
	return got
}

// withDial makes the cluster dial with d.
func withDial(d func(ctx context.Context, network, address string) (net.Conn, error)) func(*broker.Options) {
	return func(o *broker.Options) { o.Dial = d }
}
