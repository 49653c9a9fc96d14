package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
)

// authority signs certificates. Its own certificate is in a file.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	write(t, a.file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return a
}

func (a *authority) server(t *testing.T, ip string, expires time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: expires,
		IPAddresses: []net.IP{net.ParseIP(ip)}, ExtKeyUsage: []x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth,
			x509.ExtKeyUsageClientAuth,
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLSAcceptsOnlyABrokerWithAValidCertificate(t *testing.T) {
	t.Parallel()
	ours, another := newAuthority(t), newAuthority(t)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	tests := map[string]struct {
		server *tls.Config
		good   bool
	}{
		"a good one":   {&tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", tomorrow)}}, true},
		"another name": {&tls.Config{Certificates: []tls.Certificate{ours.server(t, "10.0.0.1", tomorrow)}}, false},
		"expired": {
			&tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", yesterday)}},
			false,
		},
		"an unknown authority": {
			&tls.Config{Certificates: []tls.Certificate{another.server(t, "127.0.0.1", tomorrow)}},
			false,
		},
		"at most TLS 1.1": {&tls.Config{
			Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", tomorrow)},
			MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, kfake.TLS(test.server))
			cluster := open(t, fake, func(o *broker.Options) { o.TLS = &dial.TLS{CAFile: ours.file} })
			_, err := cluster.Topics(t.Context(), "orders")
			if (err == nil) != test.good {
				t.Errorf("got %v, want success: %v", err, test.good)
			}
			// kafka-go's other way of dialling goes through the same function.
			conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", cluster.Brokers()[0])
			if (err == nil) != test.good {
				t.Errorf("Dialer: got %v, want success: %v", err, test.good)
			}
			if conn != nil {
				_ = conn.Close()
			}
		})
	}
}

func TestTLSFilesAreReadForEveryConnection(t *testing.T) {
	ours, another := newAuthority(t), newAuthority(t)
	fake := fakeKafka(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))},
	}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	copyFile(t, another.file, file)
	cluster := open(t, fake, func(o *broker.Options) { o.TLS = &dial.TLS{CAFile: file} })
	if _, err := cluster.Topics(t.Context(), "orders"); err == nil {
		t.Error("got no error with another authority's file")
	}
	copyFile(t, ours.file, file)
	if _, err := cluster.Topics(t.Context(), "orders"); err != nil {
		t.Errorf("got %v after the file was replaced", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
}

func TestSASLPasswordIsReadForEveryHandshake(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	secure := kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))},
	})
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, secure, kfake.EnableSASL(), kfake.Superuser(mechanism, "worker", "canary-new"))
			file := filepath.Join(t.TempDir(), "password")
			write(t, file, "canary-old\n")
			cluster := open(t, fake, func(o *broker.Options) {
				o.TLS = &dial.TLS{CAFile: ours.file}
				o.SASL = &dial.SASL{Mechanism: mechanism, Username: "worker", PasswordFile: file}
			})
			_, err := cluster.Topics(t.Context(), "orders")
			// With Kafka, this is ErrUnauthorised. kfake closes the connection instead.
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v with the wrong password, want an error without it", err)
			}
			write(t, file, "canary-new\n")
			if _, err := cluster.Topics(t.Context(), "orders"); err != nil {
				t.Errorf("got %v after the file was replaced", err)
			}
			conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", cluster.Brokers()[0])
			if err != nil {
				t.Fatalf("Dialer: got %v", err)
			}
			_ = conn.Close()
		})
	}
}

func TestSASLPasswordIsInNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "secret")
	fake := fakeKafka(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "worker", "secret"))
	sasl := &dial.SASL{Mechanism: "SCRAM-SHA-512", Username: "worker", PasswordFile: file}
	cluster := open(t, fake, func(o *broker.Options) { o.SASL = sasl })
	write(t, file, "canary\a")
	_, err := cluster.Topics(t.Context(), "orders")
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, sasl), "canary") || strings.Contains(err.Error(), `\a`) {
		t.Errorf("got %v, want an error without a character of the password", err)
	}
}

func TestOpenRefusesAPasswordThatNoHandshakeCanUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mechanism, text, want string }{
		"a byte order mark":            {"SCRAM-SHA-256", "\ufeffcanary", "byte order mark"},
		"two lines":                    {"SCRAM-SHA-512", "canary\nx\n", "must be one line"},
		"only a line's end":            {"SCRAM-SHA-512", "\r\n", "empty"},
		"a zero byte":                  {"PLAIN", "canary\x00x", "zero byte"},
		"a character that SCRAM lacks": {"SCRAM-SHA-512", "canary\a", "SCRAM does not allow"},
		"a tab, over PLAIN":            {"PLAIN", "canary\tx\r\n", ""},
		"another alphabet":             {"SCRAM-SHA-512", "канарейка", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "password")
			write(t, file, c.text)
			_, err := broker.Open(broker.Options{
				Brokers: []string{"127.0.0.1:1"}, TLS: &dial.TLS{},
				SASL: &dial.SASL{Mechanism: c.mechanism, Username: "worker", PasswordFile: file},
			})
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v, want the password accepted", err)
				}
				return
			}
			mistake, ok := errors.AsType[*dial.OptionError](err)
			if !ok || mistake.Option != "sasl password file" || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want the mistake %q of the password's file, without the password", err, c.want)
			}
		})
	}
}

func TestOpenReportsEveryMistake(t *testing.T) {
	_, err := broker.Open(broker.Options{
		Brokers: []string{"no-port"},
		TLS:     &dial.TLS{CAFile: "/nowhere/ca.pem"},
		SASL:    &dial.SASL{Mechanism: "GSSAPI", PasswordFile: "/nowhere/password"},
	})
	for _, want := range []string{"no-port", "/nowhere/ca.pem", "GSSAPI", "user name", "/nowhere/password"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "secret")
	plain := &dial.SASL{Mechanism: "PLAIN", Username: "worker", PasswordFile: file}
	if _, err := broker.Open(broker.Options{Brokers: []string{"a:1"}, SASL: plain}); err == nil {
		t.Error("got no error for PLAIN without TLS")
	}
	if _, err := broker.Open(broker.Options{}); err == nil {
		t.Error("got no error without brokers")
	}
	half := &dial.TLS{CertFile: file}
	if _, err := broker.Open(broker.Options{Brokers: []string{"a:1"}, TLS: half}); err == nil {
		t.Error("got no error for a certificate without its key")
	}
}

func TestAFrozenBrokerDoesNotBlockTheSASLHandshake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "secret")
	synctest.Test(t, func(t *testing.T) {
		// The broker accepts and reads, as the kernel does for a stopped process, and never responds.
		frozen := func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				buffer := make([]byte, 1024)
				for {
					if _, err := far.Read(buffer); err != nil {
						return
					}
				}
			}()
			return near, nil
		}
		cluster, err := broker.Open(broker.Options{
			Brokers: []string{"frozen:9092"}, Dial: frozen,
			SASL: &dial.SASL{Mechanism: "SCRAM-SHA-512", Username: "worker", PasswordFile: file},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		started := time.Now()
		_, err = cluster.Dialer().Dial("tcp", "frozen:9092")
		if took := time.Since(started); err == nil || took > 20*time.Second {
			t.Errorf("got %v after %v, want an error within seconds", err, took)
		}
	})
}
