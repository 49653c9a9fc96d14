package lint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deploy/lint"
)

// mounts is the folder below which everything is mounted into the worker.
const mounts = "/etc/leadhit-sync/"

// onDisk writes everything that is mounted into the worker to a temporary folder, with made-up Secrets. It returns the
// worker's environment with paths in that folder.
func onDisk(t *testing.T, o *lint.Overlay) map[string]string {
	t.Helper()
	dir, environment := t.TempDir(), o.Environment()
	lay := func(path, content string) string {
		path = filepath.Join(dir, strings.TrimPrefix(path, mounts))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, content := range o.Files() {
		lay(path, content)
	}
	certificate, key := selfSigned(t)
	made := map[string]string{"ca.crt": certificate, "tls.crt": certificate, "tls.key": key}
	for name, path := range environment {
		switch {
		case !strings.HasPrefix(path, mounts):
		case strings.HasSuffix(name, "_FILE") && made[filepath.Base(path)] != "":
			environment[name] = lay(path, made[filepath.Base(path)])
		case strings.HasSuffix(name, "_FILE"):
			environment[name] = lay(path, "canary-secret")
		default:
			environment[name] = filepath.Join(dir, strings.TrimPrefix(path, mounts))
		}
	}
	return environment
}

// selfSigned creates a certificate and its key, both in PEM.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leadhit-sync"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
