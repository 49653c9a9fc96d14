package integration_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testMembers tests members that join and leave, and one that freezes.
func (s *suite) testMembers(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a member that joins and leaves many times", func(t *testing.T) {
		t.Parallel()
		s.testComingAndGoing(t, brokers)
	})
	t.Run("a member that freezes for two session timeouts", func(t *testing.T) {
		t.Parallel()
		s.testFreeze(t, brokers)
	})
}

// testComingAndGoing: members join and leave many times. Each generation releases what it used, and no call is
// repeated.
func (s *suite) testComingAndGoing(t *testing.T, brokers []string) {
	t.Helper()
	r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 5 * time.Millisecond})
	orders := shop.NewOrders("order", 300, 14)
	w := r.newWorker(t)
	w.start(t)
	r.writeSome(t, orders, 1000) // opens as many connections as calls may be in flight, and these stay open
	r.finish(t, time.Minute)
	stop := r.trickle(t, 50, orders.Next)
	r.passBy(t)
	early := w.holds(t)
	joins := number(t, "JOINS", 30)
	for range joins {
		r.passBy(t)
	}
	late := w.holds(t)
	stop()
	r.finish(t, time.Minute)
	generations := w.metric(t, "leadhit_sync_generations_total")
	t.Logf("%d joins, %.0f generations: %v, then %v", joins+1, generations, early, late)
	if generations < float64(joins) {
		t.Errorf("got %.0f generations, want at least %d: each join makes one", generations, joins)
	}
	// A leak in each generation would add at least one goroutine or file per join. Connections come and go, more of
	// them on a busy machine.
	if most := joins * 2 / 3; late.goroutines > early.goroutines+most || late.files > early.files+most {
		t.Errorf("got %v after the first member and %v after %d, want no growth", early, late, joins)
	}
	w.stop(t)
	if report := r.audit(t); report.Repeats > 0 {
		t.Errorf("got %d repeated calls, want none: each generation was drained", report.Repeats)
	}
}

// testFreeze: if a worker's membership ended while it was frozen, it makes no call before it has rejoined.
func (s *suite) testFreeze(t *testing.T, brokers []string) {
	t.Helper()
	const short = 6 * time.Second
	r := s.newRun(t, brokers, 4, sandbox.Faults{Latency: 100 * time.Millisecond})
	r.settings["KAFKA_SESSION_TIMEOUT"] = short.String()
	r.settings["LEADHIT_TIMEOUT"] = "1s"
	r.inFlight(4)
	orders := shop.NewOrders("order", 300, 15)
	// The workers cannot process so many events before the thaw, so the frozen one has work in its window.
	r.writeSome(t, orders, 3000)
	stop := r.trickle(t, 80, orders.Next)
	frozen, other := r.newWorker(t), r.newWorker(t)
	frozen.url = strings.Replace(frozen.url, "/api/", "/frozen/api/", 1)
	for _, w := range []*worker{frozen, other} {
		w.start(t)
	}
	for _, w := range []*worker{frozen, other} {
		w.calling(t, 50)
	}
	began := time.Now()
	if err := frozen.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	until(t, began.Add(2*short))
	thawed := time.Now()
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	rejoined := frozen.joinedAfter(t, thawed)
	if late := r.callsBetween("/frozen/", thawed, rejoined); late != 0 {
		t.Errorf("got %d calls between the thaw and the new membership, want none", late)
	}
	t.Logf("a member again %.1f s after the thaw", rejoined.Sub(thawed).Seconds())
	eventually(t, 30*time.Second, "calls of the member that froze", func() string {
		return unless(r.callsBetween("/frozen/", rejoined, time.Now()) >= 20, "too few")
	})
	stop()
	r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = 5 * time.Millisecond })
	r.finish(t, time.Minute)
	for _, w := range []*worker{frozen, other} {
		w.stop(t)
	}
	report := r.audit(t)
	t.Logf("%d repeated calls", report.Repeats)
}

// passBy makes another client with the workers' protocol join the group and leave it at once.
func (r *run) passBy(t *testing.T) {
	t.Helper()
	member, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: r.group, Brokers: r.broker.addrs, Topics: []string{r.topic}, GroupBalancers: []kafka.GroupBalancer{ours{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = member.Close() }() // its error is always nil
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := member.Next(ctx); err != nil {
		t.Fatalf("a member cannot join: %v", err)
	}
}

// callsBetween counts the calls that arrived between two times and whose path has the given prefix.
func (r *run) callsBetween(path string, from, to time.Time) int {
	count := 0
	for _, call := range r.leadhit.Calls() {
		if strings.HasPrefix(call.Path, path) && call.Arrived.After(from) && call.Arrived.Before(to) {
			count++
		}
	}
	return count
}

// joinedAfter waits until the worker's log shows that the worker joined the group after the given time. It returns the
// time of joining.
func (w *worker) joinedAfter(t *testing.T, moment time.Time) time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var joined time.Time
	_, err := w.Line(ctx, "joined the group", func(attributes map[string]any) bool {
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(attributes["time"]))
		joined = at
		return err == nil && at.After(moment)
	})
	if err != nil {
		t.Fatal(err)
	}
	return joined
}

// held counts what must not grow in a process.
type held struct{ goroutines, files int }

func (h held) String() string {
	return fmt.Sprintf("%d goroutines, %d open files", h.goroutines, h.files)
}

// holds returns the minimum of several readings, because a temporary rise is not a leak.
func (w *worker) holds(t *testing.T) held {
	t.Helper()
	var least held
	for n := range 10 {
		now := held{int(w.metric(t, "go_goroutines")), descriptors(w.PID())}
		if n == 0 {
			least = now
		}
		least = held{min(least.goroutines, now.goroutines), min(least.files, now.files)}
		linger(t, 200*time.Millisecond)
	}
	return least
}
