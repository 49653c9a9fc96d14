// Package authority makes certificates for tests and for trying things out: an authority of one's own, and whatever it
// is to vouch for, right or wrong. Nothing is kept but what the caller keeps; the keys are good for a test and for
// nothing else.
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

// life is how long before and after now a certificate holds unless it is told otherwise.
const life = 24 * time.Hour

// Authority vouches for others. New makes one. It may be used from several goroutines.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// New makes an authority that vouches for itself.
func New(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	template := template(Subject{Name: name})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	// Longer than whatever it vouches for, expired ones too.
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

// PEM returns the authority's own certificate, for those who are to trust it.
func (a *Authority) PEM() []byte { return block("CERTIFICATE", a.cert.Raw) }

// Subject is whom to vouch for.
type Subject struct {
	// Name is the common name; Kafka takes a client's for its user.
	Name string
	// Hosts are the names and addresses that it answers to.
	Hosts []string
	// Until is when the certificate expires; zero means tomorrow.
	Until time.Time
}

// Pair is a certificate with its key, both PEM; the key is PKCS #8, the one form that Java reads too.
type Pair struct{ Cert, Key []byte }

// Issue vouches for a subject, as a server and as a client.
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
		// Two certificates of one authority must not share a number.
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

// TLS returns the pair for a Go server or client.
func (p Pair) TLS() (tls.Certificate, error) { return tls.X509KeyPair(p.Cert, p.Key) }

// Keystore returns key and certificate in one text, as Kafka reads them from one file.
func (p Pair) Keystore() []byte { return append(append([]byte(nil), p.Key...), p.Cert...) }

// WriteFile puts text in the place of a file in one step, as a good rotation does. Only its owner may read it.
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
