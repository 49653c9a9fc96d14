package leadhit_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
	"leadhit-sync/retry"
)

// A client calls the sandbox with each of its faults.
func TestEachFaultHasItsVerdict(t *testing.T) {
	t.Parallel()
	order := func(f sandbox.OrderFault) sandbox.Faults {
		return sandbox.Faults{Orders: map[string]sandbox.OrderFault{"A-1": f}}
	}
	for name, c := range map[string]struct {
		faults   sandbox.Faults
		kind     retry.Kind
		cause    string
		wait     time.Duration
		executed bool
	}{
		"none":                        {sandbox.Faults{}, retry.Done, "", 0, true},
		"latency":                     {sandbox.Faults{Latency: 10 * time.Millisecond, Jitter: time.Millisecond}, retry.Done, "", 0, true},
		"an outage":                   {sandbox.Faults{Closed: true}, retry.Again, "Reset", 0, false},
		"an outage with a response":   {sandbox.Faults{Status: 503, RetryAfter: "7"}, retry.Again, "HTTP 503", 7 * time.Second, false},
		"too many requests":           {sandbox.Faults{Status: 429, RetryAfter: "1000"}, retry.Again, "HTTP 429", 15 * time.Minute, false},
		"every call forbidden":        {sandbox.Faults{Status: 403}, retry.Unauthorised, "HTTP 403", 0, false},
		"another address":             {sandbox.Faults{Status: 404}, retry.Misconfigured, "HTTP 404", 0, false},
		"a share of errors":           {sandbox.Faults{Errors: 1}, retry.Again, "HTTP 503", 0, false},
		"a share of resets":           {sandbox.Faults{Resets: 1}, retry.Again, "Reset", 0, false},
		"a share of pages":            {sandbox.Faults{HTML: 1}, retry.Again, "BadAnswer", 0, false},
		"a share of lost responses":   {sandbox.Faults{Lost: 1}, retry.Again, "Timeout", 0, true},
		"a share of lost resets":      {sandbox.Faults{LostResets: 1}, retry.Again, "Reset", 0, true},
		"a share of wrong ids":        {sandbox.Faults{WrongID: 1}, retry.Again, "BadAnswer", 0, true},
		"slower than the timeout":     {sandbox.Faults{Latency: time.Minute}, retry.Again, "Timeout", 0, true},
		"an order refused":            {order(sandbox.OrderFault{Refuse: true}), retry.DeadLetter, "ValidationError", 0, false},
		"an order failing":            {order(sandbox.OrderFault{Status: 500}), retry.Again, "HTTP 500", 0, false},
		"an order that fails by code": {order(sandbox.OrderFault{Code: -32000, Type: "OperationalError"}), retry.Again, "OperationalError", 0, false},
		"a slow order":                {order(sandbox.OrderFault{Latency: time.Minute}), retry.Again, "Timeout", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := sandbox.New(sandbox.Options{Key: canary, Faults: c.faults})
			server := httptest.NewServer(node)
			t.Cleanup(server.Close)
			with := func(*leadhit.Options) {}
			if c.cause == "Timeout" {
				with = briefly
			}
			client := open(t, server.URL, with)
			want := func(got retry.Verdict) bool {
				return got.Kind == c.kind && got.Cause == c.cause && got.RetryAfter == c.wait
			}
			calls := calledUntilLogged(t, node, client, want)
			if c.cause != "Timeout" && len(calls) != 1 {
				t.Errorf("got %d calls in the log, want 1", len(calls))
			}
			areOurs(t, calls, c.executed)
		})
	}
}

// calledUntilLogged makes calls until the node has logged one. On a busy machine a brief timeout may pass before the
// first request arrives.
func calledUntilLogged(t *testing.T, node *sandbox.Sandbox, client *leadhit.Client, want func(retry.Verdict) bool) (calls []sandbox.Call) {
	t.Helper()
	for len(calls) == 0 {
		if got := call(t, client); !want(got) {
			t.Fatalf("got an unexpected verdict: %+v", got)
		}
		calls = node.Calls()
	}
	return calls
}

func areOurs(t *testing.T, calls []sandbox.Call, executed bool) {
	t.Helper()
	for _, got := range calls {
		if got.ID != "t-0-1" || got.OrderID != "A-1" || got.Executed != executed {
			t.Errorf("got call %+v in the log, want t-0-1 about A-1, executed %t", got, executed)
		}
	}
}

func TestAWrongStatusIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(sandbox.New(sandbox.Options{}))
	t.Cleanup(server.Close)
	err := open(t, server.URL).SetOrderStatus(t.Context(), leadhit.Call{ID: "t-0-1", OrderID: "A-1", Status: "cancelled"})
	got := leadhit.Judge{}.Judge(err)
	want := retry.Verdict{
		Kind: retry.DeadLetter, Cause: "ValidationError", Message: "Possible statuses: paid, submitted", Code: -32000, Answered: true,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
