package integration_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/authority"
)

// fault is something that keeps a worker from connecting.
type fault struct {
	name string
	// make breaks something in the run, and returns the function that repairs it.
	make func(*testing.T, *guarded) (repair func())
	// says lists words that must be in both the worker's log and the output of leadhit-sync check.
	says []string
}

// testStrangers: a worker that cannot log in reports why, waits, and continues automatically after the repair.
func (w *wire) testStrangers(t *testing.T) {
	t.Helper()
	faults := slices.Concat(w.wrongLogins(), w.wrongCertificates(), w.wrongProtocols())
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			if !strings.HasPrefix(fault.name, "the broker's certificate") { // these faults share a listener
				t.Parallel()
			}
			g := w.newGuarded(t, login)
			g.allow(t, g.rights()...)
			refused := g.writeSome(t, 40)
			repair := fault.make(t, g)
			worker := g.newWorker(t)
			g.staysOut(t, worker, fault.says)
			repair()
			g.done(t, worker, refused)
		})
	}
}

// staysOut starts the worker. It requires that the worker and the check command report why they cannot connect, and
// that the worker keeps running and makes no call.
func (g *guarded) staysOut(t *testing.T, w *worker, says []string) {
	t.Helper()
	w.start(t)
	w.complains(t, says)
	w.waits(t, true)
	code, said := w.check(t)
	t.Logf("check: %s", failures(said))
	for _, words := range says {
		if code != 1 || !strings.Contains(failures(said), words) {
			t.Errorf("got exit code %d from check, want 1 and a failure with %q:\n%s", code, words, said)
		}
	}
	if calls := g.leadhit.Count(); calls != 0 {
		t.Errorf("got %d calls by a worker that is kept out, want none", calls)
	}
}

// waits requires that the worker is running and logs little. If outside is true, the worker must not be ready.
func (w *worker) waits(t *testing.T, outside bool) {
	t.Helper()
	if status, body := w.page(t, "/livez"); status != http.StatusOK {
		t.Errorf("got %d %q from /livez of a waiting worker, want 200", status, body)
	}
	if status, body := w.page(t, "/readyz"); outside && status == http.StatusOK {
		t.Errorf("got %d %q from /readyz of a worker that is kept out, want not ready", status, body)
	}
	if lines := strings.Count(w.Stdout()+w.Stderr(), "\n"); lines > 12 {
		t.Errorf("got %d lines of a worker that waits, want one per change:\n%s", lines, lastOf(w.Stdout()+w.Stderr(), 12))
	}
}

// only returns a copy of r with only the given operation.
func only(r apache.Right, operation kafka.ACLOperationType) apache.Right {
	r.Operations = []kafka.ACLOperationType{operation}
	return r
}

// complains waits until one warning or error in the worker's log contains all the words.
func (w *worker) complains(t *testing.T, words []string) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("a line with %q", words), func() string {
		if why := w.run.died(); why != "" {
			t.Fatal(why)
		}
		log := w.Stdout() + w.Stderr()
		for line := range strings.Lines(log) {
			if isTrouble(line) && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				t.Logf("log: %s", line)
				return ""
			}
		}
		return "none in: " + log
	})
}

func isTrouble(line string) bool {
	return strings.Contains(line, `"WARN"`) || strings.Contains(line, `"ERROR"`)
}

// failures returns the lines in check's output that report a failure.
func failures(said string) string {
	var failed strings.Builder
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "FAIL") {
			failed.WriteString(line)
		}
	}
	return failed.String()
}

func (w *wire) wrongLogins() []fault {
	return []fault{
		{"a wrong password", func(t *testing.T, g *guarded) func() {
			t.Helper()
			g.writePassword(t, "wrong-"+w.canary)
			return func() { g.writePassword(t, w.password(g.user)) }
		}, []string{"SASL Authentication Failed"}},
		{"an unknown user", func(t *testing.T, g *guarded) func() {
			t.Helper()
			known := g.user
			g.user = "nobody-" + g.group
			g.settings["KAFKA_SASL_USERNAME"] = g.user
			g.writePassword(t, w.password(g.user))
			return func() {
				g.allow(t, g.rights()...)
				g.setPassword(t, w.password(g.user))
				g.user = known
			}
		}, []string{"SASL Authentication Failed"}},
		{"a certificate that the broker does not trust", func(t *testing.T, g *guarded) func() {
			t.Helper()
			g.showCertificate(t, w.stranger(t))
			return func() { g.writeCertificate(t, w.ca, authority.Subject{Name: g.user}) }
		}, []string{"KAFKA_TLS_CERT_FILE"}},
		{"no certificate where one is required", func(t *testing.T, g *guarded) func() {
			t.Helper()
			return g.plugged(t, w.addr(certificates), w.addr(login))
		}, []string{"KAFKA_TLS_CERT_FILE"}},
	}
}

