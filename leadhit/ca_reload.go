package leadhit

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"leadhit-sync/config/credentials"
)

// lookEvery is the shortest time between two reads of the CA file.
const lookEvery = time.Second

// reloading is a transport that trusts the authorities that are currently in the CA file. It replaces its
// http.Transport when the file changes. Trust cannot be decided for each connection, because behind a proxy net/http
// itself does the handshake, with one setting for all connections.
type reloading struct {
	roots *credentials.Kept[*x509.CertPool] // nil: only the system's authorities
	make  func(roots *x509.CertPool) *http.Transport
	log   *slog.Logger

	current atomic.Pointer[http.Transport]
	began   time.Time
	next    atomic.Int64 // when to read the file next, in nanoseconds since began

	mu      sync.Mutex // held while the file is read
	trusted *x509.CertPool
}

func newReloading(file string, log *slog.Logger, create func(*x509.CertPool) *http.Transport) (*reloading, error) {
	r := &reloading{make: create, log: log, began: time.Now()}
	if file != "" {
		roots, err := credentials.Keep("LEADHIT_CA_FILE", log, credentials.Authorities(file))
		if err != nil {
			return nil, err
		}
		r.roots, r.trusted = roots, roots.Load()
		r.next.Store(int64(lookEvery))
	}
	r.current.Store(create(r.trusted)) // to tls.Config, nil means the system's authorities
	return r, nil
}

// RoundTrip makes the request once.
func (r *reloading) RoundTrip(request *http.Request) (*http.Response, error) {
	if r.roots != nil && int64(time.Since(r.began)) >= r.next.Load() {
		r.look()
	}
	return r.current.Load().RoundTrip(request)
}

// CloseIdleConnections closes the connections that no request uses.
func (r *reloading) CloseIdleConnections() { r.current.Load().CloseIdleConnections() }

// look rereads the file, unless another call is already doing so.
func (r *reloading) look() {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	r.next.Store(int64(time.Since(r.began) + lookEvery))
	roots := r.roots.Load()
	if roots == r.trusted {
		return
	}
	r.trusted = roots
	// Requests in flight keep their connections to the end. Idle connections are closed, because they were trusted
	// under the old file.
	r.current.Swap(r.make(roots)).CloseIdleConnections()
	r.log.Info("the file in LEADHIT_CA_FILE has changed; reconnecting to LeadHit")
}
