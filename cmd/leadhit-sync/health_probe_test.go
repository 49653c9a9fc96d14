package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAProbePrintsTheResponseAndExitsByItsStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status, code int
	}{
		{200, 0},
		{204, 0},
		{299, 0},
		{301, exitError},
		{307, exitError},
		{404, exitError},
		{500, exitError},
		{503, exitError},
	} {
		t.Run(http.StatusText(test.status), func(t *testing.T) {
			t.Parallel()
			url, asked := pageThatAnswers(t, test.status)
			got := command(t, "", "probe", url+"/readyz")
			want := result{code: test.code, out: "joining\n"}
			if test.status == http.StatusNoContent {
				want.out = ""
			}
			if test.code != 0 {
				want.err = fmt.Sprintf("leadhit-sync: probe %s/readyz: HTTP %d\n", url, test.status)
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("got %d requests, want no redirect to be followed", n)
			}
		})
	}
}

// pageThatAnswers starts a server that responds to each request with the given status and a Location header, and counts
// the requests.
func pageThatAnswers(t *testing.T, status int) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			_, _ = fmt.Fprintln(w, "joining")
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestAProbeWaitsAtMostTwoSeconds(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(http.ResponseWriter, *http.Request){
		"no response": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half a response": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, "half")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(handler))
			t.Cleanup(server.Close)
			begin := time.Now()
			got := command(t, "", "probe", server.URL)
			if took := time.Since(begin); took < probeLimit {
				t.Errorf("got a response after %v, want it after %v at the earliest", took, probeLimit)
			}
			if got.code != exitError || !strings.Contains(got.err, "no response within 2s") {
				t.Errorf("got %+v, want exit code 1 and the limit", got)
			}
		})
	}
}

func TestAProbeAsksTheWorkerItself(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	address := closed(t)
	got := command(t, "", "probe", "http://"+address+"/livez")
	if got.code != exitError || !strings.Contains(got.err, address+"/livez: dial tcp "+address) {
		t.Errorf("got %+v, want exit code 1 and the refused connection", got)
	}
}

func TestAProbeTakesNoPassword(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"http://user:canary@127.0.0.1:1/livez", "http://canary@127.0.0.1:1/livez",
		"http://user:canary@127.0.0.1:port/", "user:canary@127.0.0.1:1",
	} {
		got := command(t, "", "probe", page)
		if got.code != exitUsage || got.out != "" || strings.Contains(got.err, "canary") {
			t.Errorf("%s: got %+v, want exit code 2 and no password", page, got)
		}
	}
}

func TestAProbeOfNoURLIsWrongUsage(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		"", "readyz", "127.0.0.1:8080/readyz", "ftp://127.0.0.1/", "http:///readyz",
		"http://[::1",
	} {
		if got := command(t, "", "probe", page); got.code != exitUsage || !strings.Contains(got.err, "--help") {
			t.Errorf("%q: got %+v, want exit code 2", page, got)
		}
	}
}
