package scan_test

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/scan"
)

// This example lists the records that a topic holds now.
func ExampleRecords() {
	ctx := context.Background()
	kafka := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "dlq.leadhit-sync"))
	defer kafka.Close()
	writer, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.DefaultProduceTopic("dlq.leadhit-sync"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer writer.Close()
	writer.ProduceSync(ctx, kgo.KeyStringRecord("1001", "paid"), kgo.KeyStringRecord("1002", "submitted"))

	cluster, err := broker.Open(broker.Options{Brokers: kafka.ListenAddrs()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	for letter, err := range scan.Records(ctx, cluster, scan.Range{Topic: "dlq.leadhit-sync"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s/%d/%d: %s\n", letter.Topic, letter.Partition, letter.Offset, letter.Key)
	}

	// Output:
	// dlq.leadhit-sync/0/0: 1001
	// dlq.leadhit-sync/0/1: 1002
}
