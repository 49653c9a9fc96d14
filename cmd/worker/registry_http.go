package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"leadhit-sync/config/credentials"
	"leadhit-sync/consumer/mapping/schema"
)

const (
	// registryTimeout is the limit of one question to the registry.
	registryTimeout = 5 * time.Second
	// registryBytes is the longest answer that is read.
	registryBytes = 8 << 20
	// maxAnswerHeader is the longest header of an answer that is read. net/http's own limit is 10 MiB.
	maxAnswerHeader = 64 << 10
)

type registryOptions struct {
	// URL is the registry's address, without a user.
	URL string
	// CAFile holds authorities that are trusted in addition to the system's; "" means no others. It is read again for each
	// connection.
	CAFile string
	// Username and PasswordFile are both "" or neither. The file is read for each question: passwords change.
	Username, PasswordFile string
	Version                string
	Logger                 *slog.Logger
	// Transport is nil but in tests.
	Transport http.RoundTripper
}

// newRegistry reads the CA file and connects to nobody.
func newRegistry(o registryOptions) (*registry, error) {
	transport, err := o.Transport, error(nil)
	if transport == nil {
		transport, err = registryTransport(o)
	}
	if o.PasswordFile != "" {
		if _, wrong := credentials.Password(o.PasswordFile); wrong != nil {
			err = errors.Join(err, mistake("SCHEMA_REGISTRY_PASSWORD_FILE", wrong))
		}
	}
	if err != nil {
		return nil, err
	}
	r := &registry{
		http: &http.Client{
			Transport: limited{transport}, Timeout: registryTimeout,
			// A redirect could carry the password elsewhere; it comes back as an answer that is none.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log: o.Logger, entries: map[int]*registryEntry{},
	}
	options := []sr.ClientOpt{
		sr.HTTPClient(r.http), sr.URLs(o.URL), sr.UserAgent("leadhit-sync/" + o.Version),
		sr.LogLevel(sr.LogLevelNone),
	}
	if o.PasswordFile != "" {
		options = append(options, sr.PreReq(registryLogin(o.Username, o.PasswordFile)))
	}
	if r.client, err = sr.NewClient(options...); err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	return r, nil
}

// close lets go of the connections.
func (r *registry) close() { r.http.CloseIdleConnections() }

// registryTransport uses no proxy: no setting names one.
func registryTransport(o registryOptions) (http.RoundTripper, error) {
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: registryTimeout, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
	if o.CAFile != "" {
		roots, err := credentials.Keep("SCHEMA_REGISTRY_CA_FILE", o.Logger, credentials.Authorities(o.CAFile))
		if err != nil {
			return nil, mistake("SCHEMA_REGISTRY_CA_FILE", err)
		}
		t.DialTLSContext = credentials.DialTLS(roots, registryTimeout, "h2", "http/1.1")
	}
	return t, nil
}

// registryLogin puts user and password into each request.
func registryLogin(username, file string) func(*http.Request) error {
	return func(request *http.Request) error {
		password, err := credentials.Password(file)
		if err != nil {
			return fmt.Errorf("SCHEMA_REGISTRY_PASSWORD_FILE: %w", withoutPath(err))
		}
		request.SetBasicAuth(username, password)
		return nil
	}
}

// withoutPath drops the path, which now and then is the secret itself.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// limited refuses answers that are too long to be a schema.
type limited struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, registryBytes)
	}
	return response, err
}

// CloseIdleConnections hands on what http.Client would otherwise not see.
func (l limited) CloseIdleConnections() {
	if closer, ok := l.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// judgeRegistry tells a registry that has no such schema from one that cannot say. Only the registry's own codes count
// as an answer, 40401 to 40403: a bare 404 comes from a wrong address, and letters for every event would come of it.
// The text of an answer is not kept.
func judgeRegistry(err error) error {
	if answer, ok := errors.AsType[*sr.ResponseError](err); ok {
		if answer.StatusCode == http.StatusNotFound && answer.ErrorCode/100 == http.StatusNotFound {
			return fmt.Errorf("%w: code %d", schema.ErrUnknown, answer.ErrorCode)
		}
		return fmt.Errorf("%w: HTTP status %d", schema.ErrUnreachable, answer.StatusCode)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("%w: %w", schema.ErrUnreachable, err)
}
