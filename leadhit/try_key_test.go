package leadhit_test

import (
	"io"
	"net/http"
	"testing"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
)

func TestTheKeyIsTriedWithoutNamingAnOrder(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{Key: canary, GuardMap: true})
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   bool
		cause  string // of the verdict on the error; empty: none
	}{
		"the key is right": {node.ServeHTTP, true, ""},
		"the key is wrong": {sandbox.New(sandbox.Options{Key: "another"}).ServeHTTP, false, "HTTP 403"},
		"nobody looks at the key": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"leadhit-sync-check","error":{"code":-32601,"message":"Method not found"}}`)
		}, false, ""},
		"the node responds with a null id": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("API-KEY") == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"Method not found"}}`)
		}, true, ""},
		"another error": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"leadhit-sync-check","error":{"code":-32603,"message":"Internal error"}}`)
		}, false, "ServerError"},
		"a failure without the key": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("API-KEY") == "" {
				w.WriteHeader(http.StatusBadGateway)
			}
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"leadhit-sync-check","error":{"code":-32601,"message":"Method not found"}}`)
		}, false, ""},
		"another page": {http.NotFound, false, "HTTP 404"},
		"a result": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"leadhit-sync-check","result":true}`)
		}, false, "BadAnswer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proven, err := open(t, serve(t, c.handle)).TryKey(t.Context())
			cause := ""
			if err != nil {
				cause = (leadhit.Judge{}).Judge(err).Cause
			}
			if proven != c.want || cause != c.cause {
				t.Errorf("got %v, %v (cause %q), want %v and the cause %q", proven, err, cause, c.want, c.cause)
			}
		})
	}
	t.Cleanup(func() {
		if node.Count() != 0 || node.Strays() == 0 {
			t.Errorf("got %d calls about orders and %d other calls, want none and some", node.Count(), node.Strays())
		}
	})
}
