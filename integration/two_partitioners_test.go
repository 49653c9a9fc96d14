package integration_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testTwoPartitioners: two producers with different partitioners write events for the same orders. Each order has two
// partitions with two owners, and each owner sees only one of the partitions. Even so, LeadHit has the last status of
// each order.
func (s *suite) testTwoPartitioners(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("two producers with different partitioners", func(t *testing.T) {
		t.Parallel()
		const partitions = 6
		r := s.newRun(t, brokers, partitions, sandbox.Faults{})
		crc, err := shop.OpenCRC32(brokers)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(crc.Close)
		for range 2 {
			r.newWorker(t).start(t)
		}
		for _, w := range r.workers {
			w.owns(t, partitions/2)
		}
		orders := ownedTwice(50, partitions)
		r.says(t, r.shop, "paid", orders)
		r.says(t, crc, "submitted", orders)
		r.says(t, r.shop, "paid", orders)
		want := make(map[string]string)
		for _, order := range orders {
			want[order] = "paid"
		}
		if got := r.statuses(); !maps.Equal(got, want) {
			t.Errorf("got the statuses %v at LeadHit, want those of the last events", got)
		}
		for _, w := range r.workers {
			if got := w.lines("have all producers use one partitioner"); got != 1 {
				t.Errorf("got %d warnings from a worker, want one", got)
			}
			w.stop(t)
		}
	})
}

// says makes a producer write a status for all orders, and waits until the workers have finished the events.
func (r *run) says(t *testing.T, by *shop.Shop, status string, orders []string) {
	t.Helper()
	var events []audit.Event
	for _, order := range orders {
		events = append(events, statusOf(order, status))
	}
	if _, err := by.Write(t.Context(), r.topic, events); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "a commit of "+status, func() string {
		return r.broker.behind(t.Context(), r.group, r.topic, r.partitions)
	})
}

// ownedTwice returns orders whose partitions by murmur2 and by CRC-32 are in different halves of the partitions. Each
// worker owns one half.
func ownedTwice(n, partitions int) []string {
	numbers := make([]int, partitions)
	for i := range numbers {
		numbers[i] = i
	}
	var orders []string
	for i := 0; len(orders) < n; i++ {
		order := fmt.Sprint("order-", i)
		java := kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(order)}, numbers...)
		other := int(crc32.ChecksumIEEE([]byte(order)) % uint32(partitions))
		if (java < partitions/2) != (other < partitions/2) {
			orders = append(orders, order)
		}
	}
	return orders
}

// owns waits until the worker has the given number of partitions.
func (w *worker) owns(t *testing.T, partitions int) {
	t.Helper()
	eventually(t, time.Minute, "the worker's partitions", func() string {
		_, page := w.page(t, "/status")
		var status struct{ Partitions []struct{} }
		if err := json.Unmarshal([]byte(page), &status); err != nil {
			return err.Error() + page
		}
		return unless(len(status.Partitions) == partitions, "%d of %d", len(status.Partitions), partitions)
	})
}
