package consumer_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

// A worker joins the group, makes one call per event, commits, and leaves when its context ends.
func Example() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders")) // in place of a real cluster
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kafka.Close()
	shop, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shop.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	shop.ProduceSync(ctx, kgo.KeyStringRecord("A-7", "submitted"), kgo.KeyStringRecord("A-7", "paid"))

	cluster, err := broker.Open(broker.Options{Brokers: kafka.ListenAddrs(), Topics: []string{"orders"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	worker := consumer.New(consumer.Options{
		Cluster: cluster, Group: "leadhit-sync", Topics: []string{"orders"}, Logger: slog.New(slog.DiscardHandler),
		Dispatch: dispatch.Config{
			CallsInFlight: 64, WindowEvents: 10000, WindowBytes: 16 << 20, FetchBytes: 1 << 20, MetadataBytes: 4096,
			Session: 10 * time.Second, CallTimeout: 3 * time.Second,
			Retry: retry.Policy{Initial: time.Second, Max: time.Minute, Random: rand.New(rand.NewPCG(1, 2))},
		},
		Decode: func(_ context.Context, e *consumer.Event) ([]event.Item, error) {
			return []event.Item{{Action: event.Call, OrderID: string(e.Key), Status: string(e.Value)}}, nil
		},
		Call: func(_ context.Context, c consumer.Call) retry.Verdict {
			if err := c.Before(); err != nil {
				return retry.Verdict{Kind: retry.Again, Cause: "NotSent"}
			}
			fmt.Println(c.ID, c.Order, c.Status)
			if c.Status == "paid" {
				stop() // as a SIGTERM would: the call is finished and committed before Run returns
			}
			return retry.Verdict{Kind: retry.Done}
		},
		Store: func(context.Context, consumer.Letter) error { return nil },
	})
	fmt.Println("ended:", worker.Run(ctx))
	fmt.Println("committed:", kafka.GroupInfo("leadhit-sync").Commits["orders"][0].Offset)
	// Output:
	// orders-0-0 A-7 submitted
	// orders-0-1 A-7 paid
	// ended: <nil>
	// committed: 2
}
