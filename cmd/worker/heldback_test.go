package worker_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/status"
	"leadhit-sync/integration/handmade"
	"leadhit-sync/leadhit/sandbox"
)

func TestAnOpenTransactionIsOnEachPage(t *testing.T) {
	s := newScene(t)
	s.produce(1, `{"order_id":"4711","status":"paid"}`)
	// retention.ms is a week, and half of that week has passed.
	opened := time.Now().Add(-84 * time.Hour).Truncate(time.Millisecond) // Kafka keeps milliseconds
	commit := s.openTransaction(opened, `{"order_id":"4712","status":"paid"}`)
	for range 9 {
		s.produce(1, `{"order_id":"4713","status":"paid"}`)
	}
	s.run()
	page := s.shows("/metrics", `leadhit_sync_events_held_back{topic="orders"} 10`)
	age := time.Since(opened).Seconds()
	for _, series := range []string{"open_transaction_seconds", "lag_seconds", "oldest_unfinished_age_seconds"} {
		if got := value(t, page, series+`{topic="orders"}`); got < age-300 || got > age {
			t.Errorf("%s: got %v, want about %v", series, got, age)
		}
	}
	page = s.shows("/metrics", "leadhit_sync_retention_used_ratio")
	if used, left := value(t, page, `retention_used_ratio{topic="orders"}`),
		value(t, page, `time_to_loss_seconds{topic="orders"}`); used < 0.499 || used > 0.51 || left > 84*3600 ||
		left < 83*3600 {
		t.Errorf("got %v of the retention used and %v s left, want half of it", used, left)
	}

	var shown status.Worker
	_, text := s.page("/status")
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	p := shown.Partitions[1]
	if shown.HeldBack != 10 || shown.HeldBackAge < age-300 || p.End != 11 || p.OpenTransaction == nil ||
		p.OpenTransaction.LastStable != 1 ||
		p.OpenTransaction.HeldBack != 10 || p.OpenTransaction.Since.UnixMilli() != opened.UnixMilli() ||
		shown.Partitions[0].OpenTransaction != nil {
		t.Errorf("got %s, want ten events held back from offset 1 on", text)
	}

	said := "orders/1: an open transaction at offset 1 holds back 10 events since " + opened.UTC().Format(time.RFC3339)
	if _, ready := s.page("/readyz"); !strings.Contains(ready, said) || len(shown.Problems) != 1 ||
		!strings.HasPrefix(shown.Problems[0], said) {
		t.Errorf("got %q and %q, want %q on both pages", ready, shown.Problems, said)
	}

	commit()
	page = s.shows("/metrics", `leadhit_sync_events_held_back{topic="orders"} 0`)
	if got := value(t, page, `open_transaction_seconds{topic="orders"}`); got != 0 {
		t.Errorf("got %v s after its end, want 0", got)
	}
	s.shows("/metrics", "leadhit_sync_events_finished_total 11")
}

// time.Time has no JSON form for the year 55 million. An event with such a time once left /status empty.
func TestAnEventsTimeBreaksNoPage(t *testing.T) {
	for name, ms := range map[string]int64{
		"nanoseconds": time.Now().UnixNano(), "microseconds": time.Now().UnixMicro(), "seconds": time.Now().Unix(),
		"none": -1, "the year 1601": -11_644_473_600_000, "the largest": 1<<63 - 1,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "RETRY_MAX_ELAPSED", "0", "DEAD_LETTER_TOPIC", "letters")
			s.leadhit.Change(func(f *sandbox.Faults) { f.Orders["odd"] = sandbox.OrderFault{Code: -32000, Type: "Broken"} })
			s.produceAt(ms, `{"order_id":"odd","status":"paid"}`)
			begun := time.Now()
			s.run()
			var shown status.Worker
			text := ""
			s.until("the order waits", func() bool {
				_, text = s.page("/status")
				if err := json.Unmarshal([]byte(text), &shown); err != nil {
					t.Fatalf("got %v for the page %q", err, text)
				}
				return len(shown.Orders) == 1
			})
			most := time.Since(begun).Seconds()
			if o := shown.Orders[0]; o.Time.Before(begun.Add(-time.Minute)) || shown.OldestAge < 0 || shown.OldestAge > most {
				t.Errorf("got %s, want an age since the event was read, at most %v s", text, most)
			}
			_, page := s.page("/metrics")
			if got, most := value(t, page, `oldest_unfinished_age_seconds{topic="orders"}`),
				time.Since(begun).Seconds(); got <= 0 || got > most {
				t.Errorf("got an age of %v s, want more than 0 and at most %v", got, most)
			}
		})
	}
}

// produceAt writes one event whose time is given in milliseconds.
func (s *scene) produceAt(ms int64, value string) {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.MaxVersions(kversion.V3_6_0()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	odd := &kgo.Record{Topic: "orders", Key: []byte("odd"), Value: []byte(value)}
	if err := handmade.Write(s.t.Context(), client, odd, ms); err != nil {
		s.t.Fatal(err)
	}
}

// openTransaction writes an event to partition 1 in a transaction, and returns a function that commits it.
func (s *scene) openTransaction(at time.Time, value string) (commit func()) {
	s.t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.TransactionalID("shop"),
		kgo.TransactionTimeout(10*time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(producer.Close)
	if err := producer.BeginTransaction(); err != nil {
		s.t.Fatal(err)
	}
	r := &kgo.Record{Topic: "orders", Partition: 1, Value: []byte(value), Timestamp: at}
	if err := producer.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		s.t.Helper()
		if err := producer.EndTransaction(s.t.Context(), kgo.TryCommit); err != nil {
			s.t.Fatal(err)
		}
	}
}
