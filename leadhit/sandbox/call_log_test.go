package sandbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// send makes a call without a network.
func send(node *sandbox.Sandbox, id, order, status string) {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"method":"set_order_status","params":{"order_id":%q,"status":%q}}`, id, order, status)
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("API-KEY", "k")
	node.ServeHTTP(httptest.NewRecorder(), request)
}

func TestTheCallLogHasEveryCallInOrder(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	const calls = 10_000 // more than two chunks
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := w; i < calls; i += 4 {
				send(node, fmt.Sprint("t-0-", i), fmt.Sprint("A-", i%100), "paid")
				if i%1000 == 0 {
					node.Calls() // while calls arrive
				}
			}
		})
	}
	workers.Wait()
	got := node.Calls()
	if len(got) != calls || node.Count() != calls {
		t.Fatalf("got %d calls, want %d", len(got), calls)
	}
	checkOrder(t, got)
	if got := node.OrderCalls("A-7"); len(got) != calls/100 {
		t.Errorf("got %d calls of A-7, want %d", len(got), calls/100)
	}
	node.Reset()
	if now, most := node.InFlight(); node.Count() != 0 || now != 0 || most != 0 || len(node.Statuses()) != 0 {
		t.Errorf("after Reset: %d calls, %d and %d in flight", node.Count(), now, most)
	}
}

// checkOrder checks that each call is in the log once and was accepted, and that the log is in order of arrival.
func checkOrder(t *testing.T, calls []sandbox.Call) {
	t.Helper()
	seen := make(map[string]bool)
	last := time.Time{}
	for i, c := range calls {
		if c.Seq != i+1 || c.Answer != sandbox.Accepted || !c.Executed || c.Ended.Before(c.Arrived) || seen[c.ID] {
			t.Fatalf("call %d: got %+v", i, c)
		}
		if c.Arrived.Before(last) {
			t.Fatalf("call %d arrived before the one above it", i)
		}
		seen[c.ID], last = true, c.Arrived
	}
}

func TestTheLastExecutedStatusCounts(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	send(node, "t-0-1", "A-1", "paid")
	send(node, "t-0-2", "A-1", "submitted")
	send(node, "t-0-3", "A-1", "nonsense")
	node.Change(func(f *sandbox.Faults) { f.Orders["A-1"] = sandbox.OrderFault{Refuse: true} })
	send(node, "t-0-4", "A-1", "paid")
	if got := node.Statuses()["A-1"]; got != "submitted" {
		t.Errorf("got %s, want submitted", got)
	}
}

func BenchmarkServeHTTP(b *testing.B) {
	node := sandbox.New(sandbox.Options{})
	body := `{"jsonrpc":"2.0","id":"orders-3-100500","method":"set_order_status","params":{"order_id":"A-100500","status":"paid"}}`
	reader := strings.NewReader(body)
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", reader)
	request.Header.Set("API-KEY", "k")
	answer := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		answer.Body.Reset()
		node.ServeHTTP(answer, request)
	}
}
