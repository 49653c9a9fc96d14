package desk_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"leadhit-sync/deadletter/desk"
)

func TestEveryResponseForbidsWhatThePagesDoNotNeed(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Referrer-Policy":              "same-origin",
		"Cache-Control":                "no-store",
	}
	for name, q := range map[string]request{
		"a page": {}, "a refusal": {method: http.MethodPost}, "an unknown method": {method: http.MethodDelete},
	} {
		w := q.send(t, desk.Access{}.Protect(http.HandlerFunc(who)))
		for header, value := range want {
			if got := w.Header().Get(header); got != value {
				t.Errorf("%s: got %s %q, want %q", name, header, got, value)
			}
		}
	}
}

func TestRequestsThatNoPageSendsAreRefused(t *testing.T) {
	t.Parallel()
	alice := func(q request) request {
		q.peer = "10.1.2.3:4711"
		if q.header == nil {
			q.header = http.Header{}
		}
		q.header.Set("X-Forwarded-Email", "alice")
		return q
	}
	for name, c := range map[string]struct {
		request
		code int
		want string
	}{
		"a form of the page itself":            {alice(request{method: "POST", form: "reason=x", header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}), 200, "alice may write"},
		"a form of a program":                  {alice(request{method: "POST", form: "reason=x"}), 200, "alice may write"},
		"a form of another site":               {alice(request{method: "POST", form: "reason=x", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}), 403, "access.origin"},
		"a form of a neighbour":                {alice(request{method: "POST", form: "reason=x", header: http.Header{"Sec-Fetch-Site": {"same-site"}}}), 403, "access.origin"},
		"a form of another site, old browser":  {alice(request{method: "POST", form: "reason=x", host: "desk.example.com", header: http.Header{"Origin": {"https://evil.example"}}}), 403, "access.origin"},
		"a form of the same site, old browser": {alice(request{method: "POST", form: "reason=x", host: "desk.example.com", header: http.Header{"Origin": {"https://desk.example.com"}}}), 200, "alice may write"},
		"a form of a page without an origin":   {alice(request{method: "POST", form: "reason=x", header: http.Header{"Origin": {"null"}}}), 403, "access.origin"},
		"a form without a user":                {request{method: "POST", form: "reason=x"}, 403, "access.stranger"},
		"a form that is too large":             {alice(request{method: "POST", form: "id=" + strings.Repeat("a", 300<<10)}), 413, "access.form.large"},
		"a body that is not a form":            {alice(request{method: "POST", form: "reason=%zz"}), 400, "access.form"},
		"another method":                       {alice(request{method: "PUT"}), 405, "access.method"},
		"a tunnelled method":                   {alice(request{method: "CONNECT", path: "/letters"}), 405, "access.method"},
		"a zero byte in the path":              {alice(request{path: "/letters/orders%00/3/42"}), 400, "access.path"},
		"a line break in the path":             {alice(request{path: "/letters/orders%0d%0aX:y/3/42"}), 400, "access.path"},
		"a path that is not text":              {alice(request{path: "/letters/%ff/3/42"}), 400, "access.path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := c.send(t, behind().Protect(http.HandlerFunc(who)))
			if got := strings.TrimSpace(w.Body.String()); w.Code != c.code || got != c.want {
				t.Errorf("got %d %s, want %d %s", w.Code, got, c.code, c.want)
			}
		})
	}
}

// A site on the internet may make its own host name resolve to 127.0.0.1 (DNS rebinding). In that case, the browser
// treats our page as part of that site.
func TestAForeignNameOfALoopbackAddressIsRefused(t *testing.T) {
	t.Parallel()
	withProxy := behind()
	withProxy.TrustedProxies = append(withProxy.TrustedProxies, netip.MustParsePrefix("127.0.0.1/32"))
	demo := desk.Access{Write: true, Everybody: "you"}
	for name, c := range map[string]struct {
		access desk.Access
		request
		code int
	}{
		"by number":                 {demo, request{local: "127.0.0.1:8090", host: "127.0.0.1:8090"}, 200},
		"by IPv6 number":            {demo, request{local: "[::1]:8090", host: "[::1]:8090"}, 200},
		"by name":                   {demo, request{local: "127.0.0.1:8090", host: "localhost:8090"}, 200},
		"without a port":            {demo, request{local: "127.0.0.1:80", host: "LOCALHOST"}, 200},
		"by a foreign name":         {demo, request{local: "127.0.0.1:8090", host: "evil.example:8090"}, 421},
		"by a name like localhost":  {demo, request{local: "127.0.0.1:8090", host: "localhost.evil.example:8090"}, 421},
		"by another address":        {demo, request{local: "127.0.0.1:8090", host: "10.0.0.1:8090"}, 421},
		"without a name":            {demo, request{local: "127.0.0.1:8090", host: ":8090"}, 421},
		"a write by a foreign name": {demo, request{method: "POST", local: "127.0.0.1:8090", host: "evil.example"}, 421},
		"an address of a network":   {demo, request{local: "10.0.0.1:8090", host: "desk.example.com"}, 200},
		"through the proxy":         {withProxy, request{local: "127.0.0.1:8090", peer: "127.0.0.1:4711", host: "desk.example.com"}, 200},
		"past the proxy":            {behind(), request{local: "127.0.0.1:8090", peer: "127.0.0.1:4711", host: "evil.example"}, 421},
		// A browser does not send alice's token to any other host name.
		"with a token": {desk.Access{Tokens: tokens(t)}, request{local: "127.0.0.1:8090", host: "desk.example.com", user: "alice", token: aliceToken}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := c.send(t, c.access.Protect(http.HandlerFunc(who))); w.Code != c.code {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.code)
			}
		})
	}
}

func TestAHandlerFindsTheForm(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.PostForm.Get("reason"))) })
	q := request{method: "POST", form: url.Values{"reason": {"LeadHit 2.4 accepts it"}}.Encode(), path: "/?reason=none"}
	if got := q.send(t, desk.Access{Write: true, Everybody: "you"}.Protect(page)).Body.String(); got != "LeadHit 2.4 accepts it" {
		t.Errorf("got the reason %q, want the one in the form", got)
	}
}
