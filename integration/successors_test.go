package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/ports"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	succeeds     = "removed this worker's dead predecessor from the group"
	succeedsFrom = time.Second // after the kill
	lastCalls    = 3 * time.Second
	afterwards   = 1500 * time.Millisecond // before the next kill
)

// testSuccessors: a worker that is killed and restarted at the same address does not hold up the other workers. The
// restarted worker has its partitions back long before the dead worker's session times out.
func (s *suite) testSuccessors(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("kill -9 and a start in the same place", func(t *testing.T) {
		r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: chaosLatency})
		r.settings["LEADHIT_TIMEOUT"] = lastCalls.String()
		r.inFlight(inFlight)
		orders := shop.NewOrders("order", 400, 21)
		var workers []*worker
		for i := range 3 {
			w := r.newWorker(t)
			w.url = strings.Replace(w.url, "/api/", fmt.Sprintf("/place%d/api/", i), 1)
			w.address = freeAddress(t)
			w.start(t)
			workers = append(workers, w)
		}
		stop := r.stream(t, chaosPace, orders.Next)
		for _, w := range workers {
			w.calling(t, 100)
		}
		r.testAFrozenPlace(t, workers[0])
		var all []succession
		for i := range number(t, "SUCCESSIONS", 2) {
			all = append(all, r.succeed(t, workers[i%3], fmt.Sprintf("/place%d/", i%3)))
		}
		removed := 0.0
		for _, w := range workers {
			removed += w.metric(t, "leadhit_sync_predecessors_removed_total")
		}
		stop()
		r.finish(t, time.Minute)
		for _, w := range workers {
			w.stop(t)
		}
		r.audit(t)
		// Each running worker counts the predecessor that it removed. The counts of replaced workers are gone.
		if want := min(len(all), 3); int(removed) != want {
			t.Errorf("got %v dead workers removed by those that run, want %d", removed, want)
		}
		r.judgeSuccessions(t, all)
	})
}

// succession describes how a worker was killed and then restarted at the same address.
type succession struct {
	killed, started time.Time
	lost            []int // the partitions of the killed worker
}

// succeed kills a worker, restarts it, and waits until it has its partitions back. The paths of the worker's calls
// start with path.
func (r *run) succeed(t *testing.T, w *worker, path string) succession {
	t.Helper()
	owners := make(map[int]string)
	for _, call := range r.leadhit.Calls() {
		if partition, ok := r.partitionOf(call.ID); ok {
			owners[partition] = call.Path
		}
	}
	s := succession{killed: time.Now()}
	for partition, owner := range owners {
		if strings.HasPrefix(owner, path) {
			s.lost = append(s.lost, partition)
		}
	}
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, s.killed.Add(succeedsFrom))
	s.started = time.Now()
	w.start(t)
	w.awaitLine(t, 30*time.Second, succeeds)
	r.handedOver(t, s.killed)
	w.calling(t, 50)
	linger(t, afterwards)
	return s
}

// testAFrozenPlace: a worker that is frozen by a signal keeps its address. A second worker at that address exits with
// an error, and removes no member from the group.
func (r *run) testAFrozenPlace(t *testing.T, w *worker) {
	t.Helper()
	if err := w.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := &worker{run: r, url: w.url, door: &door{to: r.leadhit}, address: w.address}
	second.start(t)
	code, err := second.Wait(t.Context())
	if err := cmpErr(err, w.Signal(syscall.SIGCONT)); err != nil {
		t.Fatal(err)
	}
	if code == 0 || second.lines("address already in use") == 0 || second.lines(succeeds) > 0 {
		t.Errorf("got exit code %d and %s, want an error about HTTP_ADDR", code, lastOf(second.Stderr(), 3))
	}
}

// judgeSuccessions compares the times with their bounds.
func (r *run) judgeSuccessions(t *testing.T, all []succession) {
	t.Helper()
	const session = 10 * time.Second // the default of KAFKA_SESSION_TIMEOUT
	var waits, sinceStart, others []time.Duration
	stills := audit.Standstills(r.events, r.leadhit.Calls(), 0)
	for _, s := range all {
		gaps := r.silences(s.killed)
		var last time.Duration
		for _, partition := range s.lost {
			last = max(last, gaps[partition])
		}
		waits, sinceStart = append(waits, last), append(sinceStart, last-s.started.Sub(s.killed))
		var longest time.Duration
		for _, still := range stills {
			if still.From.After(s.killed) && still.From.Before(s.killed.Add(last+afterwards/2)) && !slices.Contains(s.lost, still.Partition) {
				longest = max(longest, still.To.Sub(still.From))
			}
		}
		others = append(others, longest)
	}
	t.Logf("partitions of the killed worker had calls again after %v, that is %v after its start; longest standstill of the others %v",
		rounded(waits), rounded(sinceStart), rounded(others))
	withinSlack(t, "calls after the kill, median", middle(waits), lastCalls+2*time.Second)
	// Without a successor, the partitions wait until the session has timed out.
	if got := middle(waits); got >= session {
		t.Errorf("got calls %v after the kill, want less than the session timeout of %v", got, session)
	}
	withinSlack(t, "the others' longest standstill", slices.Max(others), time.Second)
}

func middle(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func rounded(times []time.Duration) []time.Duration {
	var all []time.Duration
	for _, d := range times {
		all = append(all, d.Round(10*time.Millisecond))
	}
	return all
}

// freeAddress returns an address that a worker can use again after each restart.
func freeAddress(t *testing.T) string {
	t.Helper()
	reserved, err := ports.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reserved.Close() })
	return reserved.Address(0)
}
