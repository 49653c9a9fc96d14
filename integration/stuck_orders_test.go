package integration_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testPoison: a partition whose orders all fail forever, and whose window is full of their events, does not starve the
// other partitions.
func (s *suite) testPoison(t *testing.T, brokers []string) {
	t.Helper()
	for _, test := range []struct {
		name  string
		fault sandbox.OrderFault
	}{
		{"a partition whose orders all fail with an error from LeadHit", sandbox.OrderFault{Code: -32000, Type: "OperationalError"}},
		{"a partition whose orders all fail with a 500", sandbox.OrderFault{Status: 500}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const window = 300
			r := s.newRun(t, brokers, 4, sandbox.Faults{Latency: 20 * time.Millisecond})
			r.settings["WINDOW_EVENTS"] = strconv.Itoa(window)
			r.settings["RETRY_MAX_ELAPSED"], r.settings["RETRY_MAX"] = "0", "5s"
			good := r.poison(t, test.fault, 2*window)
			w := r.newWorker(t)
			w.start(t)
			eventually(t, time.Minute, "a full window", func() string {
				return unless(w.metric(t, "leadhit_sync_partitions_window_full") == 1, "it is not full yet")
			})
			eventually(t, time.Minute, "everything except the poison accepted", r.untold)
			stop := r.trickle(t, 40, good)
			linger(t, 10*time.Second)
			written := stop()
			eventually(t, 30*time.Second, "everything except the poison accepted", r.untold)
			// The gate may close for a few seconds, but never for as long as the poison lasts.
			r.judgeWaits(t, written, 10*time.Second)

			r.leadhit.Change(func(f *sandbox.Faults) { f.Orders = nil })
			r.finish(t, time.Minute)
			w.stop(t)
			r.audit(t)
		})
	}
}

// poison writes one event for each of 8 × count orders, and makes the orders in partition 0 fail. It returns a source
// of events in the other partitions.
func (r *run) poison(t *testing.T, fault sandbox.OrderFault, count int) (good func() audit.Event) {
	t.Helper()
	orders := shop.NewOrders("order", 8000, 17)
	var first []audit.Event
	for n := range 8 * count {
		first = append(first, orders.NextOf(n))
	}
	r.write(t, first) // shows the partition of each order
	var others []int
	r.leadhit.Change(func(f *sandbox.Faults) {
		for n := range first {
			event := r.events[n]
			if event.Partition == 0 {
				f.Orders[event.Order] = fault
			} else {
				others = append(others, n)
			}
		}
	})
	next := 0
	return func() audit.Event {
		next++
		return orders.NextOf(others[next%len(others)])
	}
}

// untold returns how many events in the partitions without failing orders are not accepted, or "" if there are none.
func (r *run) untold() string {
	done := make(map[string]bool)
	for _, call := range r.leadhit.Calls() {
		if call.Executed {
			done[call.ID] = true
		}
	}
	left := 0
	for _, event := range r.events {
		if event.Partition != 0 && !done[event.CallID()] {
			left++
		}
	}
	return unless(left == 0, "%d events of other partitions are not accepted", left)
}

// judgeWaits checks how much time passed between writing each event and its call.
func (r *run) judgeWaits(t *testing.T, written map[string]time.Time, limit time.Duration) {
	t.Helper()
	waits := r.waits(written, "")
	p99 := waits[len(waits)*99/100]
	t.Logf("%d events of the other partitions, sent after %v (median), %v (99 %%), %v (maximum)", len(waits),
		waits[len(waits)/2].Round(time.Millisecond), p99.Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond))
	withinSlack(t, "99 % of the waits from the writing of an event to its call", p99, limit)
}

// waits returns the sorted times from writing each event to its first call, except for the events of one order.
func (r *run) waits(written map[string]time.Time, without string) []time.Duration {
	called := make(map[string]time.Time)
	for _, call := range r.leadhit.Calls() {
		if _, known := called[call.ID]; !known {
			called[call.ID] = call.Arrived
		}
	}
	var waits []time.Duration
	for _, event := range r.events {
		begin, ours := written[string(event.Value)]
		at, known := called[event.CallID()]
		if ours && known && event.Order != without {
			waits = append(waits, at.Sub(begin))
		}
	}
	slices.Sort(waits)
	return waits
}
