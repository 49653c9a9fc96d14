package integration_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	inFlight = 16
	session  = 10 * time.Second
	hot      = 12  // number of busy orders. They get a quarter of all events, too many to send in time with a backlog
	stuck    = 100 // index of the order that fails until the last kill is over
)

// pair starts two workers under a load close to the most that one of them alone can handle, so that there is a backlog
// after a kill.
func (s *suite) pair(t *testing.T, brokers []string, orders *shop.Orders, faults sandbox.Faults) (*run, []*worker, func()) {
	t.Helper()
	faults.Latency = 40 * time.Millisecond
	r := s.newRun(t, brokers, 6, faults)
	r.inFlight(inFlight)
	r.settings["KAFKA_SESSION_TIMEOUT"] = session.String()
	r.settings["RETRY_MAX_ELAPSED"] = "0" // the stuck order never becomes a letter
	r.settings["RETRY_MAX"] = "5s"
	workers := []*worker{r.newWorker(t), r.newWorker(t)}
	made := 0
	stop := r.stream(t, 350, func() audit.Event {
		if made++; made%4 == 0 {
			return orders.NextOf(made / 4 % hot)
		}
		return orders.Next()
	})
	for _, w := range workers {
		w.start(t)
	}
	for _, w := range workers {
		w.calling(t, 200)
	}
	return r, workers, stop
}

// testKills: a crash loses nothing, keeps the events of each order in log order, and repeats only calls that were in
// flight or had no acknowledged commit.
func (s *suite) testKills(t *testing.T, brokers []string) {
	t.Helper()
	for _, test := range []struct {
		name   string
		orders []int // orders that fail until the last kill is over
	}{
		{"kill -9 of one of two workers", nil},
		{"kill -9 while an order that keeps failing blocks the commit", []int{stuck}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			orders := shop.NewOrders("order", 400, 5)
			faults := sandbox.Faults{Orders: make(map[string]sandbox.OrderFault)}
			for _, order := range test.orders {
				faults.Orders[orders.ID(order)] = sandbox.OrderFault{Status: 503}
			}
			r, workers, stop := s.pair(t, brokers, orders, faults)
			var kills []time.Time
			for i := range number(t, "KILLS", 4) {
				victim := workers[i%2]
				kills = append(kills, time.Now())
				if err := victim.Kill(); err != nil {
					t.Fatal(err)
				}
				r.handedOver(t, kills[i])
				victim.start(t)
				victim.calling(t, 200)
			}
			stop()
			r.leadhit.Change(func(f *sandbox.Faults) { f.Orders = nil })
			r.finish(t, 2*time.Minute)
			for _, w := range workers {
				w.stop(t)
			}
			r.audit(t)
			r.judgeKills(t, kills)
		})
	}
}

// handedOver waits until each partition has had a call after a kill. A partition that the killed worker did not own
// needs no hand-over, so its next call is enough.
func (r *run) handedOver(t *testing.T, kill time.Time) {
	t.Helper()
	eventually(t, session+30*time.Second, "the hand-over", func() string {
		if gaps := r.silences(kill); len(gaps) < r.partitions {
			return fmt.Sprintf("%d of %d partitions have had calls since", len(gaps), r.partitions)
		}
		return ""
	})
}

// silences returns how long after the kill each partition had its first call, if it had one. Calls that the killed
// worker had put on the wire may still arrive within a moment, so calls in that moment are ignored.
func (r *run) silences(kill time.Time) map[int]time.Duration {
	const moment = 200 * time.Millisecond
	gaps := make(map[int]time.Duration)
	for _, call := range r.leadhit.Calls() {
		partition, ok := r.partitionOf(call.ID)
		if !ok {
			continue
		}
		if _, known := gaps[partition]; !known && call.Arrived.Sub(kill) > moment {
			gaps[partition] = call.Arrived.Sub(kill)
		}
	}
	return gaps
}

// partitionOf reads the partition from a call's id, topic-partition-offset.
func (r *run) partitionOf(id string) (partition int, ok bool) {
	text, _, _ := strings.Cut(strings.TrimPrefix(id, r.topic+"-"), "-")
	partition, err := strconv.Atoi(text)
	return partition, err == nil
}

// judgeKills judges each kill separately: what it repeated, and how long the partitions of the dead worker were silent.
func (r *run) judgeKills(t *testing.T, kills []time.Time) {
	t.Helper()
	calls := r.leadhit.Calls()
	var handovers []time.Duration
	for i, kill := range kills {
		var next time.Time
		if i+1 < len(kills) {
			next = kills[i+1]
		}
		repeats := audit.Repeats(calls, kill, next, nil)
		if repeats > 3*inFlight {
			t.Errorf("kill %d: got %d repeated calls, want at most %d", i+1, repeats, 3*inFlight)
		}
		longest := time.Duration(0)
		for _, gap := range r.silences(kill) {
			longest = max(longest, gap)
		}
		handovers = append(handovers, longest)
		t.Logf("kill %d: %d repeated calls, hand-over after %.1f s", i+1, repeats, longest.Seconds())
	}
	slices.Sort(handovers)
	n := len(handovers)
	withinSlack(t, "the median hand-over", (handovers[(n-1)/2]+handovers[n/2])/2, session+2*time.Second)
	withinSlack(t, "the worst hand-over", handovers[n-1], session+5*time.Second)
}

// testRestarts: a clean restart repeats nothing.
func (s *suite) testRestarts(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("clean rolling restarts of two workers", func(t *testing.T) {
		t.Parallel()
		r, workers, stop := s.pair(t, brokers, shop.NewOrders("order", 400, 6), sandbox.Faults{})
		for range number(t, "RESTARTS", 2) {
			for _, w := range workers {
				t.Logf("exit after %.2f s", w.stop(t).Seconds())
				w.start(t)
				w.calling(t, 200)
			}
		}
		stop()
		r.finish(t, 2*time.Minute)
		for _, w := range workers {
			w.stop(t)
		}
		if report := r.audit(t); report.Repeats != 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
}
