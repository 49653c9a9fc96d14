package leadhit_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// Whatever a server sends, a call is done only if encoding/json, too, finds a result, the call's id and no error in the
// response. Only a ValidationError or invalid parameters (-32602) make a dead letter. The verdict's text is fit for a
// log.
func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`,
		`{"jsonrpc":"2.0","result":null,"id":"t-0-1","error":null}`,
		`{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server error","data":{"type":"ValidationError","message":"no","args":[]}},"id":"t-0-1"}`,
		`{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`,
		`[{"jsonrpc":"2.0","result":true,"id":"t-0-1"}]`,
		`{"jsonrpc":"2.0","result":true,"id":"t-0-1"} x`,
		"<html>\u202e\x00</html>",
		`{"result":1,"id":"t-0-1","result":2}`,
		`{"id":"\u0074-0-1","result":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := leadhit.ParseAnswer(body, "t-0-1", "canary")
		verdict := leadhit.Judge{}.Judge(err)
		if err == nil {
			var plain map[string]any
			if err := json.Unmarshal(body, &plain); err != nil {
				t.Fatalf("done, but not JSON: %v", err)
			}
			_, result := plain["result"]
			if !result || plain["error"] != nil || plain["id"] != "t-0-1" {
				t.Fatalf("done, but the response is %v", plain)
			}
		}
		if rpc, ok := errors.AsType[*leadhit.RPCError](err); verdict.Kind == retry.DeadLetter &&
			(!ok || rpc.Type != "ValidationError" && rpc.Code != -32602) {
			t.Fatalf("dead letter for %v", err)
		}
		checkText(t, verdict)
	})
}

// checkText checks that a verdict's texts are fit for logs and metrics.
func checkText(t *testing.T, v retry.Verdict) {
	t.Helper()
	unfit := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	if len(v.Message) > 1024 || !utf8.ValidString(v.Message) || strings.ContainsFunc(v.Message, unfit) {
		t.Errorf("unfit message %q", v.Message)
	}
	if strings.Contains(v.Message, "canary") {
		t.Errorf("the key is in the message %q", v.Message)
	}
	if len(v.Cause) > 64 || strings.ContainsFunc(v.Cause, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("unfit cause %q", v.Cause)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("-1", "garbage")
	f.Add("99999999999999999999999", "")
	f.Add("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT")
	f.Add("Wed, 21 Oct 2226 07:28:30 GMT", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		got := leadhit.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}})
		if got < 0 || got > 15*time.Minute {
			t.Errorf("Retry-After %q at %q: got %v, want 0 to 15 minutes", value, date, got)
		}
	})
}

func FuzzMapPage(f *testing.F) {
	f.Add("<h1>JSON-RPC map</h1><pre>set_order_status: None\n\nget: \n    :param x: a < b</pre>")
	f.Add("<title>x</title><ul><li><a href=x>set_order_status</a></li></ul>")
	f.Add("<script>a</script <<<< &lt;pre&gt; name(x)")
	f.Fuzz(func(t *testing.T, page string) {
		found, some := leadhit.Lists(page, leadhit.Method)
		if found && !some || found && !strings.Contains(page, leadhit.Method) {
			t.Errorf("got found %t, some %t", found, some)
		}
	})
}

// A request is valid JSON, and reads back unchanged.
func FuzzAppendCall(f *testing.F) {
	f.Add("t-0-1", "A-1", "paid")
	f.Add("t-0-1", "\x00\"\\\u2028</script>é😀", "paid")
	f.Add("t-0-1", "\xff", "")
	f.Fuzz(func(t *testing.T, id, order, status string) {
		body, err := leadhit.AppendCall(nil, leadhit.Call{ID: id, OrderID: order, Status: status})
		sendable := id != "" && order != "" && status != "" &&
			utf8.ValidString(id) && utf8.ValidString(order) && utf8.ValidString(status)
		if _, ok := errors.AsType[*leadhit.UnsendableError](err); ok == sendable {
			t.Fatalf("sendable %t, but got %v", sendable, err)
		}
		if err != nil {
			return
		}
		var got struct {
			JSONRPC, ID, Method string
			Params              struct {
				Order  string `json:"order_id"`
				Status string
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got.JSONRPC != "2.0" || got.Method != "set_order_status" ||
			got.ID != id || got.Params.Order != order || got.Params.Status != status {
			t.Errorf("got %+v, want %q %q %q", got, id, order, status)
		}
	})
}
