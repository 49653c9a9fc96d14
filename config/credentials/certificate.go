package credentials

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NamesIn returns a few of a certificate's names, as text, because the certificates of large providers have hundreds.
func NamesIn(certificate *x509.Certificate) string {
	const most = 3
	names := slices.Clone(certificate.DNSNames)
	for _, ip := range certificate.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		names = append(names[:most], "…")
	}
	return strings.Join(names, ", ")
}

// Validity describes the period in which a certificate is valid. The error text of crypto/x509 contains the current
// time instead, so it would differ with each attempt.
func Validity(certificate *x509.Certificate) string {
	from, to := certificate.NotBefore.UTC(), certificate.NotAfter.UTC()
	return fmt.Sprintf("it is valid from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
}
