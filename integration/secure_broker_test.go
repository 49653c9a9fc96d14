package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/authority"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// The wire's broker has these listeners in addition to the plain one, which the tests themselves use.
const (
	login        = "LOGIN"        // users with passwords, over TLS
	brief        = "BRIEF"        // as LOGIN, but a login is valid for only a few seconds
	bare         = "BARE"         // users with passwords, without TLS
	certificates = "CERTIFICATES" // users with certificates
	swapped      = "SWAPPED"      // as LOGIN, but tests replace its certificate
	renewed      = "RENEWED"      // as CERTIFICATES, but tests replace its files, and workers reach it through a cable
)

// All brokers in the tests listen on this IP address.
const here = "127.0.0.1"

// wire is what the tests of secured connections share: a broker that requires a login from every client, and an ACL for
// every request.
type wire struct {
	*suite

	kafka *apache.Cluster
	ca    *authority.Authority // signs the certificates for the broker and for users
	dir   string               // certificates, keys and passwords; not searched, because the secrets belong there
	cable *cable               // to the RENEWED listener
}

// plainUser logs in with PLAIN. A broker must know its PLAIN users when it starts.
const plainUser = "plain-worker"

// testWire tests connections to a broker that checks logins and rights.
func (s *suite) testWire(t *testing.T) {
	t.Parallel()
	w := s.newWire(t)
	t.Run("parts", func(t *testing.T) {
		w.testRights(t)
		w.testStrangers(t)
		w.testRefusedRights(t)
		w.testUnwritableLedger(t)
		w.testRotation(t)
		w.testLeadHit(t)
	})
}

