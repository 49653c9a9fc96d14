package main

import (
	"net/http"
	"strings"
	"testing"

	"leadhit-sync/leadhit/sandbox"
)

func TestCheckTriesTheKeyItself(t *testing.T) {
	setUp(t)
	for name, c := range map[string]struct {
		guarded bool
		key     string
		code    int
		want    []string
	}{
		"an open map page": {
			false, key, 0,
			[]string{"ok leadhit the API key is accepted", "ok leadhit the node lists set_order_status"},
		},
		"a guarded map page": {
			true, key, 0,
			[]string{"ok leadhit the API key is accepted", "ok leadhit the node lists set_order_status"},
		},
		"an open map page, a wrong key": {
			false, "another", exitError,
			[]string{"FAIL leadhit LeadHit rejects the API key"},
		},
		"a guarded map page, and wrong key": {
			true, "another", exitError,
			[]string{"FAIL leadhit LeadHit rejects the API key"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := sandbox.New(sandbox.Options{Key: c.key, GuardMap: c.guarded})
			t.Setenv("LEADHIT_URL", leadHit(t, node))
			got := command(t, "", "check")
			for _, want := range c.want {
				got.finds(t, c.code, want)
			}
			if node.Count() != 0 || node.Strays() == 0 {
				t.Errorf("got %d calls about orders and %d others, want none and some", node.Count(), node.Strays())
			}
		})
	}
}

func TestCheckReportsAKeyThatItCannotTry(t *testing.T) {
	setUp(t)
	t.Setenv("LEADHIT_URL", leadHit(t, keyless(sandbox.New(sandbox.Options{Key: key}))))
	got := command(t, "", "check")
	got.finds(t, 0, "skip leadhit reached, but the API key is not proven", "check --call")
	if strings.Contains(got.out, "key is accepted") {
		t.Errorf("got\n%s\nwant no line about the key", got.out)
	}
	// With --call, the call itself tests the key.
	command(t, "", "check", "--call").finds(t, 0, "ok leadhit set_order_status works, and refuses a made-up status",
		"ValidationError")
	t.Setenv("LEADHIT_API_KEY", "wrong")
	command(t, "", "check", "--call").finds(t, exitError, "FAIL leadhit LeadHit rejects the API key")
}

// keyless wraps a node. The wrapped node checks the key only in requests that call set_order_status.
func keyless(node http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := readAll(r)
		if !strings.Contains(body, "set_order_status") {
			r.Header.Set("API-KEY", key)
		}
		r.Body = http.NoBody
		if body != "" {
			r.Body = stringBody(body)
		}
		node.ServeHTTP(w, r)
	})
}

func TestCheckNamesANodeThatIsNotTheOrders(t *testing.T) {
	setUp(t)
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   string
	}{
		"no such page": {http.NotFound, "FAIL leadhit try the API key: http 404"},
		"a page for all calls": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello")) },
			"FAIL leadhit try the API key: bad response",
		},
		"a result of a method that does not exist": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":"leadhit-sync-check","result":true}`))
		}, "FAIL leadhit try the API key: bad response: a result of a method that does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LEADHIT_URL", leadHit(t, c.handle))
			command(t, "", "check").finds(t, exitError, c.want, "check LEADHIT_URL")
		})
	}
}

func TestCheckCallsAMadeUpOrderWhenItIsAskedTo(t *testing.T) {
	setUp(t)
	node := sandbox.New(sandbox.Options{Key: key})
	t.Setenv("LEADHIT_URL", leadHit(t, node))
	command(t, "", "check", "--call").finds(t, 0, "ok leadhit set_order_status works")
	if calls := node.Calls(); len(calls) != 1 || calls[0].OrderID != "leadhit-sync-check" || calls[0].Executed ||
		calls[0].Answer != sandbox.Refused {
		t.Errorf("got calls %+v, want one, which was refused", calls)
	}
}
