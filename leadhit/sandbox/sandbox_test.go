package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

const frame = `{"jsonrpc":"2.0","id":"t-0-1","method":"set_order_status","params":`

// post sends a body and returns the response's status, header and body.
func post(ctx context.Context, url, key, body string) (int, http.Header, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("API-KEY", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return response.StatusCode, response.Header, string(text), err
}

func start(t *testing.T, options sandbox.Options) (*sandbox.Sandbox, string) {
	t.Helper()
	node := sandbox.New(options)
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	return node, server.URL
}

func TestAnswersHaveTheServersShape(t *testing.T) {
	t.Parallel()
	missing := func(name string) string {
		text := "set_order_status() missing 1 required positional argument: '" + name + "'"
		return `{"error":{"code":-32602,"message":"Invalid params","data":{"type":"TypeError","message":"` + text + `","args":["` + text + `"]}},"id":"t-0-1","jsonrpc":"2.0"}`
	}
	const done = `{"result":true,"id":"t-0-1","jsonrpc":"2.0"}`
	for name, c := range map[string]struct{ body, want string }{
		"parameters by name":       {frame + `{"order_id":"A-1","status":"paid"}}`, done},
		"the other status":         {frame + `{"order_id":"A-1","status":"submitted"}}`, done},
		"parameters by position":   {frame + `["A-1","paid"]}`, done},
		"white space, other order": {`{ "params": {"status":"paid", "order_id":"A-1"}, "id":"t-0-1", "method":"set_order_status", "jsonrpc":"2.0"}`, done},
		"escapes and other bytes":  {frame + `{"order_id":"\u0000é\"","status":"p\u0061id"}}`, done},
		"a number as id":           {`{"jsonrpc":"2.0","id":7,"method":"set_order_status","params":["A-1","paid"]}`, `{"result":true,"id":7,"jsonrpc":"2.0"}`},
		"another status": {
			frame + `{"order_id":"A-1","status":"lost"}}`,
			`{"error":{"code":-32000,"message":"Server error","data":{"type":"ValidationError","message":"Possible statuses: paid, submitted",` +
				`"args":["Possible statuses: paid, submitted"]}},"id":"t-0-1","jsonrpc":"2.0"}`,
		},
		"no order":           {frame + `{"status":"paid"}}`, missing("order_id")},
		"no status":          {frame + `{"order_id":"A-1"}}`, missing("status")},
		"too few":            {frame + `["A-1"]}`, missing("order_id")},
		"no strings":         {frame + `[1,2]}`, missing("order_id")},
		"no parameters":      {`{"jsonrpc":"2.0","id":"t-0-1","method":"set_order_status"}`, missing("order_id")},
		"another method":     {`{"jsonrpc":"2.0","id":"t-0-1","method":"x"}`, `{"error":{"code":-32601,"message":"Method not found"},"id":"t-0-1","jsonrpc":"2.0"}`},
		"another version":    {`{"jsonrpc":"1.0","id":"t-0-1","method":"x"}`, `{"error":{"code":-32600,"message":"Invalid Request"},"id":null,"jsonrpc":"2.0"}`},
		"a batch":            {`[]`, `{"error":{"code":-32600,"message":"Invalid Request"},"id":null,"jsonrpc":"2.0"}`},
		"not JSON":           {`{"jsonrpc":`, `{"error":{"code":-32700,"message":"Parse error"},"id":null,"jsonrpc":"2.0"}`},
		"text after a call":  {frame + `["A-1","paid"]}x`, `{"error":{"code":-32700,"message":"Parse error"},"id":null,"jsonrpc":"2.0"}`},
		"text after, quoted": {frame + `{"order_id":"A-1","status":"paid"}}}`, `{"error":{"code":-32700,"message":"Parse error"},"id":null,"jsonrpc":"2.0"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url := start(t, sandbox.Options{})
			status, header, got, err := post(t.Context(), url, "k", c.body)
			if err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/json" || got != c.want {
				t.Errorf("got %d %s %v, want %s", status, got, err, c.want)
			}
		})
	}
}

func TestAStatusCanBeLearnt(t *testing.T) {
	t.Parallel()
	node, url := start(t, sandbox.Options{})
	ask := func(want sandbox.Answer) {
		t.Helper()
		for _, body := range []string{`{"order_id":"A-1","status":"shipped"}}`, `{"order_id":"A-1"}}`} {
			if _, _, _, err := post(t.Context(), url, "key", frame+body); err != nil {
				t.Fatal(err)
			}
		}
		calls := node.Calls()
		if known, wrong := calls[len(calls)-2], calls[len(calls)-1]; known.Answer != want || wrong.Answer != sandbox.Invalid {
			t.Errorf("got %v, and %v without a status, want %v and Invalid", known.Answer, wrong.Answer, want)
		}
	}
	ask(sandbox.Refused)
	node.Change(func(f *sandbox.Faults) { f.Statuses = []string{"shipped"} })
	ask(sandbox.Accepted)
	node.Change(func(f *sandbox.Faults) { f.Statuses = nil })
	ask(sandbox.Refused)
}

func TestTheKeyIsChecked(t *testing.T) {
	t.Parallel()
	node, url := start(t, sandbox.Options{Key: "right"})
	for _, c := range []struct {
		key  string
		want int
	}{{"", 403}, {"wrong", 403}, {"right", 200}} {
		if got, _, _, err := post(t.Context(), url, c.key, frame+`["A-1","paid"]}`); got != c.want {
			t.Errorf("key %q: got %d, %v; want %d", c.key, got, err, c.want)
		}
	}
	node.SetKey("next")
	if got, _, _, _ := post(t.Context(), url, "right", frame+`["A-1","paid"]}`); got != 403 {
		t.Errorf("after the change: got %d, want 403", got)
	}
	if got := node.Statuses(); len(got) != 1 || got["A-1"] != "paid" {
		t.Errorf("got statuses %v, want A-1 paid", got)
	}
}

func TestOtherRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	node, url := start(t, sandbox.Options{Key: "k"})
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/api/v1/orders/map", 200}, {"GET", "/", 404}, {"PUT", "/", 405}} {
		request, _ := http.NewRequestWithContext(t.Context(), c.method, url+c.path, http.NoBody)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != c.status || c.status == 200 && !strings.Contains(string(text), "<pre>get_orders: None\n\nset_order_status: ") {
			t.Errorf("%s %s: got %d %s", c.method, c.path, response.StatusCode, text)
		}
	}
	if n := node.Count(); n != 0 {
		t.Errorf("got %d calls, want none", n)
	}
}

func TestARunRepeatsFromItsSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		node := sandbox.New(sandbox.Options{Seed: seed, Faults: sandbox.Faults{Errors: 0.3, HTML: 0.2, WrongID: 0.2}})
		for range 200 {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(frame+`["A-1","paid"]}`))
			request.Header.Set("API-KEY", "k")
			node.ServeHTTP(httptest.NewRecorder(), request)
		}
		counts := make(map[sandbox.Answer]int)
		var answers strings.Builder
		for _, c := range node.Calls() {
			fmt.Fprintln(&answers, c.Answer)
			counts[c.Answer]++
		}
		for answer, share := range map[sandbox.Answer]int{sandbox.Failed: 60, sandbox.HTML: 40, sandbox.WrongID: 40, sandbox.Accepted: 60} {
			if n := counts[answer]; n < share/2 || n > share*2 {
				t.Errorf("got %v for %d of 200 calls, want about %d", answer, n, share)
			}
		}
		return answers.String()
	}
	if once, again := run(7), run(7); once != again {
		t.Error("the same seed gave different runs")
	}
	if run(7) == run(8) {
		t.Error("different seeds gave the same run")
	}
}

func TestAResetIsATCPReset(t *testing.T) {
	t.Parallel()
	_, url := start(t, sandbox.Options{Faults: sandbox.Faults{Resets: 1}})
	if _, _, _, err := post(t.Context(), url, "k", frame+`["A-1","paid"]}`); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestTheBudgetIsATokenBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		node := sandbox.New(sandbox.Options{Faults: sandbox.Faults{PerSecond: 10, Burst: 5, RetryAfter: "1"}})
		served := func(calls int) (n int) {
			for range calls {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(frame+`["A-1","paid"]}`))
				request.Header.Set("API-KEY", "k")
				answer := httptest.NewRecorder()
				node.ServeHTTP(answer, request)
				switch {
				case answer.Code == 200:
					n++
				case answer.Code != 503 || answer.Header().Get("Retry-After") != "1":
					t.Errorf("got %d %v", answer.Code, answer.Header())
				}
			}
			return n
		}
		for i, c := range []struct {
			wait time.Duration
			want int
		}{{0, 5}, {0, 0}, {100 * time.Millisecond, 1}, {time.Hour, 5}} {
			time.Sleep(c.wait) // virtual
			if got := served(20); got != c.want {
				t.Errorf("step %d: %d of 20 served, want %d", i, got, c.want)
			}
		}
	})
}

// A server and its client run without a socket, in virtual time.
func TestLatencyPassesInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		node := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: time.Minute, Jitter: time.Second}})
		transport, stop := serve(node)
		defer stop()
		begun := time.Now()
		var wait sync.WaitGroup
		for i := range 3 {
			wait.Go(func() {
				body := fmt.Sprintf(`{"jsonrpc":"2.0","id":"t-0-%d","method":"set_order_status","params":{"order_id":"A-%d","status":"paid"}}`, i, i)
				request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://leadhit/", strings.NewReader(body))
				request.Header.Set("API-KEY", "k")
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			})
		}
		time.Sleep(time.Second) // virtual
		if now, most := node.InFlight(); now != 3 || most != 3 {
			t.Errorf("got %d in flight, a maximum of %d; want 3, 3", now, most)
		}
		wait.Wait()
		if took := time.Since(begun); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("3 calls took %v, want a minute to 61 s", took)
		}
		if now, most := node.InFlight(); now != 0 || most != 3 {
			t.Errorf("got %d in flight, a maximum of %d; want 0, 3", now, most)
		}
	})
}

// serve returns a transport that reaches the node without a socket, and a function that ends both.
func serve(node *sandbox.Sandbox) (transport *http.Transport, stop func()) {
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: node}
	go func() { _ = server.Serve(listener) }()
	transport = &http.Transport{DialContext: listener.dial}
	return transport, func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	}
}

// pipes is a listener on net.Pipe.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return client, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		node := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: time.Hour}})
		transport, stop := serve(node)
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://leadhit/", strings.NewReader(frame+`["A-1","paid"]}`))
		request.Header.Set("API-KEY", "k")
		response, err := transport.RoundTrip(request)
		if !errors.Is(err, context.DeadlineExceeded) {
			_ = response.Body.Close()
			t.Fatalf("got %v", err)
		}
		synctest.Wait()
		got := node.Calls()[0]
		if got.Answer != sandbox.Abandoned || !got.Executed || got.Ended.Sub(got.Arrived) != time.Minute {
			t.Errorf("got %+v, want executed, and abandoned after a minute", got)
		}
	})
}

func TestTheMapPageMayBeGuarded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		guarded bool
		key     string
		want    int
	}{{false, "", 200}, {false, "wrong", 200}, {true, "", 403}, {true, "wrong", 403}, {true, "right", 200}} {
		_, url := start(t, sandbox.Options{Key: "right", GuardMap: c.guarded})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/orders/map", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("API-KEY", c.key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("guarded %v, key %q: got %d, want %d", c.guarded, c.key, response.StatusCode, c.want)
		}
	}
}

func TestCallsOfOtherMethodsAreNotInTheCallLog(t *testing.T) {
	t.Parallel()
	node, url := start(t, sandbox.Options{Key: "k"})
	for _, key := range []string{"k", "wrong"} {
		_, _, _, _ = post(t.Context(), url, key, `{"jsonrpc":"2.0","id":"x","method":"another","params":{}}`)
	}
	if _, _, _, err := post(t.Context(), url, "k", frame+`["A-1","paid"]}`); err != nil {
		t.Fatal(err)
	}
	if calls := node.Calls(); node.Count() != 1 || node.Strays() != 2 || len(calls) != 1 || calls[0].OrderID != "A-1" || len(node.OrderCalls("")) != 0 {
		t.Errorf("got %d calls, %d strays and %+v, want one call of the order and two strays", node.Count(), node.Strays(), calls)
	}
	if node.Reset(); node.Count() != 0 || node.Strays() != 0 {
		t.Errorf("got %d and %d after Reset, want none", node.Count(), node.Strays())
	}
}
