package integration_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/integration/handmade"
	"leadhit-sync/leadhit/sandbox"
)

// testOddTimes: some producers give times in a unit other than milliseconds. All pages must still work, and ages must
// be computed from the events with plausible times. All calls fail, so that all events stay visible.
func (s *suite) testOddTimes(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("events whose times cannot be true", func(t *testing.T) {
		t.Parallel()
		r := s.newRunWithoutTopic(t, brokers, 1, sandbox.Faults{Errors: 1})
		r.createFreely(t)
		client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxVersions(kversion.V3_6_0()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		now := time.Now()
		const hour = 3600 // seconds
		times := []int64{
			now.UnixNano(), now.UnixMicro(), now.Unix(), -1, 0, now.Add(365 * 24 * time.Hour).UnixMilli(),
			now.Add(-hour * time.Second).UnixMilli(), // the only correct time
			1<<63 - 1,
		}
		for i, ms := range times {
			value := fmt.Appendf(nil, `{"order_id":"order-%d","status":"paid"}`, i)
			if err := handmade.Write(t.Context(), client, &kgo.Record{Topic: r.topic, Value: value}, ms); err != nil {
				t.Fatalf("%d ms: %v", ms, err)
			}
		}
		w := r.newWorker(t)
		w.start(t)
		r.allWait(t, w, now, len(times))
		_, metrics := w.page(t, "/metrics")
		if !strings.Contains(metrics, fmt.Sprintf("leadhit_sync_oldest_unfinished_age_seconds{topic=%q} 36", r.topic)) {
			t.Errorf("got no age of an hour from /metrics")
		}
		r.leadhit.Change(func(f *sandbox.Faults) { f.Errors = 0 })
		r.finish(t, 2*time.Minute)
		w.stop(t)
	})
}

// allWait waits until the given number of orders are waiting. The oldest event must be the one with a plausible time,
// an hour before now.
func (r *run) allWait(t *testing.T, w *worker, now time.Time, orders int) {
	t.Helper()
	const hour = 3600
	eventually(t, time.Minute, "all orders wait", func() string {
		if why := r.died(); why != "" {
			t.Fatal(why)
		}
		_, text := w.page(t, "/status")
		var status struct {
			Oldest  float64 `json:"oldest_unfinished_age_seconds"`
			Waiting []struct {
				Order string    `json:"order_id"`
				Time  time.Time `json:"event_time"`
			}
		}
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			t.Fatalf("got %v for %q, want valid JSON", err, text)
		}
		if len(status.Waiting) != orders {
			return fmt.Sprint(len(status.Waiting), " of ", orders)
		}
		if status.Oldest < hour || status.Oldest > hour+1+time.Since(now).Seconds() || status.Waiting[0].Order != "order-6" {
			t.Errorf("got %s, want an age of an hour, and the order of the event with the correct time first", text)
		}
		return ""
	})
}

// createFreely creates the topic so that a broker accepts every timestamp. By default, Kafka 4 rejects timestamps more
// than an hour in the future. Brokers before 3.6 do not know the setting (KIP-937), and have no such limit.
func (r *run) createFreely(t *testing.T) {
	t.Helper()
	settings := []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "-1"}}
	if !before(3, 6) {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "message.timestamp.after.max.ms", ConfigValue: "9223372036854775807"})
	}
	r.broker.create(t, r.topic, r.partitions, 1<<20, settings...)
}
