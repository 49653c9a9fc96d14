package integration_test

import (
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testBrokersDown: with two of three brokers down for BROKERS_DOWN seconds, nothing can be acknowledged, so letters
// wait, and nothing is committed ahead of them. When the brokers are back, the worker continues.
func (s *suite) testBrokersDown(t *testing.T) {
	t.Parallel()
	cluster := ownCluster(t, 3)
	r := s.newRun(t, cluster.Brokers(), 6, sandbox.Faults{Latency: 40 * time.Millisecond})
	r.inFlight(inFlight)
	orders := shop.NewOrders("order", 300, 22)
	made := 0
	next := func() audit.Event {
		if made++; made%5 == 0 {
			return orders.Refused()
		}
		return orders.Next()
	}
	w := r.newWorker(t)
	w.start(t)
	r.write(t, several(300, next))
	w.calling(t, 100)
	sampler, stop := r.sample(t)
	r.write(t, several(1500, next)) // work for the time in which nothing can be written

	nodes, down := cluster.Nodes(), seconds(t, "BROKERS_DOWN", 20)
	for _, node := range nodes[1:] {
		if err := node.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	until(t, began.Add(down))
	t.Logf("while the brokers are down: %s", lastOf(w.Stdout(), 6))
	for _, node := range nodes[1:] {
		if err := node.Start(); err != nil {
			t.Fatal(err)
		}
	}
	back := time.Now()
	if err := cluster.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the cluster is ready %.1f s after the nodes were started", time.Since(back).Seconds())
	r.finish(t, 2*time.Minute)
	t.Logf("everything is committed %.1f s after the nodes were started", time.Since(back).Seconds())
	r.write(t, several(100, next))
	r.finish(t, time.Minute)
	w.stop(t)
	stop()
	r.audit(t)
	r.judgeSamples(t, sampler)
}

func several(count int, next func() audit.Event) []audit.Event {
	events := make([]audit.Event, count)
	for i := range events {
		events[i] = next()
	}
	return events
}

// judgeSamples fails the test if a sampled commit passed an event that was not settled at that time: neither accepted
// nor stored as a letter.
func (r *run) judgeSamples(t *testing.T, sampler *sampler) {
	t.Helper()
	report := audit.Compare(audit.Evidence{
		Events: r.events, Calls: r.leadhit.Calls(), Letters: r.broker.letters(t, "dlq."+r.group), Samples: sampler.samples,
	})
	for _, line := range report.Ahead {
		t.Error(line)
	}
	t.Logf("read the committed offsets %d times, and found new ones %d times; %d events were passed before they were settled",
		sampler.rounds, len(sampler.samples), len(report.Ahead))
	if sampler.rounds < 50 || len(sampler.samples) < 20 {
		t.Error("got too few samples to prove anything")
	}
}
