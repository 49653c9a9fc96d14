package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// testOrderCommand: the order command shows, for each event of an order, whether it was accepted, ignored or stored as
// a letter, is being retried, or is blocked behind the event that is being retried. Without the worker, the command
// still shows what the topics contain.
func (s *suite) testOrderCommand(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("the life of one order", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 3, sandbox.Faults{})
		r.settings["MAPPING"] = filepath.Join(t.TempDir(), "cart.yaml")
		if err := os.WriteFile(r.settings["MAPPING"], []byte("fields: {order_id: {path: $.order_id}, status: {path: $.status}}\n"+
			"status: {paid: [paid], ignore: [cart], otherwise: pass}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w := r.newWorker(t)
		w.start(t)
		r.write(t, []audit.Event{statusOf("4711", "paid"), statusOf("4711", "cart"), statusOf("4711", "lost"), statusOf("4712", "paid")})
		r.finish(t, time.Minute)
		r.leadhit.Change(func(f *sandbox.Faults) {
			f.Orders["4711"] = sandbox.OrderFault{Code: -32000, Type: "OperationalError"}
		})
		r.write(t, []audit.Event{statusOf("4711", "paid"), statusOf("4711", "paid")})
		address, err := w.Line(t.Context(), "listening", nil)
		if err != nil {
			t.Fatal(err)
		}
		worker := fmt.Sprint(address["addr"])
		id := func(n int) string { return r.events[n].LetterID() }
		want := []string{
			id(0) + " call paid finished   ", id(1) + " ignore  finished   ",
			id(2) + " call lost letter open  ValidationError",
			id(4) + " call paid waiting   OperationalError", id(5) + " call paid blocked  " + id(4) + " ",
		}
		eventually(t, time.Minute, "the order's events", func() string {
			got := r.order(t, "4711", worker)
			return unless(strings.Join(got, "\n") == strings.Join(want, "\n"), "got %q, want %q", got, want)
		})
		w.stop(t)
		want[3], want[4] = id(4)+" call paid not committed   ", id(5)+" call paid not committed   "
		if got := r.order(t, "4711", worker); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q without a worker, want %q", got, want)
		}
	})
}

// statusOf returns an event with the given order id and status. Its key is the order id.
func statusOf(order, status string) audit.Event {
	return audit.Event{Key: []byte(order), Value: fmt.Appendf(nil, `{"order_id":%q,"status":%q}`, order, status)}
}

// order runs the order command and returns a line for each event.
func (r *run) order(t *testing.T, id, worker string) (lines []string) {
	t.Helper()
	settings := map[string]string{
		"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_TOPICS": r.topic, "KAFKA_GROUP": r.group,
	}
	maps.Copy(settings, r.settings)
	process, err := program.Start(r.binary, program.Options{
		Arguments: []string{"order", id, "--since", "1h", "--workers", worker, "-o", "json"}, Dir: r.emitted, Settings: settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said struct {
		Events []struct {
			Event, Action, Status, State string
			Work                         struct{ Behind, Cause string }
			Letter                       struct{ State string }
			History                      []struct{ Cause string }
		}
	}
	code, err := process.Wait(ctx)
	if err != nil || code != 0 || json.Unmarshal([]byte(process.Stdout()), &said) != nil {
		t.Fatalf("got exit code %d, %v and %s%s, want 0 and JSON", code, err, process.Stdout(), process.Stderr())
	}
	for _, e := range said.Events {
		line := strings.Join([]string{e.Event, e.Action, e.Status, e.State, e.Letter.State, e.Work.Behind, e.Work.Cause}, " ")
		if len(e.History) > 0 {
			line += e.History[0].Cause
		}
		lines = append(lines, line)
	}
	return lines
}
