package credentials_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/config/credentials"
)

// server starts a TLS server whose certificate is its own authority, and also returns that authority as PEM.
func server(t *testing.T) (s *httptest.Server, authority string) {
	t.Helper()
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(s.Close)
	return s, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// stranger returns the PEM of an authority that signed no server's certificate here.
func stranger(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestAuthoritiesAreAddedToTheSystems(t *testing.T) {
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	s, text := server(t)
	want := system.Clone()
	want.AddCert(s.Certificate())
	if got, err := credentials.Authorities(write(t, text))(); err != nil || !got.Equal(want) {
		t.Errorf("got another pool, %v, want the system's authorities and ours", err)
	}
}

func TestAuthoritiesAreOnePoolUntilTheFileChanges(t *testing.T) {
	_, text := server(t)
	file := write(t, text)
	read := credentials.Authorities(file)
	first, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := read(); again != first || err != nil {
		t.Errorf("got another pool, %v, want the same", err)
	}
	if got := testing.AllocsPerRun(10, func() { _, _ = read() }); got > 20 {
		t.Errorf("got %v allocations for a file that did not change, want what reading it takes", got)
	}
	replace(t, file, text+"\n")
	if changed, err := read(); changed == first || err != nil {
		t.Errorf("got the same pool, %v, want another", err)
	}
	replace(t, file, "no PEM")
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "contains no certificate") {
		t.Errorf("got %v, want no certificate", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err == nil {
		t.Error("got no error for an absent file")
	}
}

func TestDialTLSTrustsWhatTheFileContainsAtEachConnection(t *testing.T) {
	t.Parallel()
	s, text := server(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, stranger(t))
	roots, err := credentials.Keep("CA_FILE", slog.New(slog.DiscardHandler), credentials.Authorities(file))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		DialTLSContext: credentials.DialTLS(roots, time.Minute, "http/1.1"), DisableKeepAlives: true,
	}}
	get := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	if err := get(); err == nil {
		t.Error("got a response from a server of another authority")
	}
	replace(t, file, text)
	if err := get(); err != nil {
		t.Errorf("got %v from a server of the authority in the file", err)
	}
	replace(t, file, "half")
	if err := get(); err != nil {
		t.Errorf("got %v while the file cannot be used, want its previous content to stay in use", err)
	}
}
