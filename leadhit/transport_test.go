package leadhit_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
	"leadhit-sync/retry"
)

// trust writes the server's certificate to a file and returns the option that names the file.
func trust(t *testing.T, server *httptest.Server) func(*leadhit.Options) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	writeCA(t, file, server)
	return func(o *leadhit.Options) { o.CAFile = file }
}

func writeCA(t *testing.T, file string, server *httptest.Server) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func secure(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(sandbox.New(sandbox.Options{}))
	server.TLS = config
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestFailuresOfTheNetworkAreRetried(t *testing.T) {
	t.Parallel()
	modern := secure(t, nil)
	old := secure(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	plain := httptest.NewServer(sandbox.New(sandbox.Options{}))
	t.Cleanup(plain.Close)
	// This server reads but never sends. Reading keeps the connection alive: without a reference to it, the garbage
	// collector would close it.
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	unused, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = unused.Close()

	for name, c := range map[string]struct {
		url   string
		with  func(*leadhit.Options)
		cause string
	}{
		"nobody listens":                  {"http://" + unused.Addr().String(), nil, "Connect"},
		"nobody listens, with TLS":        {"https://" + unused.Addr().String(), nil, "Connect"},
		"no such name":                    {"https://nowhere.invalid/", func(o *leadhit.Options) { o.Dial = noName }, "DNS"},
		"an unknown authority":            {modern.URL, nil, "TLS"},
		"another name in the certificate": {strings.Replace(modern.URL, "127.0.0.1", "localhost", 1), trust(t, modern), "TLS"},
		"TLS 1.1":                         {old.URL, trust(t, old), "TLS"},
		"no TLS at all":                   {strings.Replace(plain.URL, "http:", "https:", 1), nil, "TLS"},
		"a handshake without end":         {strings.Replace(silent, "http:", "https:", 1), briefly, "Timeout"},
		"a dial without end":              {"http://host/", func(o *leadhit.Options) { briefly(o); o.Dial = never }, "Timeout"},
		"a proxy that is gone":            {modern.URL, func(o *leadhit.Options) { o.Proxy = "http://u:p@" + unused.Addr().String() }, "Connect"},
		"a proxy that refuses":            {modern.URL, func(o *leadhit.Options) { o.Proxy = plain.URL }, "Connect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := c.with
			if with == nil {
				with = func(*leadhit.Options) {}
			}
			got := call(t, open(t, c.url, with))
			if got.Kind != retry.Again || got.Cause != c.cause {
				t.Errorf("got %+v, want again %s", got, c.cause)
			}
		})
	}
}

func noName(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}}
}

func never(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAPrivateAuthorityIsTrustedAndReadAgain(t *testing.T) {
	t.Parallel()
	server := secure(t, nil)
	other := secure(t, nil) // all servers of httptest have the same certificate
	file := filepath.Join(t.TempDir(), "ca.pem")
	writeCA(t, file, other)
	client := open(t, server.URL, func(o *leadhit.Options) { o.CAFile = file })
	if got := call(t, client); got.Kind != retry.Done {
		t.Fatalf("got %+v, want done", got)
	}
	// With garbage in the file, the last good certificates stay in use.
	if err := os.WriteFile(file, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	client.Close()
	if got := call(t, client); got.Kind != retry.Done {
		t.Errorf("got %+v, want done", got)
	}
}

// proxy starts a CONNECT proxy and returns its URL. The proxy stores the last Proxy-Authorization header in
// *authorised.
func proxy(t *testing.T, authorised *string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		*authorised = r.Header.Get("Proxy-Authorization")
		upstream, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			http.Error(w, "unreachable", http.StatusBadGateway)
			return
		}
		defer func() { _ = upstream.Close() }()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		// This is not sent before Hijack, because net/http would read the first byte of what the client sends next.
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(upstream, conn) }()
		_, _ = io.Copy(conn, upstream)
	})
}

func TestCallsGoThroughAProxy(t *testing.T) {
	t.Parallel()
	server := secure(t, nil)
	var authorised string
	address := strings.Replace(proxy(t, &authorised), "http://", "http://user:password@", 1)
	client := open(t, server.URL, trust(t, server), func(o *leadhit.Options) { o.Proxy = address })
	over := io.ErrClosedPipe
	for _, refuse := range []error{nil, over, nil} {
		err := client.SetOrderStatus(t.Context(), leadhit.Call{
			ID: "t-0-1", OrderID: "A-1", Status: "paid", Before: func() error { return refuse },
		})
		if got := (leadhit.Judge{}).Judge(err); refuse == nil && got.Kind != retry.Done || refuse != nil && got.Cause != "NotSent" {
			t.Errorf("Before returned %v: got %+v", refuse, got)
		}
	}
	if authorised == "" {
		t.Error("the proxy did not get its password")
	}
	// An unknown authority behind the proxy is a TLS failure, too.
	stranger := open(t, server.URL, func(o *leadhit.Options) { o.Proxy = address })
	if got := call(t, stranger); got.Cause != "TLS" {
		t.Errorf("got %+v, want TLS", got)
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	node := httptest.NewServer(sandbox.New(sandbox.Options{}))
	t.Cleanup(node.Close)
	dialled := ""
	client := open(t, "http://leadhit.example/", func(o *leadhit.Options) {
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled = addr
			return new(net.Dialer).DialContext(ctx, network, node.Listener.Addr().String())
		}
	})
	if got := call(t, client); got.Kind != retry.Done || dialled != "leadhit.example:80" {
		t.Errorf("got %+v from %s", got, dialled)
	}
}
