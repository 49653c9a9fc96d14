package broker_test

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/event"
)

// Reading a partition is a loop over Next; a commit returns its outcome for each partition.
func Example() {
	ctx := context.Background()
	kafka := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	defer kafka.Close()
	shop, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	shop.ProduceSync(ctx, kgo.KeyStringRecord("1001", "submitted"), kgo.KeyStringRecord("1001", "paid"))

	cluster, err := broker.Open(broker.Options{Brokers: kafka.ListenAddrs(), Topics: []string{"orders"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	batch, err := cluster.Fetch(ctx, broker.FetchRequest{Topic: "orders", Offset: 0, MaxWait: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, record := range batch.Records {
		fmt.Printf("%d: order %s is %s\n", record.Offset, record.Key, record.Value)
	}
	results := cluster.Commit(ctx, groups.Member{Group: "leadhit-sync", Generation: -1}, nil, []groups.OffsetCommit{
		{Partition: event.Partition{Topic: "orders"}, Next: batch.Next},
	})
	fmt.Printf("commit of offset %d: %v\n", batch.Next, results[0].Outcome)

	// Output:
	// 0: order 1001 is submitted
	// 1: order 1001 is paid
	// commit of offset 2: acked
}
