package leadhit_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
	"leadhit-sync/retry"
)

const canary = "canary-7f3a"

// open returns a client for the URL. The client's key is the constant canary. Its timeout is a minute, unless change
// shortens it.
func open(t *testing.T, url string, change ...func(*leadhit.Options)) *leadhit.Client {
	t.Helper()
	options := leadhit.Options{URL: url, Key: leadhit.FixedKey(canary), Version: "test", Timeout: time.Minute}
	for _, c := range change {
		c(&options)
	}
	client, err := leadhit.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func briefly(o *leadhit.Options) { o.Timeout = 100 * time.Millisecond }

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// call sends one status and returns the verdict.
func call(t *testing.T, client *leadhit.Client) retry.Verdict {
	t.Helper()
	err := client.SetOrderStatus(t.Context(), leadhit.Call{ID: "t-0-1", OrderID: "A-1", Status: "paid"})
	if err != nil && !strings.HasPrefix(err.Error(), "set_order_status t-0-1: ") {
		t.Errorf("the error does not name its call: %v", err)
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
		t.Errorf("the key is in the error: %v", err)
	}
	return leadhit.Judge{}.Judge(err)
}

func TestARequestIsWhatLeadHitDocuments(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	client := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`)
	})+"/api/v1/orders/?shop=1")
	if v := call(t, client); v.Kind != retry.Done || !v.Answered {
		t.Fatalf("got %+v", v)
	}
	want := `{"jsonrpc":"2.0","id":"t-0-1","method":"set_order_status","params":{"order_id":"A-1","status":"paid"}}`
	if string(body) != want {
		t.Errorf("got body %s, want %s", body, want)
	}
	if got.Method != http.MethodPost || got.RequestURI != "/api/v1/orders/?shop=1" || got.Proto != "HTTP/1.1" {
		t.Errorf("got %s %s %s", got.Method, got.RequestURI, got.Proto)
	}
	header := http.Header{
		"Accept": {"application/json"}, "Api-Key": {canary}, "Content-Type": {"application/json"},
		"Content-Length": {strconv.Itoa(len(want))}, "User-Agent": {"leadhit-sync/test"},
	}
	if fmt.Sprint(got.Header) != fmt.Sprint(header) {
		t.Errorf("got header %v, want %v", got.Header, header)
	}
}

func TestBadAnswersAreRetried(t *testing.T) {
	t.Parallel()
	const good = `{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`
	for name, c := range map[string]struct {
		cause  string
		handle http.HandlerFunc
	}{
		"a page": {"BadAnswer", func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "<html>%s %s", r.Header.Get("API-KEY"), good)
		}},
		"a body over 1 MiB": {"BadAnswer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, good+strings.Repeat(" ", 1<<20))
		}},
		"an endless body": {"BadAnswer", func(w http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, strings.Repeat(" ", 1<<16))
			}
		}},
		"a compressed body": {"BadAnswer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer func() { _ = z.Close() }()
			_, _ = io.WriteString(z, good)
			for range 2 {
				_, _ = io.WriteString(z, strings.Repeat(" ", 1<<20))
			}
		}},
		"a body cut short": {"Reset", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			_, _ = io.WriteString(w, good[:len(good)-1])
		}},
		"a header over 64 KiB": {"Reset", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 65<<10))
			_, _ = io.WriteString(w, good)
		}},
		"no content": {"HTTP 204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		"a switch of protocols": {"HTTP 101", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "h2c")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, open(t, serve(t, c.handle)))
			if got.Kind != retry.Again || got.Cause != c.cause || got.Answered {
				t.Errorf("got %+v, want again %q", got, c.cause)
			}
			checkText(t, got)
		})
	}
}

func TestTheTimeoutCoversTheWholeCall(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"no response": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"a dripping body": func(w http.ResponseWriter, r *http.Request) {
			drip := time.NewTicker(time.Millisecond)
			defer drip.Stop()
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				<-drip.C
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := call(t, open(t, serve(t, handle), briefly)); got.Kind != retry.Again || got.Cause != "Timeout" {
				t.Errorf("got %+v, want again Timeout", got)
			}
		})
	}
}

func TestACallersStopIsNoTimeout(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	client := open(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(errors.New("draining"))
	}()
	err := client.SetOrderStatus(ctx, leadhit.Call{ID: "t-0-1", OrderID: "A-1", Status: "paid"})
	if got := (leadhit.Judge{}).Judge(err); got.Kind != retry.Again || got.Cause != "Cancelled" || got.Message != "draining" {
		t.Errorf("got %+v, want again Cancelled: draining", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var stolen atomic.Int64
	thief := serve(t, func(http.ResponseWriter, *http.Request) { stolen.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		client := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief, status) }))
		if got := call(t, client); got.Kind != retry.Misconfigured || got.Code != status {
			t.Errorf("got %+v, want misconfigured %d", got, status)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests arrived at the other host, want none", n)
	}
}

func TestTheKeyIsHiddenWhenTheServerEchoesIt(t *testing.T) {
	t.Parallel()
	client := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "unknown key "+r.Header.Get("API-KEY"), http.StatusForbidden)
	}))
	got := call(t, client)
	if want := "http 403 Forbidden: unknown key ***"; got.Kind != retry.Unauthorised || got.Message != want {
		t.Errorf("got %v %q, want unauthorised %q", got.Kind, got.Message, want)
	}
	// net/http quotes the first line of a response that is not HTTP.
	client = open(t, listen(t, func(conn net.Conn) {
		_, _ = bufio.NewReader(conn).ReadString('\n')
		_, _ = io.WriteString(conn, canary+" is not HTTP\r\n\r\n")
		_ = conn.Close()
	}))
	if got := call(t, client); got.Kind != retry.Again || strings.Contains(got.Message, canary) {
		t.Errorf("got %+v", got)
	}
}

// listen serves raw connections, each on a goroutine of its own, and returns a URL.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestNothingLeavesIfBeforeRefuses(t *testing.T) {
	t.Parallel()
	arrived := make(chan int64)
	url := listen(t, func(conn net.Conn) {
		n, _ := io.Copy(io.Discard, conn) // until the client closes the connection
		arrived <- n
	})
	client := open(t, url)
	over := errors.New("lease over")
	for _, order := range []string{"A-1", strings.Repeat("long", 10_000)} { // one write, and several
		err := client.SetOrderStatus(t.Context(), leadhit.Call{
			ID: "t-0-1", OrderID: order, Status: "paid", Before: func() error { return over },
		})
		if !errors.Is(err, over) {
			t.Errorf("got %v, want %v", err, over)
		}
		if got := (leadhit.Judge{}).Judge(err); got.Kind != retry.Again || got.Cause != "NotSent" {
			t.Errorf("got %+v, want again NotSent", got)
		}
		if n := <-arrived; n != 0 {
			t.Errorf("got %d bytes at the server, want none", n)
		}
	}
}

func TestBeforeIsAskedOnceForEachCall(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	server := httptest.NewTLSServer(node)
	t.Cleanup(server.Close)
	client := open(t, server.URL, trust(t, server))
	var asked int
	var refuse error
	for i, c := range []struct {
		refuse error
		count  int
	}{{nil, 1}, {nil, 2}, {errors.New("lease over"), 2}, {nil, 3}} { // on the kept connection; after a refusal, a new one
		refuse = c.refuse
		err := client.SetOrderStatus(t.Context(), leadhit.Call{
			ID: fmt.Sprint("t-0-", i), OrderID: "A-1", Status: "paid",
			Before: func() error { asked++; return refuse },
		})
		if !errors.Is(err, c.refuse) || asked != i+1 || node.Count() != c.count {
			t.Errorf("call %d: got %v, asked %d times, %d arrived; want %v, %d, %d", i, err, asked, node.Count(), c.refuse, i+1, c.count)
		}
	}
}

// The server hangs up after it has read the request. What it did is unknown, and only the caller may decide to call
// again.
func TestTheClientNeverRepeatsACall(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`)
			return
		}
		panic(http.ErrAbortHandler)
	})
	client := open(t, url)
	if got := call(t, client); got.Kind != retry.Done {
		t.Fatalf("got %+v, want done", got)
	}
	if got := call(t, client); got.Kind != retry.Again || got.Cause != "Reset" {
		t.Errorf("got %+v, want again Reset", got)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("got %d requests for 2 calls, want 2", n)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	node := sandbox.New(sandbox.Options{})
	server := httptest.NewUnstartedServer(node)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := open(t, server.URL)
	for _, status := range []int{0, 503, 403, 0} {
		node.Change(func(f *sandbox.Faults) { f.Status = status })
		call(t, client)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("got %d connections for calls one after the other, want 1", n)
	}
}

