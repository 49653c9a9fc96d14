package leadhit_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

func TestOnlyAResultWithOurIDIsDone(t *testing.T) {
	t.Parallel()
	const ours = `"id":"t-0-1"`
	for name, c := range map[string]struct {
		body  string
		kind  retry.Kind
		cause string // empty: done
	}{
		"a result":                          {`{"jsonrpc":"2.0","result":true,` + ours + `}`, retry.Done, ""},
		"a result of null":                  {`{"jsonrpc":"2.0","result":null,` + ours + `}`, retry.Done, ""},
		"a result of false":                 {`{"jsonrpc":"2.0","result":false,` + ours + `}`, retry.Done, ""},
		"a result beside a null error":      {`{"result":{"a":[1]},"error":null,` + ours + `}`, retry.Done, ""},
		"white space around":                {" \r\n{ \"result\" : 1 , " + ours + " }\n", retry.Done, ""},
		"an escaped id":                     {`{"result":1,"id":"\u0074-0-1"}`, retry.Done, ""},
		"result and error null":             {`{"result":null,"error":null,` + ours + `}`, 0, "BadAnswer"},
		"neither":                           {`{"jsonrpc":"2.0",` + ours + `}`, 0, "BadAnswer"},
		"both":                              {`{"result":1,"error":{"code":1,"message":"m"},` + ours + `}`, 0, "BadAnswer"},
		"an error beside a null result":     {`{"result":null,"error":{"code":7,"message":"m"},` + ours + `}`, 0, "ServerError"},
		"another id":                        {`{"result":1,"id":"t-0-2"}`, 0, "BadAnswer"},
		"a number as id":                    {`{"result":1,"id":1}`, 0, "BadAnswer"},
		"a result without id":               {`{"result":1}`, 0, "BadAnswer"},
		"a result with a null id":           {`{"result":1,"id":null}`, 0, "BadAnswer"},
		"another version":                   {`{"jsonrpc":"1.0","result":1,` + ours + `}`, 0, "BadAnswer"},
		"a batch":                           {`[{"result":1,` + ours + `}]`, 0, "BadAnswer"},
		"text after it":                     {`{"result":1,` + ours + `}x`, 0, "BadAnswer"},
		"a second response":                 {`{"result":1,` + ours + `}{}`, 0, "BadAnswer"},
		"a name twice":                      {`{"result":1,` + ours + `,"result":2}`, 0, "BadAnswer"},
		"another letter case":               {`{"Result":1,` + ours + `}`, 0, "BadAnswer"},
		"html":                              {`<html></html>`, 0, "BadAnswer"},
		"nothing":                           {``, 0, "BadAnswer"},
		"half a response":                   {`{"result":1,"id":"t-`, 0, "BadAnswer"},
		"a byte order mark":                 {"\ufeff" + `{"result":1,` + ours + `}`, retry.Done, ""},
		"two byte order marks":              {"\ufeff\ufeff" + `{"result":1,` + ours + `}`, 0, "BadAnswer"},
		"UTF-16":                            {"\xff\xfe{\x00\"\x00", 0, "BadAnswer"},
		"nesting without end":               {strings.Repeat(`{"result":`, 20_000), 0, "BadAnswer"},
		"an error that is a string":         {`{"error":"no",` + ours + `}`, 0, "BadAnswer"},
		"an error without code":             {`{"error":{"message":"m"},` + ours + `}`, 0, "BadAnswer"},
		"a code that is not an integer":     {`{"error":{"code":1.5},` + ours + `}`, 0, "BadAnswer"},
		"a validation error":                {`{"error":{"code":-32000,"message":"m","data":{"type":"ValidationError","args":[{"a":1}]}},` + ours + `}`, retry.DeadLetter, "ValidationError"},
		"a validation error, broken text":   {"{\"error\":{\"code\":-32000,\"data\":{\"type\":\"ValidationError\",\"message\":\"\xff\\ud800\"}}," + ours + "}", retry.DeadLetter, "ValidationError"},
		"a validation error, another id":    {`{"error":{"code":-32000,"data":{"type":"ValidationError"}},"id":"t-0-2"}`, 0, "BadAnswer"},
		"a validation error, null id":       {`{"error":{"code":-32000,"data":{"type":"ValidationError"}},"id":null}`, 0, "BadAnswer"},
		"invalid params, null id":           {`{"error":{"code":-32602,"message":"m"},"id":null}`, 0, "BadAnswer"},
		"an error whose data is a string":   {`{"error":{"code":-32000,"data":"ValidationError"},` + ours + `}`, 0, "ServerError"},
		"a parse error, null id":            {`{"error":{"code":-32700,"message":"m"},"id":null}`, retry.Misconfigured, "ParseError"},
		"an invalid request without id":     {`{"error":{"code":-32600,"message":"m"}}`, retry.Misconfigured, "InvalidRequest"},
		"an unknown method, null id":        {`{"error":{"code":-32601,"message":"m"},"id":null}`, retry.Misconfigured, "MethodNotFound"},
		"an unknown method, another id":     {`{"error":{"code":-32601,"message":"m"},"id":"t-0-2"}`, 0, "BadAnswer"},
		"our key as the server's exception": {`{"error":{"code":-32000,"data":{"type":"canary","message":"canary"}},` + ours + `}`, 0, "ServerError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := leadhit.Judge{}.Judge(leadhit.ParseAnswer([]byte(c.body), "t-0-1", "canary"))
			if got.Kind != c.kind || got.Cause != c.cause {
				t.Errorf("%.200s: got %v %q (%s), want %v %q", c.body, got.Kind, got.Cause, got.Message, c.kind, c.cause)
			}
			answered := got.Cause != "BadAnswer" && strings.Contains(c.body, `"t-0-1"`) || c.cause == ""
			if got.Answered != answered {
				t.Errorf("%.200s: got answered %t, want %t", c.body, got.Answered, answered)
			}
			checkText(t, got)
		})
	}
}

