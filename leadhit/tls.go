package leadhit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
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
	case is[tls.RecordHeaderError](err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "no TLS is spoken at LEADHIT_URL: " + err.Error()
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

// tlsTrouble writes a line when TLS fails, when it fails of something else, and when it is over: that is what an operator
// can mend, and calls paused for want of answers do not tell.
type tlsTrouble struct {
	log  *slog.Logger
	have atomic.Bool

	mu   sync.Mutex
	told string
}

func (t *tlsTrouble) failed(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text == t.told {
		return
	}
	t.told = text
	t.have.Store(true)
	t.log.Warn("no call reaches LeadHit; calls are tried again until it is mended", slog.String("error", text))
}

func (t *tlsTrouble) over() {
	if !t.have.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told == "" {
		return
	}
	t.told = ""
	t.have.Store(false)
	t.log.Info("calls reach LeadHit again")
}
