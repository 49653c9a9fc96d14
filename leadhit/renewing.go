package leadhit

import (
	"bytes"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often at most the file with the authorities is read.
const lookEvery = time.Second

// renewing is a transport that trusts what the file with the authorities holds now. It is made anew when that changes, and
// not for each connection: net/http itself makes those behind a proxy, under one setting for all of them.
type renewing struct {
	file string // "": the system's authorities alone
	make func(roots *x509.CertPool) *http.Transport
	log  *slog.Logger

	current atomic.Pointer[http.Transport]
	began   time.Time
	next    atomic.Int64 // when to look, after began

	mu     sync.Mutex // held by who looks
	text   []byte     // what the file held
	broken bool       // it could not be read the last time, which is told
}

func newRenewing(file string, log *slog.Logger, create func(*x509.CertPool) *http.Transport) (*renewing, error) {
	r := &renewing{file: file, make: create, log: log, began: time.Now()}
	if file == "" {
		r.current.Store(create(nil)) // tls.Config's own word for the system's authorities
		return r, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := authorities(text)
	if err != nil {
		return nil, err
	}
	r.text = text
	r.next.Store(int64(lookEvery))
	r.current.Store(create(pool))
	return r, nil
}

// RoundTrip makes the request once.
func (r *renewing) RoundTrip(request *http.Request) (*http.Response, error) {
	if r.file != "" && int64(time.Since(r.began)) >= r.next.Load() {
		r.look()
	}
	return r.current.Load().RoundTrip(request)
}

// CloseIdleConnections closes the connections that no request uses.
func (r *renewing) CloseIdleConnections() { r.current.Load().CloseIdleConnections() }

// look reads the file, unless somebody else does.
func (r *renewing) look() {
	if !r.mu.TryLock() {
		return
	}
	defer r.mu.Unlock()
	r.next.Store(int64(time.Since(r.began) + lookEvery))
	text, err := os.ReadFile(r.file)
	if err == nil && bytes.Equal(text, r.text) {
		r.broken = false
		return
	}
	var pool *x509.CertPool
	if err == nil {
		pool, err = authorities(text)
	}
	if err != nil {
		if !r.broken {
			r.log.Warn("LEADHIT_CA_FILE cannot be used; its previous content stays in use; fix the file", slog.Any("error", err))
		}
		r.broken = true
		return
	}
	r.broken, r.text = false, text
	// Requests that are under way keep their connections to the end; idle ones were trusted for what no longer counts.
	r.current.Swap(r.make(pool)).CloseIdleConnections()
	r.log.Info("LEADHIT_CA_FILE has changed; reconnecting to LeadHit")
}

// authorities is the pool of the system's authorities and those in text.
func authorities(text []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // an image without system authorities still has the file
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}
