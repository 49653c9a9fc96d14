package shop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
)

// broker runs an embedded Kafka with an orders topic of three partitions.
func broker(t *testing.T) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

// stored reads the given number of committed records, and returns them by call id.
func stored(t *testing.T, brokers []string, count int) map[string]*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	records := make(map[string]*kgo.Record)
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d records: %v", len(records), count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { records[fmt.Sprintf("%s-%d-%d", r.Topic, r.Partition, r.Offset)] = r })
	}
	return records
}

func open(t *testing.T, brokers []string) *shop.Shop {
	t.Helper()
	s, err := shop.Open(brokers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func compare(t *testing.T, events []audit.Event, records map[string]*kgo.Record) {
	t.Helper()
	if len(events) != len(records) {
		t.Errorf("got %d records, want %d", len(records), len(events))
	}
	for _, event := range events {
		record := records[event.CallID()]
		switch {
		case record == nil:
			t.Errorf("event %s: got no record", event.CallID())
		case !bytes.Equal(record.Key, event.Key) || !bytes.Equal(record.Value, event.Value):
			t.Errorf("event %s: got %q=%q, want %q=%q", event.CallID(), record.Key, record.Value, event.Key, event.Value)
		case (record.Value == nil) != (event.Value == nil):
			t.Errorf("event %s: got a value of null: %v, want %v", event.CallID(), record.Value == nil, event.Value == nil)
		case len(record.Headers) != len(event.Headers):
			t.Errorf("event %s: got %d headers, want %d", event.CallID(), len(record.Headers), len(event.Headers))
		}
	}
}

func TestWriteReturnsWhatKafkaStored(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	orders := shop.NewOrders("o", 20, 1)
	var events []audit.Event
	for range 200 {
		events = append(events, orders.Next())
	}
	events = append(events,
		audit.Event{Key: []byte("tombstone"), Want: audit.Untouched},
		audit.Event{Key: []byte("empty"), Value: []byte{}, Want: audit.Unmappable},
		audit.Event{Key: []byte("large"), Value: bytes.Repeat([]byte("x"), 900<<10), Want: audit.Unmappable},
	)
	written, err := open(t, brokers).Write(t.Context(), "orders", events)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, written, stored(t, brokers, len(events)))
	last := make(map[string]int64)
	for _, event := range written {
		if offset, known := last[event.Order]; known && event.Order != "" && event.Offset <= offset {
			t.Errorf("order %s: got offset %d after %d, want its events in the sequence in which they were written", event.Order, event.Offset, offset)
		}
		last[event.Order] = event.Offset
	}
}

func TestAStreamKeepsItsPaceAndReturnsWhatKafkaStored(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	written, err := open(t, brokers).Stream(ctx, "orders", 500, shop.NewOrders("o", 20, 1).Next)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(written); got < 20 || got > 600 { // a busy machine writes fewer
		t.Errorf("got %d events in a second, want at most 500 or so", got)
	}
	compare(t, written, stored(t, brokers, len(written)))
}

func TestAStreamThatCannotWriteReturnsAnError(t *testing.T) {
	t.Parallel()
	s := open(t, broker(t))
	if _, err := s.Stream(t.Context(), "no-such-topic", 50, shop.NewOrders("o", 1, 1).Next); err == nil {
		t.Error("got no error from a topic that does not exist")
	}
	if _, err := s.Write(t.Context(), "no-such-topic", []audit.Event{{}}); err == nil {
		t.Error("got no error from Write to a topic that does not exist")
	}
}

func TestAnAbortedTransactionLeavesNothingToDo(t *testing.T) {
	t.Parallel()
	brokers := broker(t)
	s, err := shop.OpenTransactional(brokers, "shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	orders := shop.NewOrders("o", 3, 1)
	var kept []audit.Event
	for i := range 6 {
		end := kgo.TransactionEndTry(i%2 == 0) // commit, abort, commit …
		finish, err := s.Begin(t.Context(), "orders", []audit.Event{orders.Next(), orders.Next()})
		if err != nil {
			t.Fatal(err)
		}
		written, err := finish(t.Context(), end)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range written {
			if (event.Want == audit.Called) != (end == kgo.TryCommit) {
				t.Errorf("event %s: got the expected outcome %d for a transaction that ended with %v", event.CallID(), event.Want, end)
			}
			if event.Want == audit.Called {
				kept = append(kept, event)
			}
		}
	}
	compare(t, kept, stored(t, brokers, len(kept)))
}

func TestOrdersAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	one, two, other := shop.NewOrders("o", 50, 7), shop.NewOrders("o", 50, 7), shop.NewOrders("o", 50, 8)
	differ := false
	for range 100 {
		a, b := one.Next(), two.Next()
		if !bytes.Equal(a.Value, b.Value) {
			t.Fatalf("got %s and %s from one seed", a.Value, b.Value)
		}
		differ = differ || !bytes.Equal(a.Value, other.Next().Value)
	}
	if !differ {
		t.Error("got the same events from two seeds")
	}
}

func TestAnOrdersNeighbouringEventsDiffer(t *testing.T) {
	t.Parallel()
	orders := shop.NewOrders("o", 1, 1)
	last := ""
	for range 10 {
		event := orders.Next()
		var value struct {
			OrderID string `json:"order_id"`
			Status  string `json:"status"`
		}
		if err := json.Unmarshal(event.Value, &value); err != nil {
			t.Fatal(err)
		}
		if value.OrderID != event.Order || value.Status != event.Status || event.Status == last {
			t.Errorf("got %s after %q, want order %q with status %q", event.Value, last, event.Order, event.Status)
		}
		last = event.Status
	}
	if got := orders.Refused(); got.Want != audit.Refused || got.Status == "paid" || got.Status == "submitted" {
		t.Errorf("got %+v, want a status that LeadHit does not know", got)
	}
}

func TestAShareOfTheEventsRepeatsTheStatusOfTheirOrder(t *testing.T) {
	t.Parallel()
	const count = 5000
	orders := shop.NewOrders("o", count, 1).Repeat(0.8)
	last := make(map[string]string)
	repeats := 0
	for i := range 4 * count {
		event := orders.NextOf(i % count)
		if last[event.Order] == event.Status {
			repeats++
		}
		last[event.Order] = event.Status
	}
	if share := float64(repeats) / (4 * count); share < 0.59 || share > 0.61 {
		t.Errorf("got a share of %.3f, want 0.6", share)
	}
}

func ExampleOrders_NextOf() {
	orders := shop.NewOrders("shop", 2, 1)
	for _, order := range []int{0, 1, 0, 0} {
		event := orders.NextOf(order)
		fmt.Println(string(event.Key), event.Status)
	}
	// Output:
	// shop-0 submitted
	// shop-1 submitted
	// shop-0 paid
	// shop-0 submitted
}
