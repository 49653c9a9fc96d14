package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	replicas = 3
	// minReady is how long a pod must have been ready before the next one is replaced. The manifests' 10 s would only
	// slow the test down.
	minReady = 2 * time.Second
	// steady is how long partitions may make no progress just because the machine is busy.
	steady = 500 * time.Millisecond
)

// testRollout replaces all workers as a Deployment with maxSurge 0 and maxUnavailable 1 does. A pod is terminated, and
// its successor starts at once, because terminating pods are not counted. The next pod follows when the successor is
// available.
func (s *suite) testRollout(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a Deployment's rolling update", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 300 * time.Millisecond}) // so that a drain takes a while
		r.inFlight(inFlight)
		orders := shop.NewOrders("order", 400, 9)
		stop := r.stream(t, 60, orders.Next)
		d := &deployment{run: r}
		for range replicas {
			d.add(t)
		}
		for _, pod := range d.pods {
			d.available(t, pod)
		}
		begin := time.Now()
		for range number(t, "ROLLOUTS", 1) {
			for range replicas {
				d.replaceOldest(t)
			}
		}
		took := time.Since(begin)
		stop()
		r.finish(t, time.Minute)
		d.end(t)

		report := r.audit(t)
		if report.Repeats != 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
		t.Logf("rolling update in %.1f s, drains of %v; alive at once %d; standstills over %v: %s", took.Seconds(), d.drains, d.most,
			steady, standstills(r, begin))
	})
}

// deployment acts as the controller of a Deployment. It has the running pods, the oldest first, and the terminating
// ones.
type deployment struct {
	run    *run
	pods   []*worker
	ending []*ending
	most   int // the most processes that were alive at once
	drains []time.Duration
}

// ending is a pod between its SIGTERM and its end.
type ending struct {
	pod  *program.Program
	took chan time.Duration // closed without a value if the pod did not end cleanly
}

func (d *deployment) add(t *testing.T) {
	t.Helper()
	pod := d.run.newWorker(t)
	pod.start(t)
	d.pods = append(d.pods, pod)
	alive := len(d.pods)
	for _, e := range d.ending {
		if !e.pod.Ended() {
			alive++
		}
	}
	d.most = max(d.most, alive)
}

func (d *deployment) replaceOldest(t *testing.T) {
	t.Helper()
	oldest := d.pods[0]
	d.pods = d.pods[1:]
	d.remove(t, oldest)
	d.add(t)
	d.available(t, d.pods[len(d.pods)-1])
}

// remove terminates a pod, and does not wait.
func (d *deployment) remove(t *testing.T, pod *worker) {
	t.Helper()
	for _, path := range []string{"/livez", "/metrics", "/status"} {
		pod.page(t, path)
	}
	d.run.workers = slices.DeleteFunc(d.run.workers, func(w *worker) bool { return w == pod })
	e := &ending{pod: pod.Program, took: make(chan time.Duration, 1)}
	d.ending = append(d.ending, e)
	go func() { // ends with the process; end waits for it
		defer close(e.took)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if code, err := e.pod.Terminate(ctx); err == nil && code == 0 {
			e.took <- time.Since(begin)
		}
	}()
}

// available waits until a pod has been ready for long enough.
func (d *deployment) available(t *testing.T, pod *worker) {
	t.Helper()
	var since time.Time
	eventually(t, time.Minute, "a pod that is available", func() string {
		status, text := pod.page(t, "/readyz")
		switch {
		case status != http.StatusOK:
			since = time.Time{}
			return fmt.Sprintf("/readyz: %d %s", status, text)
		case since.IsZero():
			since = time.Now()
			fallthrough
		case time.Since(since) < minReady:
			return "ready, but not for long enough"
		}
		return ""
	})
}

// end terminates all pods. It waits for them, and for those that were already terminating.
func (d *deployment) end(t *testing.T) {
	t.Helper()
	for _, pod := range d.pods {
		d.remove(t, pod)
	}
	for _, e := range d.ending {
		took, clean := <-e.took
		if !clean {
			t.Errorf("process %d did not end with exit code 0 within a minute of its SIGTERM", e.pod.PID())
		}
		d.drains = append(d.drains, took.Round(10*time.Millisecond))
	}
}

// standstills returns the longest standstill of each partition since the given time.
func standstills(r *run, since time.Time) string {
	longest := make([]time.Duration, r.partitions)
	for _, s := range audit.Standstills(r.events, r.leadhit.Calls(), steady) {
		if s.From.After(since) {
			longest[s.Partition] = max(longest[s.Partition], s.To.Sub(s.From).Round(10*time.Millisecond))
		}
	}
	return fmt.Sprint(longest)
}
