package leadhit_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// door is a TLS server in place of LeadHit, with a client. Each connection carries one call, and ends in a way that the
// test chooses.
type door struct {
	client *leadhit.Client
	log    *logbook
	cert   tls.Certificate

	mu    sync.Mutex
	meets func(net.Conn) net.Conn // serves the far end of a connection; a non-nil result replaces our end
	ports int
}

func newDoor(t *testing.T) *door {
	t.Helper()
	cert, text := selfSigned(t, "127.0.0.1", time.Now().Add(time.Hour))
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, text)
	d := &door{log: new(logbook), cert: cert}
	d.client = open(t, "https://127.0.0.1/", func(o *leadhit.Options) {
		o.CAFile, o.Timeout, o.Logger = file, 3*time.Second, slog.New(slog.NewTextHandler(d.log, nil))
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			d.mu.Lock()
			meets := d.meets
			d.mu.Unlock()
			if ours := meets(far); ours != nil {
				return ours, nil
			}
			return near, nil
		}
	})
	return d
}

// call makes one call. meets serves the far end of the call's connection.
func (d *door) call(t *testing.T, meets func(net.Conn) net.Conn) retry.Verdict {
	t.Helper()
	d.mu.Lock()
	d.meets = meets
	d.mu.Unlock()
	return call(t, d.client)
}

func (d *door) answer(far net.Conn) net.Conn { return serveOnce(far, d.cert) }

// stranger returns a function that responds with a certificate that is not trusted.
func stranger(t *testing.T) func(net.Conn) net.Conn {
	t.Helper()
	cert, _ := selfSigned(t, "127.0.0.1", time.Now().Add(time.Hour))
	return func(far net.Conn) net.Conn { return serveOnce(far, cert) }
}

func serveOnce(far net.Conn, cert tls.Certificate) net.Conn {
	go func() {
		defer func() { _ = far.Close() }() // not conn: its close_notify would block if nothing reads the other end
		conn := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}})
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		const answer = `{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	}()
	return nil
}

// says returns a function that reads a ClientHello, sends text and hangs up.
func says(text string) func(net.Conn) net.Conn {
	return func(far net.Conn) net.Conn {
		go func() {
			_, _ = far.Read(make([]byte, 16<<10))
			_, _ = io.WriteString(far, text)
			_ = far.Close()
		}()
		return nil
	}
}

// alert is a TLS alert: handshake_failure.
const alert = "\x15\x03\x03\x00\x02\x02\x28"

// reset returns a connection that breaks during the handshake. Like the kernel's errors, its error contains a local
// port.
func (d *door) reset(net.Conn) net.Conn {
	near, _ := net.Pipe()
	d.ports++
	return &brokenConn{near, &net.OpError{
		Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000 + d.ports}, Err: syscall.ECONNRESET,
	}}
}

type brokenConn struct {
	net.Conn
	err error
}

func (c *brokenConn) Write(b []byte) (int, error) { return len(b), nil }
func (c *brokenConn) Read([]byte) (int, error)    { return 0, c.err }

const (
	unreached = "no call reaches LeadHit"
	again     = "calls reach LeadHit again"
)

func (d *door) logged(t *testing.T, warnings, ends int) {
	t.Helper()
	if d.log.count(unreached) != warnings || d.log.count(again) != ends {
		t.Errorf("got this log, want %d lines about outages and %d about their ends:\n%s", warnings, ends,
			d.log.text.String())
	}
}

func TestFailuresBetweenCallsThatReachLeadHitAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		for range 30 {
			if got := d.call(t, says(alert)); got.Cause != "TLS" {
				t.Fatalf("got %+v, want TLS", got)
			}
			<-time.After(2 * time.Second)
			if got := d.call(t, d.answer); got.Kind != retry.Done {
				t.Fatalf("got %+v, want done", got)
			}
		}
		// All calls that are in flight fail at once, before the next call gets a response.
		for range 64 {
			d.call(t, says(alert))
		}
		<-time.After(2 * time.Second)
		d.call(t, d.answer)
		// A few calls fail over a long time, as on a quiet night.
		for range 4 {
			d.call(t, says(alert))
			<-time.After(time.Hour)
		}
		d.logged(t, 0, 0)
	})
}

func TestAnOutageOfTLSIsLoggedOnceForEachCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		unknown := stranger(t)
		for range 60 {
			d.call(t, says(alert))
			<-time.After(time.Second)
		}
		d.logged(t, 1, 0)
		for range 60 { // behind a load balancer the causes may differ
			d.call(t, says(alert))
			d.call(t, unknown)
			d.call(t, says("HTTP/1.1 400"))
			<-time.After(time.Second)
		}
		d.logged(t, 3, 0)
		for _, want := range []string{"handshake failure", "signed by an unknown authority", "the server at LEADHIT_URL does not speak TLS"} {
			if d.log.count(want) != 1 {
				t.Errorf("got this log, want %q in it once:\n%s", want, d.log.text.String())
			}
		}
		for range 3 {
			d.call(t, d.answer)
		}
		d.logged(t, 3, 1)
		d.call(t, says(alert)) // a single failure
		d.call(t, d.answer)
		d.logged(t, 3, 1)
		for range 10 {
			d.call(t, says(alert))
			<-time.After(time.Second)
		}
		d.logged(t, 4, 1)
		d.call(t, d.answer)
		d.logged(t, 4, 2)
	})
}

func TestTLSIsNotBlamedForAHandshakeThatTheNetworkBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		silent := func(net.Conn) net.Conn { return &brokenConn{newPipe(), syscall.ETIMEDOUT} }
		for range 20 {
			for name, c := range map[string]struct {
				meets func(net.Conn) net.Conn
				cause string
			}{
				"a reset": {d.reset, "Reset"}, "an end": {says(""), "Reset"}, "half a record": {says(alert[:4]), "Reset"}, "silence": {silent, "Timeout"},
			} {
				got := d.call(t, c.meets)
				if got.Kind != retry.Again || got.Cause != c.cause || strings.Contains(got.Message, "TLS 1.2") {
					t.Errorf("%s: got %+v, want again for %s", name, got, c.cause)
				}
			}
			<-time.After(time.Second)
		}
		d.logged(t, 0, 0)
	})
}

func newPipe() net.Conn {
	near, _ := net.Pipe()
	return near
}
