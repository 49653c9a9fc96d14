package authority_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"leadhit-sync/integration/authority"
)

func TestACertificateIsValidOnlyForItsHostsTimeAndAuthority(t *testing.T) {
	t.Parallel()
	ours, another := newAuthority(t), newAuthority(t)
	for name, test := range map[string]struct {
		trusted *authority.Authority
		subject authority.Subject
		host    string
		check   func(error) bool
	}{
		"an address":       {ours, authority.Subject{Hosts: []string{"127.0.0.1"}}, "127.0.0.1", isNil},
		"a name":           {ours, authority.Subject{Hosts: []string{"broker.example"}}, "broker.example", isNil},
		"another name":     {ours, authority.Subject{Hosts: []string{"broker.example"}}, "127.0.0.1", is[x509.HostnameError]},
		"an expired one":   {ours, authority.Subject{Hosts: []string{"127.0.0.1"}, Until: time.Now().Add(-time.Hour)}, "127.0.0.1", is[x509.CertificateInvalidError]},
		"of somebody else": {another, authority.Subject{Hosts: []string{"127.0.0.1"}}, "127.0.0.1", is[x509.UnknownAuthorityError]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := ours.Issue(test.subject)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pair.TLS(); err != nil {
				t.Errorf("got %v for the pair, want certificate and key that belong together", err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(test.trusted.PEM())
			if _, err := parse(t, pair.Cert).Verify(x509.VerifyOptions{DNSName: test.host, Roots: roots}); !test.check(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func newAuthority(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.New("test authority")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func isNil(err error) bool { return err == nil }

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func TestWriteFileReplacesAFileThatOnlyItsOwnerReads(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "key.pem")
	for _, text := range []string{"one", "another"} {
		if err := authority.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file of mode 0600", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want nothing but the file", left, err)
	}
}
