package leadhit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// explainTLS says in words what a handshake failed of, and what to do. It goes by types; the text is the same at each try.
func explainTLS(err error) string {
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("LeadHit's certificate is for another name (%s) than %s; check LEADHIT_URL", namesIn(host.Certificate), host.Host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		// crypto/x509 puts the time of day into its text.
		return fmt.Sprintf("LeadHit's certificate has expired or is not valid yet; check this machine's clock, or wait until it is renewed: "+
			"it holds from %s to %s", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	}
	switch {
	case is[x509.UnknownAuthorityError](err):
		return "LeadHit's certificate is not of an authority that we trust; check LEADHIT_CA_FILE, and who answers at LEADHIT_URL: " + err.Error()
	case is[tls.RecordHeaderError](err): // whose text may hold a length
		return "no TLS is spoken at LEADHIT_URL; check it, its port too"
	}
	return "no TLS with LeadHit (nothing below TLS 1.2 is spoken here): " + err.Error()
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// namesIn are some of the names that a certificate is for.
func namesIn(cert *x509.Certificate) string {
	const most = 3
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

const (
	// manyHandshakes that fail with no call answered between, for longer than a call may take, are more than chance: behind a
	// balancer one bad server of several fails some, and calls that began before may still be answered.
	manyHandshakes = 5
	// mostCauses bounds the lines of one outage: what a server puts into its certificate may be another thing each time.
	mostCauses = 4
)

// tlsTrouble writes a line when no call gets through TLS any more, one for each further cause, and one when it is over: that
// is what an operator can mend, and calls paused for want of answers do not tell.
type tlsTrouble struct {
	log   *slog.Logger
	limit time.Duration // of one call
	have  atomic.Bool   // failed is not zero

	mu     sync.Mutex
	failed int       // handshakes since a call was answered
	since  time.Time // the first of them
	told   []string
}

func (t *tlsTrouble) fail(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed++; t.failed == 1 {
		t.since = time.Now()
		t.have.Store(true)
	}
	if t.failed < manyHandshakes || time.Since(t.since) <= t.limit || len(t.told) == mostCauses || slices.Contains(t.told, text) {
		return
	}
	t.told = append(t.told, text)
	t.log.Warn("no call reaches LeadHit; calls are tried again until it is mended", slog.String("error", text))
}

func (t *tlsTrouble) over() {
	if !t.have.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.told) > 0 {
		t.log.Info("calls reach LeadHit again")
	}
	t.failed, t.told = 0, nil
	t.have.Store(false)
}
