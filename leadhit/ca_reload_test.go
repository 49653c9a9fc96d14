package leadhit_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// selfSigned returns a self-signed certificate, and its PEM for clients that should trust it.
func selfSigned(t *testing.T, ip string, expires time.Time) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "LeadHit"}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: expires.Add(-48 * time.Hour), NotAfter: expires, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// logbook is a log that several goroutines write to.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// eventually makes calls until one has the expected verdict, because the file is read at most once a second.
func eventually(t *testing.T, client *leadhit.Client, want func(retry.Verdict) bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		got := call(t, client)
		if want(got) {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("got %+v until the deadline", got)
		}
	}
}

func isDone(v retry.Verdict) bool { return v.Kind == retry.Done }

func TestAuthoritiesAreReadAgainBehindAProxyToo(t *testing.T) {
	t.Parallel()
	for _, behind := range []string{"no proxy", "a proxy"} {
		t.Run(behind, func(t *testing.T) {
			t.Parallel()
			first, firstPEM := selfSigned(t, "127.0.0.1", time.Now().Add(time.Hour))
			second, secondPEM := selfSigned(t, "127.0.0.1", time.Now().Add(time.Hour))
			var shown atomic.Pointer[tls.Certificate]
			shown.Store(&first)
			server := secure(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
			}})
			file, log := filepath.Join(t.TempDir(), "ca.pem"), new(logbook)
			replace(t, file, firstPEM)
			client := open(t, server.URL, func(o *leadhit.Options) {
				o.Timeout = 3 * time.Second // a failure is logged when no call has succeeded for longer than this
				o.CAFile, o.Logger = file, slog.New(slog.NewTextHandler(log, nil))
				if behind == "a proxy" {
					o.Proxy = proxy(t, new(string))
				}
			})
			eventually(t, client, isDone)

			// With garbage in the file, the last good certificates stay in use, and one line is logged.
			replace(t, file, []byte("half"))
			eventually(t, client, func(v retry.Verdict) bool {
				return isDone(v) && log.count("cannot be used; its previous content stays in use; fix the file\" setting=LEADHIT_CA_FILE") == 1
			})

			// The server has another certificate, which is not in the file yet.
			shown.Store(&second)
			client.Close()
			eventually(t, client, func(v retry.Verdict) bool { return v.Kind == retry.Again && v.Cause == "TLS" })
			eventually(t, client, func(v retry.Verdict) bool { return log.count("no call reaches LeadHit") == 1 })

			replace(t, file, secondPEM)
			eventually(t, client, isDone)
			if log.count("LEADHIT_CA_FILE has changed") != 1 || log.count("calls reach LeadHit again") != 1 || log.count("no call reaches LeadHit") != 1 {
				t.Errorf("got this log, want one line per change:\n%s", log.text.String())
			}

			// An authority that was removed from the file is no longer trusted, not even by a client that connected
			// while it was trusted.
			shown.Store(&first)
			replace(t, file, firstPEM)
			eventually(t, client, func(v retry.Verdict) bool { return isDone(v) && log.count("LEADHIT_CA_FILE has changed") == 2 })
			replace(t, file, secondPEM)
			eventually(t, client, func(v retry.Verdict) bool { return v.Kind == retry.Again && v.Cause == "TLS" })
		})
	}
}

// The worker reads the file once a second, so a read must be cheap.
func TestAFileThatHasNotChangedIsNotParsedAgain(t *testing.T) {
	_, text := selfSigned(t, "127.0.0.1", time.Now().Add(time.Hour))
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, text)
	client := open(t, "https://127.0.0.1/", func(o *leadhit.Options) { o.CAFile = file })
	if got := testing.AllocsPerRun(10, client.LookAgain); got > 20 {
		t.Errorf("got %v allocations for each look at the file, want at most 20, as for reading it", got)
	}
}

// replace replaces the content of a file in one step.
func replace(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestAFailedHandshakeIsExplainedInTheSameWordsEachTime(t *testing.T) {
	t.Parallel()
	tomorrow := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		ip      string
		expires time.Time
		trusted bool
		want    string
	}{
		"expired":              {"127.0.0.1", time.Now().Add(-time.Hour), true, "has expired or is not valid yet"},
		"another name":         {"10.0.0.1", tomorrow, true, "for another name (10.0.0.1) than 127.0.0.1; check LEADHIT_URL"},
		"an unknown authority": {"127.0.0.1", tomorrow, false, "check LEADHIT_CA_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, text := selfSigned(t, test.ip, test.expires)
			if !test.trusted {
				_, text = selfSigned(t, test.ip, test.expires)
			}
			file := filepath.Join(t.TempDir(), "ca.pem")
			replace(t, file, text)
			client := open(t, secure(t, &tls.Config{Certificates: []tls.Certificate{cert}}).URL, func(o *leadhit.Options) { o.CAFile = file })
			first := call(t, client)
			if first.Kind != retry.Again || first.Cause != "TLS" || !strings.Contains(first.Message, test.want) {
				t.Errorf("got %+v, want again for TLS, with %q", first, test.want)
			}
			if second := call(t, client); second.Message != first.Message {
				t.Errorf("got %q and then %q, want the same", first.Message, second.Message)
			}
		})
	}
}
