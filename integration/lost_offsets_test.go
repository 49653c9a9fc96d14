package integration_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testLostGround: if the log changes, and the group's offsets no longer match it, a worker reports and counts the
// change, and skips no existing event.
func (s *suite) testLostGround(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("retention passes the committed offset", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 1, sandbox.Faults{})
		orders := shop.NewOrders("order", 30, 18)
		w := r.newWorker(t)
		w.start(t)
		r.writeSome(t, orders, 100)
		r.finish(t, time.Minute)
		w.stop(t)
		r.writeSome(t, orders, 60)
		r.broker.expire(t, r.topic, 0, 140)
		r.events = append(r.events[:100], r.events[140:]...) // expired unread
		w.start(t)
		r.finish(t, time.Minute)
		w.awaitLine(t, time.Second, "events expired unread")
		if got := w.metric(t, "leadhit_sync_expired_unread_total"); got != 40 {
			t.Errorf("got %.0f events expired unread, want 40", got)
		}
		w.stop(t)
		if report := r.audit(t); report.Repeats > 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
	t.Run("partitions are added under load, then the topic is recreated", func(t *testing.T) {
		since(t, 1, 0, "CreatePartitions")
		t.Parallel()
		r := s.newRun(t, brokers, 2, sandbox.Faults{Latency: 5 * time.Millisecond})
		w := r.newWorker(t)
		w.start(t)
		stop := r.trickle(t, 50, shop.NewOrders("early", 100, 19).Next)
		w.calling(t, 50)
		stop() // with more partitions, an order may move to another partition
		r.broker.grow(t, r.topic, 4)
		r.partitions = 4
		r.shop = openShop(t, brokers) // a shop that knows the new partitions
		grown := time.Now()
		stop = r.trickle(t, 50, shop.NewOrders("later", 100, 20).Next)
		eventually(t, 30*time.Second, "calls of the new partitions", func() string {
			return unless(r.calledIn(2) && r.calledIn(3), "none yet")
		})
		t.Logf("the new partitions had calls %.1f s after they were added", time.Since(grown).Seconds())
		stop()
		r.finish(t, time.Minute)
		r.audit(t)

		r.broker.remove(t, r.topic)
		r.broker.create(t, r.topic, r.partitions, 8<<20)
		r.events, r.shop = nil, openShop(t, brokers)
		r.leadhit.Reset() // the new log has the same ids as the old one
		r.writeSome(t, shop.NewOrders("recreated", 100, 21), 2000)
		r.finish(t, time.Minute)
		w.awaitLine(t, time.Second, "created again")
		if got := w.metric(t, "leadhit_sync_partitions_restarted_total"); got < 1 {
			t.Errorf("got %.0f recreated partitions, want at least one", got)
		}
		w.stop(t)
		r.audit(t)
	})
	// With a full window nothing is fetched, so that only a commit shows that the topic was recreated.
	t.Run("the topic is recreated during an outage, behind a full window", func(t *testing.T) {
		since(t, 1, 0, "delete.topic.enable=true by default")
		t.Parallel()
		r := s.newRun(t, brokers, 3, sandbox.Faults{Latency: 5 * time.Millisecond})
		r.settings["WINDOW_EVENTS"] = "50"
		w := r.newWorker(t)
		w.start(t)
		r.writeSome(t, shop.NewOrders("early", 100, 22), 500)
		r.finish(t, time.Minute)
		r.audit(t)
		r.leadhit.Change(func(f *sandbox.Faults) { f.Status = http.StatusServiceUnavailable })
		r.writeSome(t, shop.NewOrders("lost", 100, 23), 500)
		w.awaitLine(t, 10*time.Second, "calls paused")

		r.broker.remove(t, r.topic)
		r.broker.create(t, r.topic, r.partitions, 8<<20)
		r.events, r.shop = nil, openShop(t, brokers)
		r.writeSome(t, shop.NewOrders("recreated", 100, 24), 3000)
		linger(t, 5*time.Second)
		r.leadhit.Reset()
		r.leadhit.Change(func(f *sandbox.Faults) { f.Status = 0 })
		r.finish(t, time.Minute)
		if got := w.metric(t, "leadhit_sync_partitions_restarted_total"); got != 3 {
			t.Errorf("got %.0f recreated partitions, want 3", got)
		}
		w.stop(t)
		r.audit(t)
	})
}

// writeSome writes the given number of events for random orders.
func (r *run) writeSome(t *testing.T, orders *shop.Orders, count int) {
	t.Helper()
	var events []audit.Event
	for range count {
		events = append(events, orders.Next())
	}
	r.write(t, events)
}

func openShop(t *testing.T, brokers []string) *shop.Shop {
	t.Helper()
	s, err := shop.Open(brokers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// calledIn reports whether an event in a partition was sent to LeadHit.
func (r *run) calledIn(partition int) bool {
	for _, call := range r.leadhit.Calls() {
		if p, ok := r.partitionOf(call.ID); ok && p == partition {
			return true
		}
	}
	return false
}

// grow adds partitions to a topic until it has the given number.
func (b *broker) grow(t *testing.T, topic string, partitions int) {
	t.Helper()
	answer, err := b.client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: int32(partitions)}},
	})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		t.Fatalf("adding partitions to %s: %v", topic, err)
	}
	eventually(t, 20*time.Second, "the new partitions", func() string {
		_, err := b.ends(t.Context(), topic, partitions)
		return text(err)
	})
}

// expire deletes a partition's records below an offset, as retention does.
func (b *broker) expire(t *testing.T, topic string, partition int32, below int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewPtrDeleteRecordsRequest()
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	at := kmsg.NewDeleteRecordsRequestTopicPartition()
	at.Partition, at.Offset = partition, below
	one.Partitions = append(one.Partitions, at)
	request.Topics = append(request.Topics, one)
	answer, err := request.RequestWith(t.Context(), client)
	if err != nil || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("deleting records: %v, %+v", err, answer)
	}
}
