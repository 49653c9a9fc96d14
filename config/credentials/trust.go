package credentials

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

// Authorities returns a function that reads the authorities to trust: the system's and those in a PEM file. That
// function returns the same pool as long as the file does not change, so that a caller can compare pointers. It is not
// safe for concurrent use; [Keep] makes it safe.
func Authorities(name string) func() (*x509.CertPool, error) {
	var text []byte
	var pool *x509.CertPool
	return func() (*x509.CertPool, error) {
		fresh, err := Read(name)
		if err != nil {
			return nil, err
		}
		if pool != nil && bytes.Equal(fresh, text) {
			return pool, nil
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // an image without system authorities still has the file
		}
		if !roots.AppendCertsFromPEM(fresh) {
			return nil, errors.New("contains no certificate")
		}
		text, pool = fresh, roots
		return pool, nil
	}
}

// DialTLS returns a function for [net/http.Transport.DialTLSContext]. Each connection trusts the authorities that roots
// loads when the connection starts. The TCP connection and the TLS handshake together take at most limit. protocols are
// the ALPN protocols to offer, h2 or http/1.1.
func DialTLS(
	roots *Kept[*x509.CertPool], limit time.Duration, protocols ...string,
) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := tls.Dialer{
			// net/http lets a dial outlive the request that started it, so the dial needs its own limit.
			NetDialer: &net.Dialer{Timeout: limit},
			Config:    &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots.Load(), NextProtos: protocols},
		}
		return d.DialContext(ctx, network, address)
	}
}
