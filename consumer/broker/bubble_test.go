package broker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
)

// This is the pattern for every test with kafka-go and kfake under a fake clock. Everything is created inside the
// bubble, and uses kfake's virtual network of pipes. The cleanup, which closes everything, runs inside the bubble too.
// Time stops once the test has returned, so a request that waits for its deadline must end before that. Tests in
// bubbles do not use zstd: kafka-go keeps its zstd decoders, each with a channel, beyond the bubble's end.
func TestClusterRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		cluster := open(t, fake, withDial(network.DialContext))
		produce(t, producer(t, fake, kgo.Dialer(network.DialContext)), "paid")

		batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
		if err != nil || len(batch.Records) != 1 || string(batch.Records[0].Value) != "paid" {
			t.Fatalf("got %+v, %v, want the one event", batch, err)
		}
		// No more records arrive, so the broker responds after an hour of fake time.
		started := time.Now()
		_, err = cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", Offset: 1, MaxWait: time.Hour})
		if got := time.Since(started); err != nil || got != time.Hour {
			t.Fatalf("got %v after %v, want an empty batch after an hour", err, got)
		}
	})
}
