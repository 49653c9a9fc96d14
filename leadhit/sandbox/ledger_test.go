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

// tell makes a call without a network.
func tell(node *sandbox.Sandbox, id, order, status string) {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%q,"method":"set_order_status","params":{"order_id":%q,"status":%q}}`, id, order, status)
	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("API-KEY", "k")
	node.ServeHTTP(httptest.NewRecorder(), request)
}

func TestTheLedgerHoldsEveryCallInOrder(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	const calls = 10_000 // more than two chunks
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := w; i < calls; i += 4 {
				tell(node, fmt.Sprint("t-0-", i), fmt.Sprint("A-", i%100), "paid")
				if i%1000 == 0 {
					node.Calls() // while it runs
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

// checkOrder wants each call once, accepted, in order of arrival.
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

func TestTheLastExecutedStatusStands(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	tell(node, "t-0-1", "A-1", "paid")
	tell(node, "t-0-2", "A-1", "submitted")
	tell(node, "t-0-3", "A-1", "nonsense")
	node.Change(func(f *sandbox.Faults) { f.Orders["A-1"] = sandbox.OrderFault{Refuse: true} })
	tell(node, "t-0-4", "A-1", "paid")
	if got := node.Statuses()["A-1"]; got != "submitted" {
		t.Errorf("got %s, want submitted", got)
	}
}

func TestAnAuditFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	zero := time.Unix(0, 0)
	// call number n arrives at second n and ends half a second later.
	type call struct {
		id, order, status string
		answer            sandbox.Answer
		lasts             int // more seconds
	}
	const accepted = sandbox.Accepted
	want := map[string][]sandbox.Event{
		"A": {{ID: "a1", Status: "submitted"}, {ID: "a2", Status: "paid"}},
		"B": {{ID: "b1", Status: "paid"}},
	}
	fine := []call{{"a1", "A", "submitted", accepted, 0}, {"a2", "A", "paid", accepted, 0}, {"b1", "B", "paid", accepted, 0}}
	for name, c := range map[string]struct {
		calls    []call
		finding  string // the error; empty for none
		repeated int
		refused  int
	}{
		"all well":                  {fine, "", 0, 0},
		"the last call repeated":    {append(fine[:3:3], call{"a2", "A", "paid", accepted, 0}), "", 1, 0},
		"a refusal is an end":       {append(fine[:2:2], call{"b1", "B", "paid", sandbox.Refused, 0}), "", 0, 1},
		"failures before success":   {append([]call{{"a1", "A", "submitted", sandbox.Reset, 0}, {"b1", "B", "paid", sandbox.Failed, 0}}, fine...), "", 0, 0},
		"executed though reset":     {append([]call{{"a1", "A", "submitted", sandbox.LostReset, 0}}, fine...), "", 1, 0},
		"cut off unread":            {append([]call{{"", "", "", sandbox.Abandoned, 0}}, fine...), "", 0, 0},
		"an event lost":             {fine[:2], "1 lost, the first: b1 of order B (paid)", 0, 0},
		"only failures are a loss":  {append(fine[:2:2], call{"b1", "B", "paid", sandbox.Failed, 0}), "1 lost, the first: b1 of order B (paid)", 0, 0},
		"an older one afterwards":   {append(fine[:3:3], call{"a1", "A", "submitted", accepted, 0}), "1 backward, the first: call 4: a1 of order A (submitted), after its event 1", 1, 0},
		"an older one that failed":  {append(fine[:3:3], call{"a1", "A", "submitted", sandbox.Failed, 0}), "1 backward, the first: call 4: a1 of order A (submitted), after its event 1", 0, 0},
		"two events of one order":   {[]call{{"a1", "A", "submitted", accepted, 9}, fine[1], fine[2]}, "1 overlapping, the first: calls 1 and 2 of order A: a1 and a2", 0, 0},
		"still in the air":          {[]call{{"a1", "A", "submitted", sandbox.Pending, 0}, fine[1], fine[2]}, "1 lost, the first: a1 of order A (submitted)", 0, 0},
		"given up by its client":    {[]call{{"a1", "A", "submitted", sandbox.Lost, 9}, fine[1], fine[2]}, "", 0, 0},
		"an id of nobody":           {append(fine[:3:3], call{"x", "A", "paid", accepted, 0}), "1 strange, the first: call 4: x of order A (paid)", 0, 0},
		"another event's status":    {append(fine[:3:3], call{"b1", "B", "submitted", accepted, 0}), "1 strange, the first: call 4: b1 of order B (submitted)", 0, 0},
		"another order's event":     {append(fine[:3:3], call{"b1", "A", "paid", accepted, 0}), "1 strange, the first: call 4: b1 of order A (paid)", 0, 0},
		"two orders side by side":   {[]call{{"b1", "B", "paid", accepted, 9}, fine[0], fine[1]}, "", 0, 0},
		"one event twice at a time": {[]call{{"a1", "A", "submitted", accepted, 1}, fine[0], fine[1], fine[2]}, "", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []sandbox.Call
			for i, c := range c.calls {
				at := zero.Add(time.Duration(i) * time.Second)
				calls = append(calls, sandbox.Call{
					Seq: i + 1, Arrived: at, Ended: at.Add(time.Second/2 + time.Duration(c.lasts)*time.Second),
					ID: c.id, OrderID: c.order, Status: c.status, Answer: c.answer, Executed: c.answer.Executed(),
				})
			}
			got := sandbox.Audit(calls, want)
			finding := ""
			if err := got.Err(); err != nil {
				finding = err.Error()
			}
			if finding != c.finding || got.Repeated != c.repeated || got.Refused != c.refused {
				t.Errorf("got %q, %d repeated, %d refused; want %q, %d, %d", finding, got.Repeated, got.Refused, c.finding, c.repeated, c.refused)
			}
		})
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
