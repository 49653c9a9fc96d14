package desk_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leadhit-sync/deadletter/desk"
)

const aliceToken = "0123456789abcdef01234567"

// tokens returns a function that returns the users of a token file, which names only alice.
func tokens(t *testing.T) func() desk.Tokens {
	t.Helper()
	users, err := desk.ReadTokens(tokenFile(t, "alice "+aliceToken+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return func() desk.Tokens { return users }
}

func tokenFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// behind returns the Access for a desk behind a proxy at 10.1.2.3.
func behind() desk.Access {
	return desk.Access{
		Write: true, UserHeader: "X-Forwarded-Email", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32")},
	}
}

// request is what a test sends.
type request struct {
	method, path, form, peer, host string
	header                         http.Header
	user, token                    string
	local                          string // address that the request reached
}

// send sends the request to the handler, and returns the response.
func (q request) send(t *testing.T, to http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	if q.path == "" {
		q.path = "/letters"
	}
	r := httptest.NewRequestWithContext(t.Context(), q.method, q.path, strings.NewReader(q.form))
	if q.form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range q.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if q.user+q.token != "" {
		r.SetBasicAuth(q.user, q.token)
	}
	if q.peer != "" {
		r.RemoteAddr = q.peer
	}
	if q.host != "" {
		r.Host = q.host
	}
	if q.local != "" {
		local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(q.local))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}

// who serves a page that shows its visitor's name and whether the visitor may write.
func who(w http.ResponseWriter, r *http.Request) {
	name, may, why := desk.VisitorOf(r)
	if may {
		name += " may write"
	}
	_, _ = w.Write([]byte(name + why))
}

func TestOnlyAKnownUserMayWrite(t *testing.T) {
	t.Parallel()
	email := func(names ...string) http.Header { return http.Header{"X-Forwarded-Email": names} }
	readOnly := behind()
	readOnly.Write = false
	for _, c := range []struct {
		name   string
		access desk.Access
		request
		want string
	}{
		{"a desk without settings", desk.Access{}, request{}, "access.readonly"},
		{"writing without a way to know users", desk.Access{Write: true}, request{header: email("alice")}, "access.nobody"},
		{"a user whom the proxy names", behind(), request{peer: "10.1.2.3:4711", header: email("alice@example.com")}, "alice@example.com may write"},
		{"the proxy by its IPv4 address within IPv6", behind(), request{peer: "[::ffff:10.1.2.3]:4711", header: email("alice")}, "alice may write"},
		{"a user where nobody may write", readOnly, request{peer: "10.1.2.3:4711", header: email("alice")}, "aliceaccess.readonly"},
		{"a forged header from another address", behind(), request{peer: "10.1.2.4:4711", header: email("alice")}, "access.stranger"},
		{"a forged header with the proxy's address in X-Forwarded-For", behind(), request{
			peer: "10.1.2.4:4711", header: http.Header{"X-Forwarded-Email": {"alice"}, "X-Forwarded-For": {"10.1.2.3"}},
		}, "access.stranger"},
		{"an address that cannot be read", behind(), request{peer: "@", header: email("alice")}, "access.stranger"},
		{"the proxy without a name", behind(), request{peer: "10.1.2.3:4711"}, "access.unnamed"},
		{"a client's header beside the proxy's", behind(), request{peer: "10.1.2.3:4711", header: email("mallory", "alice")}, "access.unnamed"},
		{"a client's name before the proxy's", behind(), request{peer: "10.1.2.3:4711", header: email("mallory,alice")}, "access.unnamed"},
		{"an empty name", behind(), request{peer: "10.1.2.3:4711", header: email("")}, "access.unnamed"},
		{"a name that is blank", behind(), request{peer: "10.1.2.3:4711", header: email(" ")}, "access.unnamed"},
		{"a name with a control character", behind(), request{peer: "10.1.2.3:4711", header: email("al\x1bice")}, "access.unnamed"},
		{"a name that reverses the direction of text", behind(), request{peer: "10.1.2.3:4711", header: email("al\u202eice")}, "access.unnamed"},
		{"a name that is not text", behind(), request{peer: "10.1.2.3:4711", header: email("al\xffice")}, "access.unnamed"},
		{"a name that is too long", behind(), request{peer: "10.1.2.3:4711", header: email(strings.Repeat("a", 101))}, "access.unnamed"},
		{"a name in Cyrillic", behind(), request{peer: "10.1.2.3:4711", header: email("Алиса")}, "Алиса may write"},
		{"the demo's user", desk.Access{Write: true, Everybody: "you"}, request{}, "you may write"},
		{"a user with a token", desk.Access{Write: true, Tokens: tokens(t)}, request{user: "alice", token: aliceToken}, "alice may write"},
		{"a user with a token where nobody may write", desk.Access{Tokens: tokens(t)}, request{user: "alice", token: aliceToken}, "aliceaccess.readonly"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.send(t, c.access.Protect(http.HandlerFunc(who))).Body.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhereUsersHaveTokensNobodyElseSeesAnything(t *testing.T) {
	t.Parallel()
	access := desk.Access{Write: true, Tokens: tokens(t)}
	for name, q := range map[string]request{
		"no token":               {},
		"a wrong token":          {user: "alice", token: "0123456789abcdef01234568"},
		"somebody else's token":  {user: "bob", token: aliceToken},
		"a token without a name": {token: aliceToken},
		"a name without a token": {user: "alice"},
		"a name in a header":     {header: http.Header{"X-Forwarded-Email": {"alice"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := q.send(t, access.Protect(http.HandlerFunc(who)))
			if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("got %d %v, want 401 and a request for the token", w.Code, w.Header())
			}
			q.method = http.MethodPost
			if w = q.send(t, access.Protect(http.HandlerFunc(who))); w.Code != http.StatusForbidden {
				t.Errorf("got %d for a POST, want 403", w.Code)
			}
		})
	}
}

func TestAReplacedTokenFileCountsAtOnce(t *testing.T) {
	t.Parallel()
	path := tokenFile(t, "alice "+aliceToken)
	access := desk.Access{Write: true, Tokens: func() desk.Tokens {
		users, err := desk.ReadTokens(path)
		if err != nil {
			t.Error(err)
		}
		return users
	}}
	q := request{user: "alice", token: aliceToken}
	if w := q.send(t, access.Protect(http.HandlerFunc(who))); w.Code != http.StatusOK {
		t.Fatalf("got %d, want alice let in", w.Code)
	}
	if err := os.WriteFile(path, []byte("bob abcdef0123456789abcdef01"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := q.send(t, access.Protect(http.HandlerFunc(who))); w.Code != http.StatusUnauthorized {
		t.Errorf("got %d after alice's token was removed, want 401", w.Code)
	}
}

func TestATokenFileWithAMistakeIsRefusedWithoutItsContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no line":           {"\n# alice " + aliceToken + "\n", "no line with a name and a token"},
		"no token":          {"alice\n", "line 1: want a name, a space and a token"},
		"three words":       {"# users\nalice liddell " + aliceToken, "line 2: want a name, a space and a token"},
		"a short token":     {"alice canary-secret", "line 1: the token is shorter than 24 characters"},
		"a name with colon": {"alice:x " + aliceToken, "line 1: the name has a colon"},
		"one token of two":  {"alice " + aliceToken + "\nbob " + aliceToken, "line 2: the token is on an earlier line too"},
		"a byte order mark": {"\uFEFFalice " + aliceToken, "line 1: the name has a colon, or characters that cannot be printed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := desk.ReadTokens(tokenFile(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), aliceToken) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want an error without the token", err)
			}
		})
	}
}
