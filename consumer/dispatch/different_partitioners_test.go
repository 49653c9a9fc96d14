package dispatch_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/partitioner"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// twelve returns the twelve partitions of a topic, and their numbers.
func twelve() (all []event.Partition, numbers []int) {
	for n := range 12 {
		all, numbers = append(all, orders(n)), append(numbers, n)
	}
	return all, numbers
}

// report writes a "paid" event for an order, to the partition that the given partitioner chooses, and makes the worker
// finish the event.
func (h *harness) report(by kafka.Balancer, order string) event.Place {
	h.tb.Helper()
	_, numbers := twelve()
	of := orders(by.Balance(kafka.Message{Key: []byte(order)}, numbers...))
	next := h.fetches[of].Offset
	h.read(of, says(next, order, "paid"))
	for len(h.calls) > 0 {
		h.acceptAndCommit(of, next)
	}
	h.settle()
	return event.Place{Topic: of.Topic, Partition: of.Number, Offset: next}
}

// byMurmur2 returns a worker that owns all partitions, and has skipped repeats from a producer with the murmur2
// partitioner. The parameter known is the topic's partition count, as passed to the worker.
func byMurmur2(t *testing.T, known int) *harness {
	t.Helper()
	c := skipping()
	c.Explain = partitioner.All().Explain
	h := unstarted(t, c)
	h.partitions = known
	all, _ := twelve()
	h.assign(true, all...)
	h.ack()
	for i := range 10 {
		h.report(kafka.Murmur2Balancer{}, fmt.Sprint("first ", i/2))
	}
	if len(h.repeats) != 5 || h.spread != nil {
		t.Fatalf("got the repeats %v and %v, want five", h.repeats, h.spread)
	}
	return h
}

// besideAnother writes events as a second producer, about orders of its own. If ends is true, these events must end the
// skipping of repeats; otherwise they must not.
func (h *harness) besideAnother(second kafka.Balancer, ends bool) {
	h.tb.Helper()
	var last event.Place
	for i := 0; i < 5 && h.spread == nil; i++ {
		last = h.report(second, fmt.Sprint("second ", i))
	}
	want := turn.Spread{Place: last, Unexplained: true}
	if got := h.spread != nil; got != ends || got && *h.spread != want {
		h.tb.Errorf("got %v as the event that ended the skipping, want an end: %v, by %v", h.spread, ends, want)
	}
	h.repeats = nil
	h.report(kafka.Murmur2Balancer{}, "first 0")
	h.report(kafka.Murmur2Balancer{}, "first 0")
	if skipped := len(h.repeats) > 0; skipped == ends {
		h.tb.Errorf("got repeats of the first producer: %v, want %v", skipped, !ends)
	}
}

// Two producers with different partitioners write an order's events to two partitions, which may have two owners. Each
// owner sees only one of the order's partitions. But each sees keys that no single partitioner puts into their
// partitions.
func TestNothingIsARepeatOnceNoPartitionerExplainsTheKeys(t *testing.T) {
	t.Parallel()
	own := kafka.BalancerFunc(func(m kafka.Message, all ...int) int {
		return slices.IndexFunc(all, func(p int) bool { return !partitioner.All().Explain(m.Key, p, len(all)) })
	})
	fewer := kafka.BalancerFunc(func(m kafka.Message, all ...int) int {
		return kafka.Murmur2Balancer{}.Balance(m, all[:5]...)
	})
	for name, test := range map[string]struct {
		known  int // number of partitions; 0: unknown
		second kafka.Balancer
		ends   bool
	}{
		"another partitioner":                    {12, kafka.CRC32Balancer{}, true},
		"a partitioner of its own":               {12, own, true},
		"keys from before partitions were added": {12, fewer, true},
		"the same partitioner":                   {12, kafka.Murmur2Balancer{}, false},
		"another one, but an unknown number":     {0, kafka.CRC32Balancer{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byMurmur2(t, test.known).besideAnother(test.second, test.ends)
		})
	}
}

func TestARecreatedPartitionKeepsTheNumberOfPartitions(t *testing.T) {
	t.Parallel()
	h := byMurmur2(t, 12)
	all, _ := twelve()
	for _, p := range all {
		h.d.Restarted(h.now, p, 0, 10)
	}
	h.ask()
	h.settle()
	h.besideAnother(kafka.CRC32Balancer{}, true)
}
