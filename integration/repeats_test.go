package integration_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testRepeats: a shop sends many repeats. There are four events per order, and three in five events have a status that
// the order already has. Exactly these events get no call, LeadHit has the last status of each order, and preview
// predicts the number of calls.
func (s *suite) testRepeats(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a shop that repeats itself", func(t *testing.T) {
		t.Parallel()
		const orders = 2000
		r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 5 * time.Millisecond})
		stream := shop.NewOrders("order", orders, 8).Repeat(0.8)
		var events []audit.Event
		last := make(map[string]string)
		repeats := 0
		for i := range 4 * orders {
			event := stream.NextOf(i % orders)
			if last[event.Order] == event.Status {
				repeats++
			}
			last[event.Order] = event.Status
			events = append(events, event)
		}
		r.write(t, events)
		calls := len(events) - repeats
		var said struct {
			Orders struct {
				Needed int `json:"calls_without_repeats"`
			} `json:"orders"`
		}
		if r.preview(t, r.topic, &said); said.Orders.Needed != calls {
			t.Errorf("got %d needed calls from preview, want %d", said.Orders.Needed, calls)
		}
		w := r.newWorker(t)
		w.start(t)
		r.finish(t, 2*time.Minute)
		_, metrics := w.page(t, "/metrics")
		w.stop(t)

		report := r.audit(t)
		if got := r.leadhit.Count(); got != calls || report.Skipped != repeats || report.Repeats != 0 {
			t.Errorf("got %d calls of %d events and %v, want %d calls and %d skipped", got, len(events), report, calls, repeats)
		}
		if got := r.statuses(); !maps.Equal(got, last) {
			t.Errorf("got the statuses %v at LeadHit, want %v", got, last)
		}
		if want := `leadhit_sync_items_total{action="repeat"}`; !strings.Contains(metrics, want) {
			t.Errorf("got no %s in the metrics", want)
		}
		t.Logf("%d events, %d calls: %.1f %% fewer", len(events), calls, 100*float64(repeats)/float64(len(events)))
	})
}

// statuses returns the last status that LeadHit accepted for each order.
func (r *run) statuses() map[string]string {
	last := make(map[string]string)
	for _, call := range r.leadhit.Calls() {
		if call.Executed {
			last[call.OrderID] = call.Status
		}
	}
	return last
}