func (s *suite) newWire(t *testing.T) *wire {
	t.Helper()
	needKafka(t)
	if os.Getenv("KAFKA_BROKERS") != "" {
		leaveOut(t, "the wire needs a broker with certificates of its own, not the one of KAFKA_BROKERS")
	}
	w := &wire{suite: s, dir: t.TempDir()}
	var err error
	if w.ca, err = authority.New("authority of the tests"); err != nil {
		t.Fatal(err)
	}
	w.file(t, "ca.pem", w.ca.PEM())
	broker := w.issue(t, w.ca, authority.Subject{Name: "broker", Hosts: []string{here}})
	keystore := w.file(t, "broker.pem", broker.Keystore())
	w.cable = newCable(t)
	cabled := apache.Certificates(renewed, keystore, filepath.Join(w.dir, "ca.pem"))
	cabled.Advertised = w.cable.addr()
	users := map[string]string{plainUser: w.password(plainUser)}
	begin := time.Now()
	w.kafka, err = apache.Start(t.Context(), apache.Options{
		Authorize: true,
		Listeners: []apache.Listener{
			apache.Login(login, apache.LoginOptions{Keystore: keystore, Plain: users}),
			apache.Login(brief, apache.LoginOptions{Keystore: keystore, Reauthenticate: 5 * time.Second}),
			apache.Login(bare, apache.LoginOptions{}),
			apache.Login(swapped, apache.LoginOptions{Keystore: keystore}),
			apache.Certificates(certificates, keystore, filepath.Join(w.dir, "ca.pem")),
			cabled,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cable.plug(to(t.Context(), w.addr(renewed)))
	t.Logf("Apache Kafka %s, with logins, certificates and ACLs, was ready in %.1f s", apache.Version, time.Since(begin).Seconds())
	t.Cleanup(func() {
		t.Logf("this part took %.1f s", time.Since(begin).Seconds())
		if err := w.kafka.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// password returns a user's password. The password contains the canary, so that the search at the end finds the
// password as well.
func (w *wire) password(user string) string { return w.canary + "-" + user }

// file writes a file into the wire's folder and returns its path.
func (w *wire) file(tb testing.TB, name string, text []byte) string {
	tb.Helper()
	path := filepath.Join(w.dir, name)
	if err := authority.WriteFile(path, text); err != nil {
		tb.Fatal(err)
	}
	return path
}

// issue issues a certificate, whose key must appear in no output.
func (w *wire) issue(tb testing.TB, by *authority.Authority, s authority.Subject) authority.Pair {
	tb.Helper()
	pair, err := by.Issue(s)
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(pair.Key)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			w.secret(line)
		}
	}
	return pair
}

// addr returns the address of one of the broker's listeners.
func (w *wire) addr(listener string) string { return w.kafka.Nodes()[0].Listeners[listener] }

// guarded is a run whose worker has its own user.
type guarded struct {
	*run

	wire         *wire
	user         string
	passwordFile string
}

// newGuarded prepares a run on a listener: topics for events, letters and the ledger, and a user that logs in with
// SCRAM-SHA-512 and has no rights yet.
func (w *wire) newGuarded(t *testing.T, listener string) *guarded {
	t.Helper()
	g := w.newGuardedWithoutLetters(t, listener)
	const days = 24 * 60 * 60 * 1000
	g.broker.create(t, g.letters(), 1, 8<<20)
	g.broker.create(t, g.ledger(), 1, 8<<20, kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: strconv.Itoa(90 * days)})
	return g
}

// newGuardedWithoutLetters is like newGuarded, but the worker has to create the dead-letter topic and the ledger.
func (w *wire) newGuardedWithoutLetters(t *testing.T, listener string) *guarded {
	t.Helper()
	r := w.newRun(t, w.kafka.Brokers(), 3, sandbox.Faults{})
	g := &guarded{run: r, wire: w, user: "user-" + r.group, passwordFile: filepath.Join(w.dir, r.group+".password")}
	g.setPassword(t, w.password(g.user))
	g.writePassword(t, w.password(g.user))
	r.settings["KAFKA_BROKERS"] = w.addr(listener)
	r.settings["KAFKA_TLS"] = "true"
	r.settings["KAFKA_TLS_CA_FILE"] = filepath.Join(w.dir, "ca.pem")
	r.settings["KAFKA_SASL_MECHANISM"] = "SCRAM-SHA-512"
	r.settings["KAFKA_SASL_USERNAME"] = g.user
	r.settings["KAFKA_SASL_PASSWORD_FILE"] = g.passwordFile
	return g
}

// letters and ledger return the names of the run's other topics.
func (r *run) letters() string { return "dlq." + r.group }
func (r *run) ledger() string  { return r.letters() + ".ledger" }

// setPassword changes the password at the broker. writePassword changes it in the worker's file.
func (g *guarded) setPassword(t *testing.T, password string) {
	t.Helper()
	if err := g.wire.kafka.SetPassword(t.Context(), g.user, password); err != nil {
		t.Fatal(err)
	}
}

func (g *guarded) writePassword(t *testing.T, password string) {
	t.Helper()
	if err := authority.WriteFile(g.passwordFile, []byte(password+"\n")); err != nil {
		t.Fatal(err)
	}
}

// rights returns all rights that a worker needs if it does not have to create topics: those for its group, letters,
// ledger and events.
func (g *guarded) rights() []apache.Right {
	return apache.WorkerRights(g.user, g.group, g.letters(), g.topic)
}

func (g *guarded) allow(t *testing.T, rights ...apache.Right) {
	t.Helper()
	if err := g.wire.kafka.Allow(t.Context(), rights...); err != nil {
		t.Fatal(err)
	}
}

// writeSome writes events, a tenth of which LeadHit refuses, and returns the number of refused events.
func (g *guarded) writeSome(t *testing.T, count int) (refused int) {
	t.Helper()
	orders := shop.NewOrders("order", 40, uint64(len(g.events)+1))
	var events []audit.Event
	for i := range count {
		if i%10 == 9 {
			events = append(events, orders.Refused())
			refused++
			continue
		}
		events = append(events, orders.Next())
	}
	g.write(t, events)
	return refused
}

// done waits until the worker has finished all events, stops it and audits the run.
func (g *guarded) done(t *testing.T, w *worker, refused int) audit.Report {
	t.Helper()
	g.finish(t, time.Minute)
	w.stop(t)
	report := g.audit(t)
	if got := len(g.broker.letters(t, g.letters())); got != refused {
		t.Errorf("got %d letters, want one for each of %d refused events", got, refused)
	}
	return report
}

// check runs leadhit-sync check with a worker's settings and returns its output.
func (w *worker) check(t *testing.T) (code int, said string) {
	t.Helper()
	return w.runs(t, "check")
}

// runs starts a command with a worker's settings, waits for it and returns its output.
func (w *worker) runs(t *testing.T, arguments ...string) (code int, said string) {
	t.Helper()
	process, err := program.Start(w.run.binary, program.Options{Arguments: arguments, Settings: w.environment(), Dir: w.run.emitted})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code, err = process.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return code, process.Stdout() + process.Stderr()
}

// testRights: the rights in deploy/README.md's table are enough.
func (w *wire) testRights(t *testing.T) {
	t.Helper()
	for name, change := range map[string]func(*testing.T, *guarded){
		"SCRAM-SHA-512": func(*testing.T, *guarded) {},
		"SCRAM-SHA-256": func(_ *testing.T, g *guarded) { g.settings["KAFKA_SASL_MECHANISM"] = "SCRAM-SHA-256" },
		"PLAIN": func(t *testing.T, g *guarded) {
			t.Helper()
			g.user = plainUser
			g.writePassword(t, w.password(plainUser))
			g.settings["KAFKA_SASL_MECHANISM"], g.settings["KAFKA_SASL_USERNAME"] = "PLAIN", plainUser
		},
		"SCRAM-SHA-512 without TLS": func(_ *testing.T, g *guarded) {
			g.settings["KAFKA_BROKERS"] = w.addr(bare)
			delete(g.settings, "KAFKA_TLS")
			delete(g.settings, "KAFKA_TLS_CA_FILE")
		},
		"a certificate": func(t *testing.T, g *guarded) {
			t.Helper()
			g.showCertificate(t, w.ca)
		},
	} {
		t.Run("exactly the rights that are needed, "+name, func(t *testing.T) {
			t.Parallel()
			g := w.newGuarded(t, login)
			change(t, g)
			g.allow(t, g.rights()...)
			g.works(t)
		})
	}
	t.Run("exactly the rights that are needed to create the topics too", func(t *testing.T) {
		t.Parallel()
		g := w.newGuardedWithoutLetters(t, login)
		g.allow(t, g.rights()...)
		g.allow(t, apache.CreateRights(g.user, g.letters())...)
		g.works(t)
	})
}

// works requires that a worker finishes all events without a warning, that the check command reports no problem, and
// that the rights are enough to remove a dead predecessor.
func (g *guarded) works(t *testing.T) {
	t.Helper()
	refused := g.writeSome(t, 300)
	worker := g.newWorker(t)
	worker.address = freeAddress(t)
	worker.start(t)
	g.finish(t, time.Minute)
	if err := worker.Kill(); err != nil {
		t.Fatal(err)
	}
	worker.start(t)
	worker.awaitLine(t, 30*time.Second, succeeds)
	if code, said := worker.check(t); code != 0 || strings.Contains(said, "FAIL") {
		t.Errorf("got exit code %d from check, want 0:\n%s", code, said)
	}
	if report := g.done(t, worker, refused); report.Repeats != 0 {
		t.Errorf("got %d repeated calls, want none", report.Repeats)
	}
	for line := range strings.Lines(worker.Stdout() + worker.Stderr()) {
		if isTrouble(line) && !strings.Contains(line, "KAFKA_SASL_MECHANISM without KAFKA_TLS") {
			t.Errorf("got a warning or an error: %s", line)
		}
	}
}

// showCertificate makes the worker log in with a certificate for its user's name instead of a password.
func (g *guarded) showCertificate(t *testing.T, by *authority.Authority) {
	t.Helper()
	g.settings["KAFKA_BROKERS"] = g.wire.addr(certificates)
	g.settings["KAFKA_TLS_CERT_FILE"] = filepath.Join(g.wire.dir, g.group+".crt")
	g.settings["KAFKA_TLS_KEY_FILE"] = filepath.Join(g.wire.dir, g.group+".key")
	for _, name := range []string{"KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD_FILE"} {
		delete(g.settings, name)
	}
	g.writeCertificate(t, by, authority.Subject{Name: g.user})
}

func (g *guarded) writeCertificate(t *testing.T, by *authority.Authority, s authority.Subject) {
	t.Helper()
	pair := g.wire.issue(t, by, s)
	g.wire.file(t, g.group+".crt", pair.Cert)
	g.wire.file(t, g.group+".key", pair.Key)
}
