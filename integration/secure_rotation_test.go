package integration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/authority"
	"leadhit-sync/integration/shop"
)

// testRotation: passwords, certificates, keys and authorities change while a worker runs, and the worker continues.
func (w *wire) testRotation(t *testing.T) {
	t.Helper()
	t.Run("another password, where a login is valid for five seconds", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, brief)
		g.goesOn(t, func() {
			fresh := w.canary + "-another"
			// The file is written first, so for a moment the broker still rejects the new password. After that it rejects the
			// old one.
			g.writePassword(t, fresh)
			g.setPassword(t, fresh)
		})
	})
	t.Run("another authority, certificate and key, on both sides", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, renewed)
		trusted := w.file(t, g.group+"-ca.pem", w.ca.PEM())
		g.showCertificate(t, w.ca)
		g.settings["KAFKA_BROKERS"] = w.cable.addr()
		g.settings["KAFKA_TLS_CA_FILE"] = trusted
		g.goesOn(t, func() { g.rotateAuthority(t, trusted) })
	})
}

// goesOn changes something while a worker runs. It requires that the same process finishes all events that arrive for a
// while afterwards, with logins made after the change.
func (g *guarded) goesOn(t *testing.T, change func()) {
	t.Helper()
	g.allow(t, g.rights()...)
	orders := shop.NewOrders("order", 40, 7)
	stop := g.stream(t, 20, func() audit.Event { return orders.Next() })
	worker := g.newWorker(t)
	worker.start(t)
	worker.calling(t, 40)
	change()
	changed := worker.door.calls.Load()
	until(t, time.Now().Add(20*time.Second)) // four logins where a login is valid for five seconds
	stop()
	if made := worker.door.calls.Load() - changed; made < 200 {
		t.Errorf("got %d calls in 20 s after the change, want about 400", made)
	}
	report := g.done(t, worker, 0) // a commit whose response was cut off may cause repeats, which the report counts
	t.Logf("repeated calls %d, warnings and errors %d, the last:\n%s", report.Repeats, countTrouble(worker.Stdout()+worker.Stderr()),
		lastOf(worker.Stdout()+worker.Stderr(), 12))
}

func countTrouble(log string) (count int) {
	for line := range strings.Lines(log) {
		if isTrouble(line) {
			count++
		}
	}
	return count
}

// rotateAuthority gives the broker's listener and the worker certificates from another authority, as a careful operator
// does: both trust the new authority first, and the old one is removed last.
func (g *guarded) rotateAuthority(t *testing.T, trusted string) {
	t.Helper()
	w, node := g.wire, g.wire.kafka.Nodes()[0]
	fresh := w.stranger(t)
	both := slices.Concat(w.ca.PEM(), fresh.PEM())
	trust := func(authorities []byte) {
		t.Helper()
		if err := cmpErr(authority.WriteFile(trusted, authorities), node.Replace(t.Context(), renewed, "truststore", w.freshFile(t, authorities))); err != nil {
			t.Fatal(err)
		}
	}
	trust(both)
	g.writeCertificate(t, fresh, authority.Subject{Name: g.user})
	w.show(t, renewed, fresh, authority.Subject{Name: "broker", Hosts: []string{here}})
	trust(fresh.PEM())
	w.cable.cut() // so that all new connections depend on the new authority
}
