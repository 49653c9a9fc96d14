package broker_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/dial"
)

func TestAFailedHandshakeIsExplainedInTheSameWordsEachTime(t *testing.T) {
	t.Parallel()
	ours, another := newAuthority(t), newAuthority(t)
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	old := &tls.Config{
		Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", tomorrow)},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	}
	demanding := &tls.Config{
		Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", tomorrow)},
		ClientAuth:   tls.RequireAnyClientCert,
	}
	for name, test := range map[string]struct {
		server *tls.Config
		want   string
	}{
		"expired": {
			&tls.Config{Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", yesterday)}},
			"has expired or is not valid yet",
		},
		"another name": {
			&tls.Config{Certificates: []tls.Certificate{ours.server(t, "10.0.0.1", tomorrow)}},
			"for another name (10.0.0.1) than 127.0.0.1",
		},
		"an unknown authority": {
			&tls.Config{Certificates: []tls.Certificate{another.server(t, "127.0.0.1", tomorrow)}},
			"check KAFKA_TLS_CA_FILE",
		},
		"at most TLS 1.1":           {old, "TLS 1.2 is the minimum"},
		"a certificate is required": {demanding, "KAFKA_TLS_CERT_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t, kfake.TLS(test.server))
			cluster := open(t, fake, func(o *broker.Options) { o.TLS = &dial.TLS{CAFile: ours.file} })
			failsOfTLS(t, cluster, test.want)
		})
	}
}

// failsOfTLS checks that both of kafka-go's ways to connect to the broker fail with ErrTLS.
func failsOfTLS(t *testing.T, cluster *broker.Cluster, want string) {
	t.Helper()
	_, err := cluster.Topics(t.Context(), "orders")
	if !errors.Is(err, dial.ErrTLS) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrTLS with %q", err, want)
	}
	conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", cluster.Brokers()[0])
	if err == nil { // some brokers report the failure only at the first request
		_, err = conn.ApiVersions()
		_ = conn.Close()
	}
	if !errors.Is(err, dial.ErrTLS) || !strings.Contains(err.Error(), want) {
		t.Errorf("Dialer: got %v, want ErrTLS with %q", err, want)
	}
}

func TestTLSOnOneSideAloneIsExplained(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	for name, test := range map[string]struct {
		tls    *dial.TLS
		answer string // of a broker that then hangs up
		want   string
	}{
		"we do, and it hangs up": {&dial.TLS{CAFile: ours.file}, "", "if it does not speak TLS at this address"},
		"we do, and it talks":    {&dial.TLS{CAFile: ours.file}, "HTTP/1.1 400", "does not speak TLS at this address"},
		"it does":                {nil, "\x15\x03\x03\x00\x02\x02\x50", "set KAFKA_TLS=true"}, // an alert
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster, err := broker.Open(broker.Options{Brokers: []string{says(t, test.answer)}, TLS: test.tls})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			failsOfTLS(t, cluster, test.want)
		})
	}
}

// says starts a server that responds to the first bytes of a connection, and then closes the connection.
func says(t *testing.T, answer string) (addr string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4<<10))
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		done.Wait()
	})
	return listener.Addr().String()
}

func TestANetworkThatFailsIsNotBlamedOnTLS(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // the listener never responds
	cluster, err := broker.Open(broker.Options{
		Brokers: []string{listener.Addr().String()},
		TLS:     &dial.TLS{CAFile: ours.file},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if _, err := cluster.Topics(t.Context(), "orders"); err == nil || errors.Is(err, dial.ErrTLS) {
		t.Errorf("got %v from a broker that does not respond, want an error that is not ErrTLS", err)
	}
}

func TestABrokerThatRequiresALoginIsDistinguishedFromOneThatDied(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "worker", "secret"))
	_, err := open(t, fake).Topics(t.Context(), "orders")
	if err == nil || !strings.Contains(err.Error(), "set KAFKA_SASL_MECHANISM") {
		t.Errorf("got %v without a login, want the error to suggest one", err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an end after which kafka-go may retry", err)
	}
}

func TestOnlyTheEndOfAYoungConnectionSuggestsALogin(t *testing.T) {
	for name, test := range map[string]struct {
		age  time.Duration
		want bool // whether the error suggests a login
	}{
		"at once":                  {0, true},
		"after a while":            {900 * time.Millisecond, true},
		"when the broker restarts": {1100 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := endOf(t, test.age)
				const suggestion = "set KAFKA_SASL_MECHANISM, and if it speaks TLS, set KAFKA_TLS"
				if got := strings.Contains(err.Error(), suggestion); got != test.want {
					t.Errorf("got %v, want a suggestion of a login: %v", err, test.want)
				}
				if !test.want && err != io.EOF {
					t.Errorf("got %v, want a bare EOF", err)
				}
			})
		})
	}
}

