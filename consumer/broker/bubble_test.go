package broker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
)

// The pattern for every test with kafka-go and kfake under a fake clock: all of it is made inside the bubble, on kfake's
// network of pipes, and closed by Cleanup, which runs inside the bubble too. Time stands still once the test has returned: a request that still
// waits for its deadline must be given that time before. zstd is not for bubbles: kafka-go keeps decoders, with a channel
// each, across them.
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
		// Nothing more comes, so the broker answers after an hour of the bubble's, in no time of ours.
		started := time.Now()
		_, err = cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", Offset: 1, MaxWait: time.Hour})
		if got := time.Since(started); err != nil || got != time.Hour {
			t.Fatalf("got %v after %v, want an empty batch after an hour", err, got)
		}
	})
}
