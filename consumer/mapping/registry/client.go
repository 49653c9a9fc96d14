// Package registry finds schemas in a schema registry that speaks Confluent's HTTP API.
//
// [Open] reads the CA file and the password file, and makes no connection. [Client.Lookup] is the [schema.Lookup] for a
// mapping. A schema never changes, so once found it is kept and never requested again. Concurrent callers for the same
// schema share one request. An unknown id is [schema.ErrUnknown], and is remembered for 10 seconds. Every failure that
// may be temporary is [schema.ErrUnreachable], and is remembered for 1 second.
//
// A Client is safe for concurrent use and starts no goroutine. It logs one line when the registry stops responding and
// one when it responds again. Neither the password nor the text of a response appears in an error or a log line.
package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"leadhit-sync/config/credentials"
	"leadhit-sync/consumer/mapping/schema"
)

const (
	// requestTimeout limits one request.
	requestTimeout = 5 * time.Second
	// maxResponse limits the body of a response, in bytes.
	maxResponse = 8 << 20
	// maxResponseHeader limits the header of a response, in bytes. net/http's own limit is 10 MiB.
	maxResponseHeader = 64 << 10
)

// Options say how to reach the registry.
type Options struct {
	// URL is the registry's address, without a user name.
	URL string
	// CAFile, if not empty, is a PEM file with authorities to trust in addition to the system's. It is reread for each
	// connection.
	CAFile string
	// Username and PasswordFile are either both given or both empty. The file is read for each request, because
	// passwords change. While it cannot be read, its previous content stays in use.
	Username, PasswordFile string
	// Version is this program's version, for the User-Agent header.
	Version string
	Logger  *slog.Logger
	// Transport is nil except in tests.
	Transport http.RoundTripper
}

// OptionError is a mistake in one of the options.
type OptionError struct {
	// Option is "ca file" or "password file".
	Option string
	Err    error
}

// Error names the option, but not the file, because the secret itself may have been given by mistake instead of a path.
func (e *OptionError) Error() string {
	return "schema registry: " + e.Option + ": " + withoutPath(e.Err).Error()
}

// Unwrap returns the underlying error.
func (e *OptionError) Unwrap() error { return e.Err }

// A Client looks schemas up in one registry.
type Client struct {
	registry *sr.Client
	http     *http.Client
	log      *slog.Logger
	silent   atomic.Bool

	mu      sync.Mutex
	schemas map[int]*schema.Schema
	misses  map[int]*miss
}

// Open makes a client without connecting. Its error joins an [OptionError] for each mistake.
func Open(o Options) (*Client, error) {
	transport, err := o.Transport, error(nil)
	if transport == nil {
		transport, err = newTransport(o)
	}
	var password *credentials.Kept[string]
	if o.PasswordFile != "" {
		var wrong error
		if password, wrong = keepPassword(o); wrong != nil {
			err = errors.Join(err, &OptionError{"password file", wrong})
		}
	}
	if err != nil {
		return nil, err
	}
	c := &Client{
		http: &http.Client{
			Transport: limited{transport}, Timeout: requestTimeout,
			// Following a redirect could send the password to another server. An unfollowed redirect is a response without a
			// schema.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log: o.Logger, schemas: map[int]*schema.Schema{}, misses: map[int]*miss{},
	}
	options := []sr.ClientOpt{
		sr.HTTPClient(c.http), sr.URLs(o.URL), sr.UserAgent("leadhit-sync/" + o.Version),
		sr.LogLevel(sr.LogLevelNone),
	}
	if password != nil {
		options = append(options, sr.PreReq(func(request *http.Request) error {
			request.SetBasicAuth(o.Username, password.Load())
			return nil
		}))
	}
	if c.registry, err = sr.NewClient(options...); err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return c, nil
}

// Close closes idle connections. The client must not be used afterwards.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// newTransport returns a transport without a proxy, because no setting names one.
func newTransport(o Options) (http.RoundTripper, error) {
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: requestTimeout, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
	if o.CAFile != "" {
		roots, err := credentials.Keep("SCHEMA_REGISTRY_CA_FILE", o.Logger, credentials.Authorities(o.CAFile))
		if err != nil {
			return nil, &OptionError{"ca file", err}
		}
		t.DialTLSContext = credentials.DialTLS(roots, requestTimeout, "h2", "http/1.1")
	}
	return t, nil
}

// keepPassword reads the password file. The path appears neither in the errors nor later in the log.
func keepPassword(o Options) (*credentials.Kept[string], error) {
	return credentials.Keep("SCHEMA_REGISTRY_PASSWORD_FILE", o.Logger, func() (string, error) {
		password, err := credentials.Password(o.PasswordFile)
		return password, withoutPath(err)
	})
}

// withoutPath removes the path from a file error.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// limited cuts off responses that are too long to be a schema.
type limited struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxResponse)
	}
	return response, err
}

// CloseIdleConnections passes the call on, because http.Client sees only the wrapper.
func (l limited) CloseIdleConnections() {
	if closer, ok := l.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
