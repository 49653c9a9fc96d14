package leadhit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	maxURL = 2 << 10
	maxKey = 4 << 10
	// maxResponseHeader replaces net/http's limit of 10 MiB.
	maxResponseHeader = 64 << 10
	// idleConnection is longer than most servers keep an idle connection open. So the server closes an idle connection
	// first, and the pool notices at once.
	idleConnection = 90 * time.Second
	keepAlive      = 30 * time.Second
)

// newTransport returns a transport for HTTP/1.1 only. HTTP/2 puts all calls on one connection, where one reset would
// make them all fail and Call.Before could not stop just one of them. net/http also repeats HTTP/2 requests
// automatically after a GOAWAY.
func newTransport(options Options) (*reloading, error) {
	dial := options.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: options.Timeout, KeepAlive: keepAlive}).DialContext
	}
	proxy, wrongProxy := proxyFunc(options.Proxy)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport, wrongCA := newReloading(options.CAFile, options.Logger, func(roots *x509.CertPool) *http.Transport {
		d := &dialer{dial: dial, timeout: options.Timeout, config: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    roots,
			NextProtos: []string{"http/1.1"},
		}}
		return &http.Transport{
			Proxy:                  proxy,
			OnProxyConnectResponse: checkProxy,
			DialContext:            d.dialPlain,
			DialTLSContext:         d.dialTLS,
			TLSClientConfig:        d.config, // behind a proxy, where net/http does not call DialTLSContext
			TLSHandshakeTimeout:    options.Timeout,
			DisableCompression:     true, // a response takes 100 bytes; unwrap limits those that are compressed anyway
			MaxIdleConnsPerHost:    options.CallsInFlight,
			IdleConnTimeout:        idleConnection,
			MaxResponseHeaderBytes: maxResponseHeader,
			Protocols:              protocols,
		}
	})
	return transport, errors.Join(optionError("proxy", wrongProxy), optionError("ca file", wrongCA))
}

// dialer opens connections. The type of an error says which step failed.
type dialer struct {
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout time.Duration
	config  *tls.Config
}

func (d *dialer) dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	// net/http lets a dial outlive the call that started it, so the dial needs its own limit.
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, &connectError{err}
	}
	return &conn{Conn: raw}, nil
}

func (d *dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, &connectError{err}
	}
	config := d.config.Clone()
	if config.ServerName, _, err = net.SplitHostPort(addr); err == nil {
		secured := tls.Client(raw, config)
		if err = secured.HandshakeContext(ctx); err == nil {
			return &conn{Conn: secured}, nil
		}
	}
	_ = raw.Close() // the handshake's error says why
	return nil, &handshakeError{err}
}

func proxyFunc(text string) (func(*http.Request) (*url.URL, error), error) {
	if text == "" {
		return nil, nil // to http.Transport, nil means no proxy
	}
	address, err := url.Parse(text)
	if err != nil || address.Hostname() == "" {
		return nil, errors.New("not a URL with a host") // the parser's error would contain the password
	}
	switch address.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(address), nil
	}
	return nil, errors.New("scheme is not http, https, socks5 or socks5h")
}

// checkProxy gives a rejected CONNECT an error type. net/http's own error has only the status text.
func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return &connectError{fmt.Errorf("proxy responded with HTTP %d", answer.StatusCode)}
	}
	return nil
}

// connectError marks a failure to reach the server or the proxy.
type connectError struct{ err error }

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// handshakeError marks a failed TLS handshake, because crypto/tls has no common type for its errors.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "tls handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// errTooLong reports a body over its limit.
var errTooLong = errors.New("response longer than 1 MiB")

// read reads the body, up to the limit. A body that is read to its end frees the connection for the next call.
func (s *scratch) read(response *http.Response, limit int64) error {
	if response.ContentLength > limit {
		return errTooLong
	}
	s.limited = io.LimitedReader{R: response.Body, N: limit + 1}
	n, err := s.body.ReadFrom(&s.limited)
	s.limited.R = nil // the pool must not hold a response
	if n > limit {
		return errTooLong
	}
	return err
}
