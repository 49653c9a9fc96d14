// Package authority issues certificates for tests and for manual experiments.
//
//	ca, err := authority.New("test authority")
//	pair, err := ca.Issue(authority.Subject{Name: "broker", Hosts: []string{"127.0.0.1"}})
//
// It can also issue invalid certificates: expired ones, and ones for other hosts. The package stores nothing. The
// caller owns the keys, which are not for production.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// life is how long a certificate is valid before and after now, by default.
const life = 24 * time.Hour

// Authority signs certificates. [New] returns one. It may be used from several goroutines.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New returns an authority with a self-signed certificate.
func New(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	template := template(Subject{Name: name})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	// The authority's own certificate is valid longer than any that it signs, so that in tests of expiry only the signed
	// certificate expires.
	template.NotBefore, template.NotAfter = template.NotBefore.Add(-10*life), template.NotAfter.Add(10*life)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	return &Authority{cert: cert, key: key}, nil
}

// PEM returns the authority's own certificate, for trust stores.
func (a *Authority) PEM() []byte { return block("CERTIFICATE", a.cert.Raw) }

// Subject describes the owner of a certificate.
type Subject struct {
	// Name is the common name. For a client it is the user name in Kafka.
	Name string
	// Hosts are the host names and IP addresses of a server.
	Hosts []string
	// Until is when the certificate expires. Zero means tomorrow.
	Until time.Time
}

// Pair is a certificate with its key, both in PEM form. The key is PKCS #8, the only form that Go and Java both read.
type Pair struct{ Cert, Key []byte }

// Issue signs a certificate for a subject, for use by a server or a client.
func (a *Authority) Issue(s Subject) (Pair, error) {
	pair, err := a.issue(s)
	if err != nil {
		return Pair{}, fmt.Errorf("certificate for %s: %w", s.Name, err)
	}
	return pair, nil
}

func (a *Authority) issue(s Subject) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template := template(s)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	cert, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Cert: block("CERTIFICATE", cert), Key: block("PRIVATE KEY", secret)}, nil
}

func template(s Subject) *x509.Certificate {
	now := time.Now()
	t := &x509.Certificate{
		// Two certificates from one authority must not have the same serial number.
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: s.Name},
		NotBefore:    now.Add(-life), NotAfter: now.Add(life),
	}
	if !s.Until.IsZero() {
		t.NotAfter = s.Until
		t.NotBefore = s.Until.Add(-life)
	}
	for _, host := range s.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, host)
	}
	return t
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TLS returns the pair for crypto/tls.
func (p Pair) TLS() (tls.Certificate, error) { return tls.X509KeyPair(p.Cert, p.Key) }

// Keystore returns the key followed by the certificate, the form of Kafka's PEM key stores.
func (p Pair) Keystore() []byte { return append(append([]byte(nil), p.Key...), p.Cert...) }

// WriteFile replaces a file atomically, as secret rotation should, so that no reader sees half of the file. Only the
// file's owner can read it.
func WriteFile(name string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
