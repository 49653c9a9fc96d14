package integration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testDeletedTopics: a deleted topic stays deleted, although the brokers create topics on request
// (auto.create.topics.enable is true by default). Its deletion takes no other topic's partitions away from the workers.
func (s *suite) testDeletedTopics(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a topic is deleted under workers with different topics", func(t *testing.T) {
		t.Parallel()
		since(t, 1, 0, "delete.topic.enable=true by default")
		r := s.newRun(t, brokers, 4, sandbox.Faults{})
		extra := r.topic + "-extra"
		r.broker.create(t, extra, 2, 1<<20)
		first := r.newWorker(t)
		first.start(t) // does not consume the extra topic
		first.ready(t)
		r.settings["KAFKA_TOPICS"] = r.topic + "," + extra
		second := r.newWorker(t)
		second.start(t)
		second.ready(t)
		orders := shop.NewOrders("order", 50, 41)
		r.writeSome(t, orders, 100)
		r.finish(t, time.Minute)

		r.broker.remove(t, extra)
		eventually(t, 30*time.Second, "the end of the topic", func() string {
			return unless(!r.broker.exists(t, extra), "it still exists")
		})
		third := r.newWorker(t) // causes a rebalance, and waits for the deleted topic
		third.start(t)
		r.settings["KAFKA_TOPICS"] = r.topic
		fourth := r.newWorker(t)
		fourth.start(t)
		fourth.ready(t)
		r.writeSome(t, orders, 200)
		r.finish(t, time.Minute)
		eventually(t, time.Minute, "the missing topic on the leader's page", func() string {
			var all strings.Builder
			for _, w := range []*worker{first, second, fourth} {
				_, page := w.page(t, "/status")
				all.WriteString(page)
			}
			return unless(strings.Contains(all.String(), "topic "+extra+" does not exist"), "%s", all.String())
		})
		if _, body := third.page(t, "/readyz"); !strings.HasPrefix(body, "waiting: topic "+extra+" does not exist") {
			t.Errorf("got %q from /readyz of the worker that waits for the topic, want the topic named", body)
		}
		before := first.metric(t, "leadhit_sync_generations_total")
		linger(t, 25*time.Second)
		if got := first.metric(t, "leadhit_sync_generations_total") - before; got > 1 {
			t.Errorf("got %.0f generations in 25 s without the topic, want no rebalance storm", got)
		}
		if r.broker.exists(t, extra) {
			t.Error("the topic came back, want it deleted: only its owner creates it")
		}
		for _, w := range []*worker{first, second, third, fourth} {
			w.stop(t)
		}
		if report := r.audit(t); report.Repeats > 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
}

// exists reports whether the cluster has a topic. kafka-go's Transport requests the metadata of all topics, and creates
// none.
func (b *broker) exists(t *testing.T, topic string) bool {
	t.Helper()
	transport := &kafka.Transport{} // a new one, which has no cache yet
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(b.addrs...), Transport: transport, Timeout: 20 * time.Second}
	answer, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range answer.Topics {
		if known.Name == topic {
			return true
		}
	}
	return false
}
