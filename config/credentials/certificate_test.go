package credentials_test

import (
	"crypto/x509"
	"net"
	"testing"

	"leadhit-sync/config/credentials"
)

func TestNamesInListsAFewNames(t *testing.T) {
	t.Parallel()
	address := []net.IP{net.IPv4(10, 0, 0, 1)}
	for want, certificate := range map[string]x509.Certificate{
		"none":           {},
		"a, 10.0.0.1":    {DNSNames: []string{"a"}, IPAddresses: address},
		"a, b, 10.0.0.1": {DNSNames: []string{"a", "b"}, IPAddresses: address},
		"a, b, c, …":     {DNSNames: []string{"a", "b", "c"}, IPAddresses: address},
	} {
		if got := credentials.NamesIn(&certificate); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
