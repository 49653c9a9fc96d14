package integration_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadhit-sync/integration/authority"
)

// secureDoor is the TLS endpoint through which a worker reaches LeadHit. A test may replace its certificate.
type secureDoor struct {
	door
	addr  string
	shown atomic.Pointer[tls.Certificate]
}

// newSecureWorker returns a worker and the TLS endpoint through which it reaches LeadHit. The endpoint's certificate is
// valid, and the worker has a file with the certificate's authority.
func (w *wire) newSecureWorker(t *testing.T, r *run) (*worker, *secureDoor) {
	t.Helper()
	d := &secureDoor{door: door{to: r.leadhit}}
	d.show(t, w, w.ca, authority.Subject{Name: "LeadHit", Hosts: []string{here}})
	listener, err := tls.Listen("tcp", net.JoinHostPort(here, "0"), &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return d.shown.Load(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.addr = listener.Addr().String()
	serve(t, listener, d)
	worker := r.workerAt(d.addr, &d.door)
	worker.url = strings.Replace(worker.url, "http:", "https:", 1)
	r.settings["LEADHIT_CA_FILE"] = w.file(t, r.group+"-leadhit-ca.pem", w.ca.PEM())
	return worker, d
}

// show replaces the certificate.
func (d *secureDoor) show(t *testing.T, w *wire, by *authority.Authority, s authority.Subject) {
	t.Helper()
	pair, err := w.issue(t, by, s).TLS()
	if err != nil {
		t.Fatal(err)
	}
	d.shown.Store(&pair)
}

// serve serves HTTP on the listener until the test ends.
func serve(t *testing.T, listener net.Listener, handler http.Handler) {
	t.Helper()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// testLeadHit tests the connection to LeadHit: LeadHit's certificate is verified, a proxy sees neither the key nor the
// orders, and redirects are not followed.
func (w *wire) testLeadHit(t *testing.T) {
	t.Helper()
	w.testLeadHitsCertificate(t)
	t.Run("LeadHit gets a certificate from another authority", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, login)
		worker, d := w.newSecureWorker(t, g.run)
		g.renewLeadHit(t, worker, d)
	})
	t.Run("LeadHit gets a certificate from another authority behind a proxy", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, login)
		worker, d := w.newSecureWorker(t, g.run)
		p := newProxy(t)
		g.settings["LEADHIT_PROXY"] = fmt.Sprintf("http://worker:%s@%s", w.password("proxy"), p.addr)
		g.renewLeadHit(t, worker, d)
		p.checkSeen(t, g, d)
	})
	t.Run("a redirect to another host", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, login)
		g.refusesRedirect(t)
	})
}

// testLeadHitsCertificate: if LeadHit's certificate is wrong, the worker makes no call. It reports the certificate, and
// creates no letter.
func (w *wire) testLeadHitsCertificate(t *testing.T) {
	t.Helper()
	for name, test := range map[string]struct {
		subject  authority.Subject
		stranger bool
		says     string
	}{
		"LeadHit's certificate is from another authority": {
			authority.Subject{Hosts: []string{here}}, true, "LeadHit's certificate is signed by an unknown authority; check LEADHIT_CA_FILE",
		},
		"LeadHit's certificate has expired": {
			authority.Subject{Hosts: []string{here}, Until: time.Now().Add(-time.Hour)}, false, "LeadHit's certificate has expired",
		},
		"LeadHit's certificate is for another host": {
			authority.Subject{Hosts: []string{"leadhit.example"}},
			false,
			"LeadHit's certificate is for another name (leadhit.example) than 127.0.0.1; check LEADHIT_URL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := w.newGuarded(t, login)
			by := w.ca
			if test.stranger {
				by = w.stranger(t)
			}
			g.callsNobody(t, by, test.subject, test.says)
		})
	}
}

// callsNobody makes LeadHit present a bad certificate. It requires that the worker reports this and makes no call, and
// that the worker finishes all events once LeadHit presents a good certificate.
func (g *guarded) callsNobody(t *testing.T, by *authority.Authority, s authority.Subject, says string) {
	t.Helper()
	g.allow(t, g.rights()...)
	worker, d := g.wire.newSecureWorker(t, g.run)
	d.show(t, g.wire, by, s)
	refused := g.writeSome(t, 100)
	worker.start(t)
	worker.complains(t, []string{says})
	if code, said := worker.check(t); code != 1 || !strings.Contains(failures(said), says) {
		t.Errorf("got exit code %d from check, want 1 and a failure with %q:\n%s", code, says, said)
	}
	until(t, time.Now().Add(5*time.Second))
	if calls, letters := g.leadhit.Count(), len(g.broker.letters(t, g.letters())); calls+letters > 0 {
		t.Errorf("got %d calls and %d letters while LeadHit does not prove who it is, want none", calls, letters)
	}
	if lines := countTrouble(worker.Stdout() + worker.Stderr()); lines > 3 {
		t.Errorf("got %d warnings and errors, want one per change:\n%s", lines, lastOf(worker.Stdout()+worker.Stderr(), 12))
	}
	d.show(t, g.wire, g.wire.ca, authority.Subject{Name: "LeadHit", Hosts: []string{here}})
	if report := g.done(t, worker, refused); report.Repeats > 0 {
		t.Errorf("got %d repeated calls, want none", report.Repeats)
	}
}