// stranger returns a new authority, which neither the broker nor the workers trust yet.
func (w *wire) stranger(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.New("authority that nobody knows")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *wire) wrongCertificates() []fault {
	// swap gives the broker a wrong certificate, and a good one on repair.
	swap := func(stranger bool, s authority.Subject) func(*testing.T, *guarded) func() {
		return func(t *testing.T, g *guarded) func() {
			t.Helper()
			by := w.ca
			if stranger {
				by = w.stranger(t)
			}
			s.Name = "broker"
			g.settings["KAFKA_BROKERS"] = w.addr(swapped)
			w.swap(t, by, s)
			return func() { w.swap(t, w.ca, authority.Subject{Name: "broker", Hosts: []string{here}}) }
		}
	}
	return []fault{
		{
			"the broker's certificate is from another authority", swap(true, authority.Subject{Hosts: []string{here}}),
			[]string{"signed by an unknown authority", "KAFKA_TLS_CA_FILE"},
		},
		{
			"the broker's certificate has expired", swap(false, authority.Subject{Hosts: []string{here}, Until: time.Now().Add(-time.Hour)}),
			[]string{"has expired"},
		},
		{
			"the broker's certificate is for another host", swap(false, authority.Subject{Hosts: []string{"kafka.example"}}),
			[]string{"is for another name (kafka.example) than 127.0.0.1"},
		},
		{"a wrong file of authorities", func(t *testing.T, g *guarded) func() {
			t.Helper()
			g.settings["KAFKA_TLS_CA_FILE"] = w.file(t, g.group+"-ca.pem", w.stranger(t).PEM())
			return func() { w.file(t, g.group+"-ca.pem", w.ca.PEM()) }
		}, []string{"signed by an unknown authority", "KAFKA_TLS_CA_FILE"}},
	}
}

// swap replaces the certificate of the SWAPPED listener.
func (w *wire) swap(t *testing.T, by *authority.Authority, s authority.Subject) {
	t.Helper()
	w.show(t, swapped, by, s)
}

// show replaces the certificate of a listener, and waits until the broker presents the new one.
func (w *wire) show(t *testing.T, listener string, by *authority.Authority, s authority.Subject) {
	t.Helper()
	pair := w.issue(t, by, s)
	if err := w.kafka.Nodes()[0].Replace(t.Context(), listener, "keystore", w.freshFile(t, pair.Keystore())); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(by.PEM())
	want, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: roots, ServerName: s.Hosts[0], Time: func() time.Time { return want.Leaf.NotAfter.Add(-time.Minute) }}
	shown := 0
	eventually(t, 30*time.Second, "the new certificate", func() string {
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", w.addr(listener))
		if err != nil {
			shown = 0
			return err.Error()
		}
		defer func() { _ = conn.Close() }()
		secured, _ := conn.(*tls.Conn)
		if shown++; !secured.ConnectionState().PeerCertificates[0].Equal(want.Leaf) {
			shown = 0
		}
		if shown < 6 { // each of the broker's network threads loads the certificate separately
			return fmt.Sprintf("shown %d times in a row", shown)
		}
		return ""
	})
}

// freshFile writes a file with a new name, because a broker loads a file only when its setting changes.
func (w *wire) freshFile(t *testing.T, text []byte) string {
	t.Helper()
	return w.file(t, rand.Text()+".pem", text)
}

func (w *wire) wrongProtocols() []fault {
	return []fault{
		{"a broker that speaks only TLS 1.1", func(t *testing.T, g *guarded) func() {
			t.Helper()
			pair, err := w.issue(t, w.ca, authority.Subject{Hosts: []string{here}}).TLS()
			if err != nil {
				t.Fatal(err)
			}
			c := newCable(t)
			g.settings["KAFKA_BROKERS"] = c.addr()
			c.plug(secured(t.Context(), &tls.Config{
				Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
			}))
			return func() { c.plug(to(t.Context(), w.addr(login))) }
		}, []string{"TLS 1.2 is the minimum"}},
		{"TLS to a broker without TLS", func(t *testing.T, g *guarded) func() {
			t.Helper()
			return g.plugged(t, w.kafka.Brokers()[0], w.addr(login))
		}, []string{"KAFKA_TLS", "KAFKA_BROKERS"}},
		{"no TLS to a broker with TLS", func(t *testing.T, g *guarded) func() {
			t.Helper()
			delete(g.settings, "KAFKA_TLS")
			delete(g.settings, "KAFKA_TLS_CA_FILE")
			return g.plugged(t, w.addr(login), w.addr(bare))
		}, []string{"set KAFKA_TLS=true"}},
		{"no login to a broker that requires one", func(t *testing.T, g *guarded) func() {
			t.Helper()
			g.showCertificate(t, w.ca) // which the wrong listener does not request
			return g.plugged(t, w.addr(login), w.addr(certificates))
		}, []string{"set KAFKA_SASL_MECHANISM"}},
	}
}

