package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

// TestAnImageFromScratchNeedsNoCertificatesOfTheSystem runs itself again in a process without the system's
// certificates, because a process reads them only once.
func TestAnImageFromScratchNeedsNoCertificatesOfTheSystem(t *testing.T) {
	if os.Getenv("SCRATCH") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "SCRATCH=1", "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/none")
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, output)
		}
		return
	}
	pool, err := x509.SystemCertPool()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		t.Errorf("got %v, %v, want authorities that may vouch for LeadHit", pool, err)
	}
}
