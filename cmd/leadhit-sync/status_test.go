package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"leadhit-sync/config"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/operator/workerpage"
)

// workerPage serves a status as a worker does, and returns its host:port.
func workerPage(t *testing.T, s status.Worker) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(s) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// closed returns an address on which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestStatusSaysWhichWorkerCannotBeAskedAndWhy(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = w.Write([]byte("<html>"))
	}))
	t.Cleanup(page.Close)
	kind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = w.Write([]byte(`{"schema":"x"}`))
	}))
	t.Cleanup(kind.Close)
	for _, c := range []struct{ name, address, why string }{
		{"nobody listens", closed(t), "connection refused"},
		{"another program", other.URL, "HTTP 404"},
		{"a page that is not a status", page.URL, "not a status"},
		{"JSON of another kind", kind.URL, `has the schema "x"`},
	} {
		got := command(t, "", "status", workerPage(t, idle()), c.address)
		if got.code != exitError || !strings.Contains(got.out, "2 workers: 1 joining, 1 not reached\n") ||
			!strings.Contains(strings.Join(strings.Fields(got.out), " "), c.why) ||
			!strings.Contains(got.out, strings.TrimPrefix(c.address, "http://")) {
			t.Errorf("%s: got %+v, want exit code 1, the address, %q, and the other worker", c.name, got, c.why)
		}
	}
}

func TestStatusAsJSONHasTheWorkersOwnTexts(t *testing.T) {
	t.Parallel()
	got := command(t, "", "status", "-o", "json", "--workers", workerPage(t, troubled())+","+closed(t))
	report := decoded[struct {
		Schema  string
		Workers []workerpage.Asked
	}](t, got.out)
	if got.code != exitError || report.Schema != "workers.v1" || len(report.Workers) != 2 ||
		report.Workers[1].Error == "" ||
		report.Workers[1].Status != nil || report.Workers[0].Status.Orders[1].Order != troubled().Orders[1].Order {
		t.Errorf("got %+v, want both workers, and an id as it is", got)
	}
}

func TestStatusFindsTheWorkerOfThisHost(t *testing.T) {
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	_, port, err := net.SplitHostPort(workerPage(t, idle()))
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{":" + port, "0.0.0.0:" + port, "[::]:" + port, "127.0.0.1:" + port} {
		t.Setenv("HTTP_ADDR", listen)
		if got := command(t, "", "status"); got.code != 0 || !strings.Contains(got.out, "http://127.0.0.1:"+port+"/status") {
			t.Errorf("HTTP_ADDR %s: got %+v, want the worker at 127.0.0.1", listen, got)
		}
	}
	if got := command(t, "", "status", "--workers", "dns:localhost:"+port); !strings.Contains(got.out, "http://127.0.0.1:"+
		port+"/status") {
		t.Errorf("got %+v, want the worker behind the name", got)
	}
	t.Setenv("HTTP_ADDR", "8080")
	if got := command(t, "", "status"); got.code != exitUsage || !strings.HasPrefix(got.err, "HTTP_ADDR: ") {
		t.Errorf("got %+v, want exit code 2 and the mistake", got)
	}
}

func TestStatusRefusesAddressesItCannotUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"ftp://x"},
		{"http://"},
		{"--workers", "dns:name"},
		{"--workers", "a:1", "b:1"},
		{"-o", "xml"},
		{"--workers", "a:1,,b:1"},
	} {
		if got := command(t, "", append([]string{"status"}, args...)...); got.code != exitUsage || got.out != "" {
			t.Errorf("%q: got %+v, want exit code 2", args, got)
		}
	}
}

func TestStatusTakesNoPassword(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"http://user:canary@127.0.0.1:1"},
		{"user:canary@127.0.0.1:1"},
		{"http://canary@127.0.0.1:1/status"},
		{"ftp://user:canary@127.0.0.1:1"},
		{"http://user:canary@127.0.0.1:port"},
		{"http:/user:canary@127.0.0.1"},
		{"--workers", "a:1,http://user:canary@127.0.0.1:1"},
		{"--workers", "user:canary,a@127.0.0.1:1"},
		{"--workers", "dns:user:canary@name:1"},
		{"--workers", "dns:canary@127.0.0.1:1"},
	} {
		for _, output := range []string{"table", "json"} {
			got := command(t, "", append([]string{"status", "-o", output}, args...)...)
			if got.code != exitUsage || got.out != "" || strings.Contains(got.err, "canary") ||
				!strings.Contains(got.err, "must not contain a user") {
				t.Errorf("%q: got %+v, want exit code 2 and no password", args, got)
			}
		}
	}
}

// In a pipe, no screen limits the output.
func TestStatusInAPipeIsCompleteEachTime(t *testing.T) {
	f := followed(t, "status", "-w", workerPage(t, outage(15)))
	f.until("and 17 more")
	f.until("and 17 more") // the next refresh
	code, said := f.end()
	if code != 0 || strings.Contains(said, "\x1b") || strings.Count(said, "orders/14 ") < 2 {
		t.Errorf("got exit code %d and %s, want all partitions twice and nothing for a terminal", code, said)
	}
}

func TestStatusWatchesUntilItIsStopped(t *testing.T) {
	f := followed(t, "status", "-w", workerPage(t, idle()))
	f.until("joining for 1m30s")
	f.until("joining for 1m30s") // the next refresh
	if code, said := f.end(); code != 0 {
		t.Errorf("got exit code %d and %s, want 0", code, said)
	}
}