// endOf returns the read error from a connection that the broker closes at the given age.
func endOf(t *testing.T, age time.Duration) error {
	t.Helper()
	near, far := net.Pipe()
	cluster, err := broker.Open(broker.Options{
		Brokers: []string{"kafka:9092"},
		Dial:    func(context.Context, string, string) (net.Conn, error) { return near, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := cluster.Dialer().DialFunc(t.Context(), "tcp", "kafka:9092")
	if err != nil {
		t.Fatal(err)
	}
	// The close comes a nanosecond later, so that the read is already waiting. A pipe refuses to set a deadline once
	// its other end is closed.
	time.AfterFunc(age+time.Nanosecond, func() { _ = far.Close() })
	if _, err = conn.Read(make([]byte, 1)); err == nil {
		t.Fatal("got no error from a connection that has ended")
	}
	return err
}

// logbook is a log that several goroutines write to.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func TestAnUnreadableFileCostsNoConnectionAndIsLoggedOnce(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	users := x509.NewCertPool()
	users.AddCert(ours.cert)
	fake := fakeKafka(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{ours.server(t, "127.0.0.1", time.Now().Add(time.Hour))},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: users,
	}), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "worker", "secret"))
	dir := t.TempDir()
	files := map[string]string{
		"ca": filepath.Join(dir, "ca"), "crt": filepath.Join(dir, "crt"),
		"key": filepath.Join(dir, "key"), "password": filepath.Join(dir, "password"),
	}
	copyFile(t, ours.file, files["ca"])
	pair := ours.client(t)
	write(t, files["crt"], pair.crt)
	write(t, files["key"], pair.key)
	write(t, files["password"], "secret")
	log := new(logbook)
	cluster := open(t, fake, func(o *broker.Options) {
		o.TLS = &dial.TLS{CAFile: files["ca"], CertFile: files["crt"], KeyFile: files["key"]}
		o.SASL = &dial.SASL{Mechanism: "SCRAM-SHA-512", Username: "worker", PasswordFile: files["password"]}
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	connect := func() {
		t.Helper()
		conn, err := cluster.Dialer().DialContext(t.Context(), "tcp", cluster.Brokers()[0])
		if err != nil {
			t.Errorf("got %v, want what the files held last to stay in use", err)
			return
		}
		_ = conn.Close()
	}
	connect()
	warned, again := 0, 0
	for name, spoil := range map[string]func(string){
		"ca": func(file string) { write(t, file, "half") },
		// The key does not fit the certificate, as at the moment when only one of the two files has been replaced.
		"key":      func(file string) { write(t, file, ours.client(t).key) },
		"crt":      func(file string) { _ = os.Remove(file) },
		"password": func(file string) { write(t, file, "\n") },
	} {
		sound, err := os.ReadFile(files[name])
		if err != nil {
			t.Fatal(err)
		}
		spoil(files[name])
		connect()
		connect()
		if warned++; log.count("cannot be used; its previous content stays in use") != warned {
			t.Errorf("%s: got %d lines, want %d, one for each file:\n%s", name, log.count("cannot be used"), warned,
				log.text.String())
		}
		write(t, files[name], string(sound))
		connect()
		if again++; log.count("can be used again") != again {
			t.Errorf("%s: got %d lines about files that can be used again, want %d", name, log.count("can be used again"), again)
		}
	}
	if log.count("secret") > 0 {
		t.Error("got the password in the log")
	}
}

// pemPair is a certificate and its key.
type pemPair struct{ crt, key string }

func (a *authority) client(t *testing.T) pemPair {
	t.Helper()
	pair := a.server(t, "127.0.0.1", time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemPair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}
}
