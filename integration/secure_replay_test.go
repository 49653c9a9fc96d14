package integration_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
)

// testUnwritableLedger: an operator who is allowed to read everything, but not to write to the ledger, gets an error
// that says so before any letter is requeued.
func (w *wire) testUnwritableLedger(t *testing.T) {
	t.Helper()
	t.Run("letters may be read but not replayed", func(t *testing.T) {
		t.Parallel()
		g := w.newGuarded(t, login)
		rights := g.rights()
		of := &rights[slices.IndexFunc(rights, func(r apache.Right) bool { return r.Topic == g.ledger() })]
		of.Operations = slices.DeleteFunc(of.Operations, func(o kafka.ACLOperationType) bool { return o == kafka.ACLOperationTypeWrite })
		g.allow(t, rights...)
		g.storeLetter(t)
		operator := g.newWorker(t)
		for _, command := range [][]string{
			{"replay", "--state", "open"},
			{"letters", "dismiss", "--state", "open"},
		} {
			code, said := operator.runs(t, append(command, "--reason", "a test", "--yes")...)
			t.Logf("%s: %s", command, lastOf(said, 1))
			if code != 1 || !strings.Contains(said, g.ledger()) || !strings.Contains(said, "Write") {
				t.Errorf("got exit code %d of %q, want 1 and the missing right:\n%s", code, command, said)
			}
		}
		ledger := audit.Place{Topic: g.ledger()}
		if ends, err := g.broker.ends(t.Context(), g.ledger(), 1); err != nil || ends[ledger] != 0 {
			t.Errorf("got %v, %v, want no entry", ends, err)
		}
		if code, said := operator.runs(t, "letters", "list", "-o", "name"); code != 0 || len(strings.Fields(said)) != 1 {
			t.Errorf("got exit code %d from letters list, want 0 and one letter:\n%s", code, said)
		}
	})
}

// storeLetter writes a letter as a worker does.
func (g *guarded) storeLetter(t *testing.T) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(g.broker.addrs...), kgo.DefaultProduceTopic(g.letters()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), g.letterRecord(0)).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
