package follower_test

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/follower"
	"leadhit-sync/deadletter/ledger"
)

// An operator pauses the group, and a worker reads that in the ledger.
func Example() {
	ctx := context.Background()
	kafka := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "dlq.shop.ledger"))
	defer kafka.Close()
	operator, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.DefaultProduceTopic("dlq.shop.ledger"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer operator.Close()
	key, value, err := ledger.Entry{Event: ledger.GuardPause, At: time.Now(), By: "alice", Reason: "migration"}.Record()
	if err != nil {
		fmt.Println(err)
		return
	}
	operator.ProduceSync(ctx, &kgo.Record{Key: key, Value: value})

	cluster, err := broker.Open(broker.Options{Brokers: kafka.ListenAddrs(), Topics: []string{"dlq.shop.ledger"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	f := follower.Follower[ledger.Entry]{
		Cluster: cluster, Topic: "dlq.shop.ledger",
		Parse: func(r event.Record) (ledger.Entry, bool) {
			e, err := ledger.Parse(r.Value)
			return e, err == nil && e.For("shop")
		},
	}
	news, err := f.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range news.Said {
		fmt.Printf("%s by %s: %s\n", e.Event, e.By, e.Reason)
	}

	// Output:
	// guard.pause by alice: migration
}