func TestAnUnsendableCallIsADeadLetter(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	client := open(t, server.URL)
	for name, c := range map[string]leadhit.Call{
		"no order":       {ID: "t-0-1", Status: "paid"},
		"no status":      {ID: "t-0-1", OrderID: "A-1"},
		"no id":          {OrderID: "A-1", Status: "paid"},
		"broken UTF-8":   {ID: "t-0-1", OrderID: "A-\xff", Status: "paid"},
		"half a rune":    {ID: "t-0-1", OrderID: "A-1", Status: "paid\xe2\x80"},
		"a surrogate":    {ID: "t-0-1", OrderID: "\xed\xa0\x80", Status: "paid"},
		"a broken event": {ID: "t-\xc0-1", OrderID: "A-1", Status: "paid"},
	} {
		got := leadhit.Judge{}.Judge(client.SetOrderStatus(t.Context(), c))
		if got.Kind != retry.DeadLetter || got.Cause != "Unsendable" {
			t.Errorf("%s: got %+v, want dead letter Unsendable", name, got)
		}
	}
	if n := node.Count(); n != 0 {
		t.Errorf("%d calls arrived, want none", n)
	}
}

func TestTheNodeIsAskedWhetherItHasTheMethod(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{Key: canary})
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	for _, url := range []string{server.URL, server.URL + "/", server.URL + "/api/v1/orders", server.URL + "/api/v1/orders/?a=b"} {
		if has, err := open(t, url).HasMethod(t.Context()); !has || err != nil {
			t.Errorf("%s: got %t, %v; want %s listed", url, has, err, leadhit.Method)
		}
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		cause  string
	}{
		"another node":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<pre>get_users: None</pre>") }, ""},
		"an empty page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>Hello, world.</p>") }, "BadAnswer"},
		"no page":       {http.NotFound, "HTTP 404"},
		"no response":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "Reset"},
	} {
		has, err := open(t, serve(t, c.handle)).HasMethod(t.Context())
		if got := (leadhit.Judge{}).Judge(err); has || got.Cause != c.cause {
			t.Errorf("%s: got %t, %v; want the cause %q", name, has, err, c.cause)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	key := leadhit.FixedKey("k")
	for name, c := range map[string]struct {
		options leadhit.Options
		want    string
	}{
		"no URL":            {leadhit.Options{Key: key}, "leadhit url: neither http nor https"},
		"another scheme":    {leadhit.Options{Key: key, URL: "ftp://host/"}, "leadhit url: neither http nor https"},
		"no host":           {leadhit.Options{Key: key, URL: "https:///x"}, "leadhit url: no host"},
		"broken":            {leadhit.Options{Key: key, URL: "https://h:pass%zz/"}, "leadhit url: not a URL"},
		"a password":        {leadhit.Options{Key: key, URL: "https://u:pass@h/"}, "leadhit url: contains a user name or password: the API key goes into its own setting"},
		"a fragment":        {leadhit.Options{Key: key, URL: "https://h/#a"}, "leadhit url: contains a # fragment"},
		"a very long URL":   {leadhit.Options{Key: key, URL: "https://h/" + strings.Repeat("a", 4096)}, "leadhit url: longer than 2048 bytes"},
		"no key":            {leadhit.Options{URL: "https://h/"}, "leadhit api key: missing"},
		"an empty key":      {leadhit.Options{URL: "https://h/", Key: leadhit.FixedKey(" ")}, "leadhit api key: empty"},
		"a key of 2 lines":  {leadhit.Options{URL: "https://h/", Key: leadhit.FixedKey("pass\nword")}, "leadhit api key: line break at byte 4: the key must be a single line"},
		"a broken proxy":    {leadhit.Options{URL: "https://h/", Key: key, Proxy: "http://u:pass%zz@h"}, "leadhit proxy: not a URL with a host"},
		"a proxy over http": {leadhit.Options{URL: "http://h/", Key: key, Proxy: "http://p:3128"}, "leadhit proxy: LeadHit's URL must be https, or the proxy would see the API key"},
		"a strange proxy":   {leadhit.Options{URL: "https://h/", Key: key, Proxy: "ftp://h"}, "leadhit proxy: scheme is not http, https, socks5 or socks5h"},
		"a CA file missing": {leadhit.Options{URL: "https://h/", Key: key, CAFile: "/nowhere"}, "leadhit ca file: open /nowhere: no such file or directory"},
		"no certificates":   {leadhit.Options{URL: "https://h/", Key: key, CAFile: "client_test.go"}, "leadhit ca file: contains no certificate"},
	} {
		_, err := leadhit.Open(c.options)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestAllMistakesInOptionsComeBackAtOnce(t *testing.T) {
	t.Parallel()
	_, err := leadhit.Open(leadhit.Options{URL: "ftp://h/", Key: leadhit.FixedKey(""), Proxy: "ftp://p", CAFile: "client_test.go"})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want several mistakes", err)
	}
	var options []string
	var gather func([]error)
	gather = func(all []error) {
		for _, err := range all {
			if more, ok := err.(interface{ Unwrap() []error }); ok {
				gather(more.Unwrap())
			} else if mistake, ok := errors.AsType[*leadhit.OptionError](err); ok {
				options = append(options, mistake.Option)
			}
		}
	}
	gather(joined.Unwrap())
	if got, want := strings.Join(options, ", "), "url, api key, proxy, ca file"; got != want {
		t.Errorf("got mistakes of %s, want %s", got, want)
	}
}
