package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const heldLine = "an open transaction holds back events"

// testOpenTransactions: a transaction that its producer leaves open holds back the events behind it. /status, the
// metrics, the log and preview all show that. Neither a commit nor an abort loses an event.
func (s *suite) testOpenTransactions(t *testing.T, brokers []string) {
	t.Helper()
	for name, end := range map[string]kgo.TransactionEndTry{"is committed in the end": kgo.TryCommit, "is aborted in the end": kgo.TryAbort} {
		t.Run("a transaction that stays open and "+name, func(t *testing.T) {
			t.Parallel()
			s.newRun(t, brokers, 1, sandbox.Faults{}).leavesOpen(t, end)
		})
	}
}

// leavesOpen opens a transaction that holds back events while a worker runs, and then ends the transaction.
func (r *run) leavesOpen(t *testing.T, end kgo.TransactionEndTry) {
	t.Helper()
	orders := shop.NewOrders("order", 20, 1)
	next := func(n int) (events []audit.Event) {
		for range n {
			events = append(events, orders.Next())
		}
		return events
	}
	r.write(t, next(50))
	w := r.newWorker(t)
	w.start(t)
	r.finish(t, 2*time.Minute)

	transactional, err := shop.OpenTransactional(r.broker.addrs, "shop-"+r.topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transactional.Close)
	opened := time.Now()
	open := next(100)
	finish, err := transactional.Begin(t.Context(), r.topic, open)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, next(200))

	eventually(t, time.Minute, "a line about the open transaction", func() string {
		if strings.Contains(w.Stdout()+w.Stderr(), heldLine) {
			return ""
		}
		return "no such line"
	})
	r.showsHeldBack(t, w, opened)
	r.previewsHeldBack(t)

	written, err := finish(t.Context(), end)
	if err != nil {
		t.Fatal(err)
	}
	r.events = append(r.events, written...)
	r.finish(t, 2*time.Minute)
	eventually(t, time.Minute, "nothing held back", func() string {
		if _, metrics := w.page(t, "/metrics"); !strings.Contains(metrics, fmt.Sprintf("leadhit_sync_events_held_back{topic=%q} 0", r.topic)) {
			return "the metric is not 0"
		}
		return ""
	})
	w.stop(t)
	if got := strings.Count(w.Stdout()+w.Stderr(), heldLine); got != 1 {
		t.Errorf("got %d lines about the open transaction, want one", got)
	}
	r.audit(t)
}

// showsHeldBack requires that /status, the metrics and the log show the 300 events from offset 50 on.
func (r *run) showsHeldBack(t *testing.T, w *worker, opened time.Time) {
	t.Helper()
	var status struct {
		HeldBack   int     `json:"events_held_back"`
		Lag        float64 `json:"lag_seconds"`
		Oldest     float64 `json:"oldest_unfinished_age_seconds"`
		Partitions []struct {
			End             int
			OpenTransaction struct {
				LastStable int `json:"last_stable"`
				HeldBack   int `json:"events_held_back"`
				Since      time.Time
			} `json:"open_transaction"`
		}
	}
	_, text := w.page(t, "/status")
	if err := json.Unmarshal([]byte(text), &status); err != nil || len(status.Partitions) != 1 {
		t.Fatalf("got %v for %s", err, text)
	}
	p := status.Partitions[0]
	since := p.OpenTransaction.Since
	if status.HeldBack != 300 || p.End != 350 || p.OpenTransaction.LastStable != 50 || p.OpenTransaction.HeldBack != 300 ||
		since.Before(opened.Add(-time.Minute)) || since.After(opened.Add(time.Minute)) || status.Lag < 4 || status.Oldest < 4 {
		t.Errorf("got %s, want 300 events held back from offset 50 on, and their age", text)
	}
	_, metrics := w.page(t, "/metrics")
	for _, want := range []string{fmt.Sprintf("leadhit_sync_events_held_back{topic=%q} 300", r.topic), "leadhit_sync_open_transaction_seconds{"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("got no %s from /metrics", want)
		}
	}
	for line := range strings.SplitSeq(w.Stdout()+w.Stderr(), "\n") {
		if !strings.Contains(line, heldLine) {
			continue
		}
		for _, want := range []string{r.topic, `"partition":0`, `"offset":50`, `"events":300`, `"since":`, "kafka-transactions.sh"} {
			if !strings.Contains(line, want) {
				t.Errorf("got %s, want %s in it", line, want)
			}
		}
	}
}

// previewsHeldBack runs a preview that starts now. There is nothing to read, but events are held back.
func (r *run) previewsHeldBack(t *testing.T) {
	t.Helper()
	process, err := program.Start(r.binary, program.Options{
		Arguments: []string{"preview", "--since", "1ms"}, Dir: r.emitted,
		Settings: map[string]string{"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_TOPICS": r.topic},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code, err := process.Wait(ctx)
	if want := fmt.Sprintf("an open transaction holds back 300 events of %s/0 from offset 50;", r.topic); err != nil || code != 0 ||
		!strings.Contains(process.Stdout(), want) || strings.Contains(process.Stdout(), "no events") {
		t.Errorf("got exit code %d, %v and %s%s from preview, want %q", code, err, process.Stdout(), process.Stderr(), want)
	}
}
