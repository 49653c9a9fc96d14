package main

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/config"
)

// A broker creates topics that it is asked about if auto.create.topics.enable is true, which is the default, and
// __consumer_offsets when it is asked for a group's coordinator.
func TestCommandsThatLookCreateNothing(t *testing.T) {
	for line, asksGroup := range map[string]bool{
		"preview --since 1h": false, "letters list": false, "letters show dlq/0/0": false, "check": true,
	} {
		t.Run(line, func(t *testing.T) {
			fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			var mu sync.Mutex
			var creating []string
			fake.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				m, isMetadata := r.(*kmsg.MetadataRequest)
				_, asks := r.(*kmsg.FindCoordinatorRequest)
				_, creates := r.(*kmsg.CreateTopicsRequest)
				if creates || asks && !asksGroup || isMetadata && (m.AllowAutoTopicCreation || m.Version < 4) {
					mu.Lock()
					defer mu.Unlock()
					creating = append(creating, kmsg.NameForKey(r.Key()))
				}
				return nil, nil, false
			})
			for _, v := range config.Variables() {
				t.Setenv(v.Name, v.Default)
			}
			t.Setenv("KAFKA_BROKERS", strings.Join(fake.ListenAddrs(), ","))
			t.Setenv("KAFKA_TOPICS", "orders")
			t.Setenv("LEADHIT_API_KEY", "key")
			t.Setenv("LEADHIT_URL", "http://127.0.0.1:1/api/v1/orders/")
			got := command(t, "", strings.Fields(line)...)
			mu.Lock()
			defer mu.Unlock()
			if len(creating) > 0 {
				t.Errorf("got requests that create something: %q", slices.Compact(creating))
			}
			for _, topic := range []string{"orders", "dlq.leadhit-sync", "dlq.leadhit-sync.ledger"} {
				if fake.TopicInfo(topic) != nil {
					t.Errorf("got the topic %s created; the command said %q %q", topic, got.out, got.err)
				}
			}
			t.Logf("exit code %d: %s%s", got.code, got.out, got.err)
		})
	}
}