// plugged connects the worker to the wrong address, and to the right one on repair.
func (g *guarded) plugged(t *testing.T, wrong, right string) (repair func()) {
	t.Helper()
	c := newCable(t)
	g.settings["KAFKA_BROKERS"] = c.addr()
	c.plug(to(t.Context(), wrong))
	return func() { c.plug(to(t.Context(), right)) }
}

// testRefusedRights: a worker reports a missing permission, loses nothing in the meantime, and continues once the
// permission is granted.
func (w *wire) testRefusedRights(t *testing.T) {
	t.Helper()
	const read, write = kafka.ACLOperationTypeRead, kafka.ACLOperationTypeWrite
	for name, test := range map[string]struct {
		lacks func(*guarded) apache.Right
		// outside means that the worker cannot start to consume.
		outside bool
		// says returns the text in the worker's log. checked returns the text in the output of leadhit-sync check.
		says, checked func(*guarded) string
	}{
		"no permission for the events": {
			func(g *guarded) apache.Right { return g.rights()[3] }, true,
			func(g *guarded) string { return g.topic },
			func(g *guarded) string { return g.topic + ": Kafka does not allow describing it; grant" },
		},
		"no permission for the group": {
			func(g *guarded) apache.Right { return g.rights()[0] }, true,
			func(*guarded) string { return "grant Read on the group" },
			func(g *guarded) string { return "Kafka does not allow joining " + g.group + "; grant Read on it" },
		},
		"no permission for the letters": {
			func(g *guarded) apache.Right { return g.rights()[1] }, true,
			func(g *guarded) string { return g.letters() },
			func(g *guarded) string { return g.letters() + ": Kafka does not allow describing it; grant" },
		},
		"no permission for the ledger": {
			func(g *guarded) apache.Right { return g.rights()[2] }, true,
			func(g *guarded) string { return g.ledger() },
			func(g *guarded) string { return g.ledger() },
		},
		"events may be described but not read": {
			func(g *guarded) apache.Right { return only(g.rights()[3], read) }, false,
			func(g *guarded) string { return g.topic },
			func(g *guarded) string { return "Kafka does not allow Read on topic " + g.topic },
		},
		"letters may be described but not written": {
			func(g *guarded) apache.Right { return only(g.rights()[1], write) }, false,
			func(g *guarded) string { return g.letters() },
			func(g *guarded) string { return "Kafka does not allow Write on topic " + g.letters() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := w.newGuarded(t, login)
			g.allow(t, g.rights()...)
			missing := test.lacks(g)
			if err := w.kafka.Deny(t.Context(), missing); err != nil {
				t.Fatal(err)
			}
			refused := g.writeSome(t, 40)
			worker := g.newWorker(t)
			worker.start(t)
			worker.complains(t, []string{test.says(g)})
			worker.waits(t, test.outside)
			code, said := worker.check(t)
			t.Logf("check: %s", failures(said))
			if code != 1 || !strings.Contains(failures(said), test.checked(g)) {
				t.Errorf("got exit code %d from check, want 1 and a failure with %q:\n%s", code, test.checked(g), said)
			}
			g.allow(t, missing)
			g.done(t, worker, refused)
		})
	}
	t.Run("no permission to read the settings of topics", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, login)
		for _, right := range g.rights() {
			right.Operations = slices.DeleteFunc(right.Operations, func(o kafka.ACLOperationType) bool {
				return o == kafka.ACLOperationTypeDescribeConfigs
			})
			g.allow(t, right)
		}
		refused := g.writeSome(t, 40)
		worker := g.newWorker(t)
		worker.start(t)
		code, said := worker.check(t)
		if want := "does not allow DescribeConfigs on topic " + g.topic; code != 0 || !strings.Contains(said, want) {
			t.Errorf("got exit code %d from check, want 0 and a warning with %q:\n%s", code, want, said)
		}
		g.done(t, worker, refused)
		t.Logf("the log:\n%s", worker.Stdout()+worker.Stderr())
	})
}
