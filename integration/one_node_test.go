package integration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testWorkerThatComesFirst must run first on a cluster, because there is no __consumer_offsets until a client requests
// a group's coordinator.
func (s *suite) testWorkerThatComesFirst(t *testing.T, brokers []string) {
	t.Helper()
	r := s.newRunWithoutTopic(t, brokers, 3, sandbox.Faults{})
	w := r.newWorker(t)
	w.start(t)
	eventually(t, 30*time.Second, "a line that names the missing topic", func() string {
		for line := range strings.SplitSeq(w.Stdout()+w.Stderr(), "\n") {
			if strings.Contains(line, r.topic) && (strings.Contains(line, `"WARN"`) || strings.Contains(line, `"ERROR"`)) {
				return ""
			}
		}
		return "no line names it"
	})
	if status, body := w.page(t, "/livez"); status != http.StatusOK {
		t.Errorf("got %d %q from /livez of a waiting worker, want 200", status, body)
	}
	if status, body := w.page(t, "/readyz"); status == http.StatusOK {
		t.Errorf("got %d %q from /readyz of a worker that never joined, want not ready", status, body)
	}

	r.broker.create(t, r.topic, r.partitions, 1<<20)
	orders := shop.NewOrders("early", 30, 1)
	var events []audit.Event
	for range 300 {
		events = append(events, orders.Next())
	}
	r.write(t, events)
	r.finish(t, 2*time.Minute)
	if status, body := w.page(t, "/readyz"); status != http.StatusOK {
		t.Errorf("got %d %q from /readyz of a working worker, want 200", status, body)
	}
	w.stop(t)
	r.audit(t)
}

// testRefusals: every event is accepted or becomes a letter, in order, whatever LeadHit responds.
func (s *suite) testRefusals(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("20000 events, some refused, some retried after a 503", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 6, sandbox.Faults{Errors: 0.02, Latency: 5 * time.Millisecond})
		orders := shop.NewOrders("order", 1000, 1)
		var events []audit.Event
		refused := 0
		for i := range 20000 {
			if i%100 == 99 {
				events = append(events, orders.Refused())
				refused++
				continue
			}
			events = append(events, orders.Next())
		}
		r.write(t, events)
		w := r.newWorker(t)
		begin := time.Now()
		w.start(t)
		r.finish(t, 5*time.Minute)
		t.Logf("%d events in %.1f s", len(events), time.Since(begin).Seconds())
		w.stop(t)

		report := r.audit(t)
		if report.Repeats != 0 {
			t.Errorf("got %d repeated calls without a crash, want none", report.Repeats)
		}
		if got := len(r.broker.letters(t, "dlq."+r.group)); got != refused {
			t.Errorf("got %d letters, want one for each of %d refused events", got, refused)
		}
		if _, most := r.leadhit.InFlight(); most > 64 {
			t.Errorf("got up to %d calls in flight, want at most 64", most)
		}
	})
}

// testTransactions: events in aborted transactions are never sent.
func (s *suite) testTransactions(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a producer aborts half of its transactions", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 3, sandbox.Faults{})
		w := r.newWorker(t)
		w.start(t)
		transactional, err := shop.OpenTransactional(brokers, "shop-"+r.topic)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(transactional.Close)
		orders := shop.NewOrders("order", 50, 2)
		for i := range 60 {
			var events []audit.Event
			for range 20 {
				events = append(events, orders.Next())
			}
			finish, err := transactional.Begin(t.Context(), r.topic, events)
			if err != nil {
				t.Fatal(err)
			}
			written, err := finish(t.Context(), kgo.TransactionEndTry(i%2 == 1))
			if err != nil {
				t.Fatal(err)
			}
			r.events = append(r.events, written...)
		}
		r.finish(t, 2*time.Minute)
		w.stop(t)
		if report := r.audit(t); report.Repeats != 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
}

// testUnauthorised: a rejected key pauses all calls and creates no letter, and a new key file is enough to resume them.
func (s *suite) testUnauthorised(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a wrong key for a minute", func(t *testing.T) {
		t.Parallel()
		const inFlight, minute, changes = 16, 60 * time.Second, 2
		r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 5 * time.Millisecond})
		r.inFlight(inFlight)
		r.writeKey(t, "wrong-"+s.canary)
		orders := shop.NewOrders("order", 500, 3)
		var events []audit.Event
		for range 5000 {
			events = append(events, orders.Next())
		}
		r.write(t, events)
		w := r.newWorker(t)
		w.start(t)
		w.calling(t, 1)
		began := time.Now()

		w.showsPause(t)
		for i := range changes {
			until(t, began.Add(time.Duration(i+1)*minute/(changes+1)))
			r.writeKey(t, fmt.Sprintf("wrong-%d-%s", i, s.canary))
		}
		until(t, began.Add(minute))
		calls, passed := r.leadhit.Count(), time.Since(began)
		t.Logf("%d calls in %v of 403", calls, passed.Round(time.Second))
		if most := inFlight + int(passed/(30*time.Second)) + changes; calls > most {
			t.Errorf("got %d calls in %v of 403, want at most %d", calls, passed, most)
		}

		r.writeKey(t, s.canary)
		r.finish(t, 2*time.Minute)
		w.showsNoPause(t)
		w.stop(t)
		r.audit(t)
		if got := len(r.broker.letters(t, "dlq."+r.group)); got != 0 {
			t.Errorf("got %d letters, want none", got)
		}
	})
}

// showsPause requires that /readyz, the metrics and the log show the pause.
func (w *worker) showsPause(t *testing.T) {
	t.Helper()
	eventually(t, 20*time.Second, "the pause in /readyz", func() string {
		if status, body := w.page(t, "/readyz"); status != http.StatusOK || !strings.Contains(body, "paused: unauthorised") {
			return fmt.Sprint(status, " ", body)
		}
		return ""
	})
	if _, metrics := w.page(t, "/metrics"); !strings.Contains(metrics, `leadhit_sync_paused{reason="unauthorised"} 1`) {
		t.Error("got no metric leadhit_sync_paused{reason=\"unauthorised\"} of 1")
	}
	if log := w.Stdout() + w.Stderr(); !strings.Contains(log, "unauthorised") {
		t.Error("got no log line about the pause")
	}
}

func (w *worker) showsNoPause(t *testing.T) {
	t.Helper()
	if _, body := w.page(t, "/readyz"); strings.Contains(body, "paused") {
		t.Errorf("got %q from /readyz after the key was corrected", body)
	}
	if _, metrics := w.page(t, "/metrics"); strings.Contains(metrics, `leadhit_sync_paused{reason="unauthorised"} 1`) {
		t.Error("got the metric of a pause after the key was corrected")
	}
}

// until waits until the given moment.
func until(t *testing.T, moment time.Time) {
	t.Helper()
	select {
	case <-time.After(time.Until(moment)):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}