// renewLeadHit gives LeadHit a certificate from another authority while the worker runs, and puts that authority into
// the worker's file. The worker must log that the file has changed, and continue without a warning.
func (g *guarded) renewLeadHit(t *testing.T, worker *worker, d *secureDoor) {
	t.Helper()
	g.allow(t, g.rights()...)
	g.settings["SKIP_REPEATS"] = "false" // each event causes a call
	refused := g.writeSome(t, 100)
	worker.start(t)
	g.finish(t, time.Minute)

	fresh := g.wire.stranger(t)
	d.show(t, g.wire, fresh, authority.Subject{Name: "LeadHit", Hosts: []string{here}})
	before := g.leadhit.Count()
	// The worker started with the old authority in the file, so if it trusts the new one, it has reread the file.
	g.wire.file(t, g.group+"-leadhit-ca.pem", fresh.PEM())
	until(t, time.Now().Add(1500*time.Millisecond))
	refused += g.writeSome(t, 100)
	report := g.done(t, worker, refused)
	if made := g.leadhit.Count() - before; made < 100 || report.Repeats > 0 {
		t.Errorf("got %d calls, %d of them repeated, want at least 100 and none", made, report.Repeats)
	}
	if log := worker.Stdout() + worker.Stderr(); !strings.Contains(log, "LEADHIT_CA_FILE has changed") || countTrouble(log) > 0 {
		t.Errorf("got a log without the change, or with warnings:\n%s", lastOf(log, 12))
	}
}

// proxy is a CONNECT proxy that records everything that it sees.
type proxy struct {
	addr string

	mu    sync.Mutex
	hosts []string
	seen  bytes.Buffer
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(here, "0"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: listener.Addr().String()}
	serve(t, listener, p)
	return p
}

// ServeHTTP connects the client to the server that the request names.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Method+" "+r.Host)
	login := r.Header.Get("Proxy-Authorization")
	r.Header.Del("Proxy-Authorization") // a header for the proxy is not a leak
	fmt.Fprintf(&p.seen, "%s %s %s\n%v\n", r.Method, r.Host, r.URL, r.Header)
	p.mu.Unlock()
	if r.Method != http.MethodConnect || login == "" {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	far, err := new(net.Dialer).DialContext(context.WithoutCancel(r.Context()), "tcp", r.Host)
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	// Respond only after Hijack, because otherwise net/http would read the first byte of what the client sends next.
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	join(&watched{Conn: near, proxy: p}, far)
}

// watched records the bytes that a client sends.
type watched struct {
	net.Conn
	proxy *proxy
}

func (c *watched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.proxy.mu.Lock()
	c.proxy.seen.Write(b[:n])
	c.proxy.mu.Unlock()
	return n, err
}

// checkSeen requires that the proxy was asked to connect only to LeadHit, and saw neither the key nor the orders.
func (p *proxy) checkSeen(t *testing.T, g *guarded, d *secureDoor) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	want := http.MethodConnect + " " + d.addr
	if len(p.hosts) < 2 || slices.ContainsFunc(p.hosts, func(host string) bool { return host != want }) {
		t.Errorf("got %d requests to the proxy, %q, want at least two, %s each", len(p.hosts), slices.Compact(slices.Sorted(slices.Values(p.hosts))), want)
	}
	for _, secret := range []string{g.canary, "API-KEY", "api-key", "Api-Key", "set_order_status"} {
		if bytes.Contains(p.seen.Bytes(), []byte(secret)) {
			t.Errorf("got %q in what the proxy saw", secret)
		}
	}
	if p.seen.Len() < 10_000 {
		t.Errorf("got %d bytes that the proxy saw, want those of 200 calls", p.seen.Len())
	}
	g.keep(t, "proxy", p.seen.Bytes())
}

// refusesRedirect makes LeadHit redirect to another host for a while. The worker must not follow the redirect.
func (g *guarded) refusesRedirect(t *testing.T) {
	t.Helper()
	g.allow(t, g.rights()...)
	var arrived atomic.Int64
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(here, "0"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		_, _ = io.Copy(w, r.Body)
	}))
	worker, d := g.wire.newSecureWorker(t, g.run)
	elsewhere := "http://" + listener.Addr().String() + "/"
	var moved atomic.Bool
	moved.Store(true)
	sound := d.to
	d.to = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if moved.Load() {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
			return
		}
		sound.ServeHTTP(w, r)
	})
	refused := g.writeSome(t, 40)
	worker.start(t)
	worker.complains(t, []string{"correct LEADHIT_URL"})
	if code, said := worker.check(t); code != 1 || !strings.Contains(failures(said), "307") {
		t.Errorf("got exit code %d from check, want 1 and a failure with the status:\n%s", code, said)
	}
	if letters := len(g.broker.letters(t, g.letters())); letters > 0 {
		t.Errorf("got %d letters after a redirect, want none", letters)
	}
	moved.Store(false)
	g.finish(t, 2*time.Minute) // a probe is sent every 30 s
	g.done(t, worker, refused)
	if n := arrived.Load(); n > 0 {
		t.Errorf("got %d requests at the other host, want none: they carry the key", n)
	}
}
