package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// BenchmarkStuckOrder measures how an order that always fails delays 1,000 other orders. It compares the time from
// writing an event to its call, with and without that order, on real Kafka with 12 partitions. PAIRS is the number of
// pairs of runs, one without that order and one with it. The benchmark runs once and prints a table.
func BenchmarkStuckOrder(b *testing.B) {
	s := newSuite(b)
	brokers := oneNode(b)
	table := []string{fmt.Sprintf("%-6s %30s %30s %8s", "pair", "without: 50 / 99 %", "beside a stuck order: 50 / 99 %", "99 %")}
	var ratios []float64
	for pair := range number(b, "PAIRS", 5) {
		without := s.besideAnOrder(b, brokers, sandbox.OrderFault{})
		beside := s.besideAnOrder(b, brokers, sandbox.OrderFault{Status: 503})
		ratio := float64(p99(beside)) / float64(p99(without))
		ratios = append(ratios, ratio)
		table = append(table, fmt.Sprintf("%-6d %30s %30s %7.2f×", pair+1, middleAnd99(without), middleAnd99(beside), ratio))
	}
	slices.Sort(ratios)
	table = append(table, fmt.Sprintf("%-6s %30s %30s %7.2f×", "median", "", "", ratios[len(ratios)/2]))
	fmt.Println("\n" + strings.Join(table, "\n")) // b.Log shows at most ten lines
	b.ReportMetric(0, "ns/op")                    // the table has the figures
}

func p99(waits []time.Duration) time.Duration { return waits[len(waits)*99/100] }

func middleAnd99(waits []time.Duration) string {
	return fmt.Sprintf("%.1f / %.1f ms", waits[len(waits)/2].Seconds()*1000, p99(waits).Seconds()*1000)
}

// besideAnOrder runs a worker under a steady load that includes an order with a fault. It returns how long the other
// orders' events waited.
func (s *suite) besideAnOrder(b *testing.B, brokers []string, fault sandbox.OrderFault) []time.Duration {
	b.Helper()
	r := s.newRun(b, brokers, 12, sandbox.Faults{Latency: 20 * time.Millisecond})
	r.settings["RETRY_MAX_ELAPSED"] = "0"
	orders := shop.NewOrders("order", 1001, 23)
	stuck := orders.ID(1000)
	r.leadhit.Change(func(f *sandbox.Faults) { f.Orders[stuck] = fault })
	w := r.newWorker(b)
	w.start(b)
	warm := r.trickle(b, 100, func() audit.Event { return orders.NextOf(1000) })
	w.calling(b, 1)
	warm()
	made := 0
	stop := r.trickle(b, 200, func() audit.Event {
		if made++; made%50 == 0 {
			return orders.NextOf(1000)
		}
		return orders.NextOf(made * 7 % 1000)
	})
	linger(b, 20*time.Second)
	written := stop()
	r.hopeless = map[string]bool{stuck: fault != sandbox.OrderFault{}}
	w.stop(b)
	r.audit(b)
	return r.waits(written, stuck)
}
