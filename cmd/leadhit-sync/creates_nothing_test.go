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

// If auto.create.topics.enable is true, which is the default, a broker creates each topic that a metadata request
// names, unless the request forbids it. It creates __consumer_offsets when a client looks up a group's coordinator.
func TestCommandsThatOnlyReadCreateNothing(t *testing.T) {
	for _, line := range []string{"preview --since 1h", "letters list", "letters show dlq/0/0", "order 4711", "check"} {
		t.Run(line, func(t *testing.T) {
			fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			creating := watchCreation(fake)
			set(t, fake)
			got := command(t, "", strings.Fields(line)...)
			if requests := creating(); len(requests) > 0 {
				t.Errorf("got requests that create something: %q", requests)
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

// set sets the environment variables that a command needs to use the cluster.
func set(t *testing.T, fake *kfake.Cluster) {
	t.Helper()
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	t.Setenv("KAFKA_BROKERS", strings.Join(fake.ListenAddrs(), ","))
	t.Setenv("KAFKA_TOPICS", "orders")
	t.Setenv("LEADHIT_API_KEY", "key")
	t.Setenv("LEADHIT_URL", "http://127.0.0.1:1/api/v1/orders/")
}

// watchCreation records the requests that may create a topic. The returned function lists the kinds of these requests.
func watchCreation(fake *kfake.Cluster) func() []string {
	var mu sync.Mutex
	var creating []string
	fake.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		may := false
		switch r := r.(type) {
		case *kmsg.MetadataRequest:
			may = r.AllowAutoTopicCreation || r.Version < 4
		case *kmsg.FindCoordinatorRequest, *kmsg.CreateTopicsRequest:
			may = true
		}
		if may {
			mu.Lock()
			defer mu.Unlock()
			creating = append(creating, kmsg.NameForKey(r.Key()))
		}
		return nil, nil, false
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(creating)
	}
}