// TestMemoryThatAResponseEnlargedIsNotKept: some of these responses need more memory than their size, because a byte of
// broken UTF-8 becomes three.
func TestMemoryThatAResponseEnlargedIsNotKept(t *testing.T) {
	t.Parallel()
	broken := strings.Repeat("\xff", 30<<10)
	for name, test := range map[string]struct {
		body string
		kept bool
	}{
		"as usual":  {`{"jsonrpc":"2.0","id":"1","result":null}`, true},
		"long body": {`{"jsonrpc":"2.0","id":"1","result":"` + strings.Repeat("x", 70<<10) + `"}`, false},
		"long name": {`{"` + broken + `":1,"id":"1","result":null}`, false},
		"long id":   {`{"id":"` + broken + `","result":null}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := leadhit.KeepsMemoryAfter([]byte(test.body)); got != test.kept {
				t.Errorf("got %t, want %t", got, test.kept)
			}
		})
	}
}

func TestAnErrorKeepsWhatTheMethodSaid(t *testing.T) {
	t.Parallel()
	err := leadhit.ParseAnswer([]byte(`{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server error","data":`+
		`{"type":"ValidationError","message":"Possible statuses: paid, submitted","args":["secret of the order"]}},"id":"t-0-1"}`), "t-0-1", "")
	rpc, ok := errors.AsType[*leadhit.RPCError](err)
	if !ok || rpc.Code != -32000 || rpc.Type != "ValidationError" || rpc.Message != "Possible statuses: paid, submitted" {
		t.Errorf("got %#v", err)
	}
	if want := "json-rpc error -32000 ValidationError: Possible statuses: paid, submitted"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	const date = "Wed, 21 Oct 2026 07:28:00 GMT"
	for name, c := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"seconds":                       {"120", "", 2 * time.Minute},
		"blanks around":                 {" 5 ", "", 5 * time.Second},
		"zero":                          {"0", "", 0},
		"the longest":                   {"900", "", 15 * time.Minute},
		"too long":                      {"901", "", 15 * time.Minute},
		"ten years":                     {"315360000", "", 15 * time.Minute},
		"more digits than a number":     {strings.Repeat("9", 40), "", 15 * time.Minute},
		"negative":                      {"-5", "", 0},
		"a fraction":                    {"1.5", "", 0},
		"garbage":                       {"soon", "", 0},
		"a date by the response's Date": {"Wed, 21 Oct 2026 07:29:30 GMT", date, 90 * time.Second},
		"a date in the past":            {"Wed, 21 Oct 2026 07:27:00 GMT", date, 0},
		"a date in ten years":           {"Wed, 21 Oct 2036 07:27:00 GMT", date, 15 * time.Minute},
		"a date by our clock":           {time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat), "garbage", 15 * time.Minute},
		"a date that has passed here":   {date[:12] + "2006 07:28:00 GMT", "", 0},
		"the older form of a date":      {"Wednesday, 21-Oct-26 07:28:10 GMT", date, 10 * time.Second},
		"no header":                     {"", date, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := leadhit.RetryAfter(http.Header{"Retry-After": {c.value}, "Date": {c.date}}); got != c.want {
				t.Errorf("Retry-After %q: got %v, want %v", c.value, got, c.want)
			}
		})
	}
}

func TestAMapPageListsOurMethodOrNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page        string
		found, some bool
	}{
		"as the server makes it": {
			"<h1>JSON-RPC map</h1><pre>get_orders: None\n\nset_order_status: \n    Sets it.\n\n    :param order_id: a < b</pre>", true, true,
		},
		"first on the page":         {"<h1>JSON-RPC map</h1><pre>set_order_status: None", true, true},
		"a list with links":         {"<UL><li><a href='#x'>set_order_status</a></LI></ul>", true, true},
		"with its parameters":       {"set_order_status(order_id, status)\r\n", true, true},
		"alone on a line":           {"get_orders\r\nset_order_status\r\n", true, true},
		"another method alone":      {"<pre>get_orders: \n    See set_order_status: it sets it.</pre>", false, true},
		"a longer name":             {"<pre>set_order_status_v2: x\nbulk.set_order_status: x</pre>", false, true},
		"sentences are not methods": {"<p>Not found here.</p><p>404 error</p>", false, false},
		"only signs":                {strings.Repeat("<", 1<<20), false, false},
		"nothing":                   {"", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found, some := leadhit.Lists(c.page, leadhit.Method); found != c.found || some != c.some {
				t.Errorf("got found %t, some %t; want %t, %t", found, some, c.found, c.some)
			}
		})
	}
}

func TestTextFromOutsideIsCleaned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, secret string
		limit        int
		want         string
	}{
		"white space":             {" a\t\r\n b ", "", 10, "a b"},
		"the direction of text":   {"a\u202egpj.exe\u2066", "", 20, "agpj.exe"},
		"a cut between letters":   {"яя", "", 3, "я"},
		"the secret":              {"key k3y!", "k3y", 20, "key ***!"},
		"the secret at the cut":   {"12345678secret", "secret", 10, "12345678**"},
		"the secret, interrupted": {"se\u200bcret", "secret", 10, "***"},
		"broken UTF-8":            {"\xff", "", 10, "\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := leadhit.Clean(c.text, c.secret, c.limit); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
