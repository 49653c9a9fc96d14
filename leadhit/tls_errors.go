package leadhit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"leadhit-sync/config/credentials"
)

// explainTLS returns why a handshake failed, and what to do about it. It examines only error types. The text is the
// same for each attempt, so that a log can omit repeats.
func explainTLS(err error) string {
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("LeadHit's certificate is for another name (%s) than %s; check LEADHIT_URL",
			credentials.NamesIn(host.Certificate), host.Host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("LeadHit's certificate has expired or is not valid yet; check this machine's clock, "+
			"or wait for a new certificate: %s", credentials.Validity(invalid.Cert))
	}
	switch {
	case is[x509.UnknownAuthorityError](err):
		return "LeadHit's certificate is signed by an unknown authority; check LEADHIT_CA_FILE, " +
			"and which server LEADHIT_URL names: " + err.Error()
	case is[tls.RecordHeaderError](err): // its text can contain a length, which changes
		return "the server at LEADHIT_URL does not speak TLS; check LEADHIT_URL and its port"
	}
	return "TLS handshake with LeadHit failed (TLS 1.2 is the minimum): " + err.Error()
}
