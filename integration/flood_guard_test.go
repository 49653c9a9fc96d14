package integration_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	// unreadable is a mapping that finds no order id in any event. ruinous is a mapping whose statuses LeadHit does not
	// know.
	unreadable = `{version: 1, name: unreadable, fields: {order_id: {path: $.number, type: id}, status: {path: $.status}}, status: {paid: [paid], submitted: [submitted]}}`
	ruinous    = `{version: 1, name: ruinous, statuses: [settled], fields: {order_id: {path: $.order_id, type: id}, status: {path: $.status}}, status: {settled: [paid, submitted]}}`

	guardInFlight = 16
	// floodLetters is how many letters one worker may write before its flood guard pauses it.
	floodLetters = 100 + guardInFlight
	// still is how long a test watches a pause, to make sure that nothing happens during it.
	still = 3 * time.Second
)

// testGuard: the flood guard stops a bad deployment early. A pause reaches all workers and outlives them, until a
// resume ends the pause.
func (s *suite) testGuard(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("a mapping that reads nothing stops all workers until a resume", func(t *testing.T) {
		t.Parallel()
		s.testUnreadable(t, brokers)
	})
	t.Run("a mapping that ruins every status is fixed, and calls resume", func(t *testing.T) {
		t.Parallel()
		s.testRuinous(t, brokers)
	})
	t.Run("a manual pause stops two workers, also after a restart", func(t *testing.T) {
		t.Parallel()
		s.testPauseByHand(t, brokers)
	})
}

func (s *suite) testUnreadable(t *testing.T, brokers []string) {
	t.Helper()
	r := s.guardRun(t, brokers)
	r.mapping(t, unreadable)
	r.writeMany(t, shop.NewOrders("order", 500, 21), 2000, func(e audit.Event) audit.Event {
		e.Want, e.Cause = audit.Unmappable, "MissingOrderID"
		return e
	})
	workers := []*worker{r.newWorker(t), r.newWorker(t)}
	for _, w := range workers {
		w.start(t)
	}
	for _, w := range workers {
		w.shows(t, "paused: flood")
	}
	r.standsStill(t)
	if got := r.storedLetters(t); got < 100 || got > 2*floodLetters {
		t.Errorf("got %d letters of a bad deploy, want 100 to %d of two workers", got, 2*floodLetters)
	} else {
		t.Logf("a bad deploy of two workers: %d letters of 2000 events", got)
	}
	if _, metrics := workers[0].page(t, "/metrics"); !strings.Contains(metrics, `leadhit_sync_paused{reason="flood"} 1`) {
		t.Error(`got no metric leadhit_sync_paused{reason="flood"} of 1`)
	}

	if err := workers[0].Kill(); err != nil {
		t.Fatal(err)
	}
	workers[0].start(t)
	workers[0].shows(t, "paused: flood")
	r.standsStill(t)

	out := r.command(t, "resume", "--reason", "these events are of no use")
	for _, want := range []string{"flood", "dead letters, of", "accepted, until another mapping", "v1:"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %q from resume, want %q in it", out, want)
		}
	}
	r.finish(t, 2*time.Minute)
	for _, w := range workers {
		w.stop(t)
	}
	r.audit(t)
	if out := r.command(t, "resume"); !strings.Contains(out, "no pause is in force") {
		t.Errorf("got %q from a second resume, want no pause in force", out)
	}
}

func (s *suite) testRuinous(t *testing.T, brokers []string) {
	t.Helper()
	r := s.guardRun(t, brokers)
	good := maps.Clone(r.settings)
	r.mapping(t, ruinous)
	r.writeMany(t, shop.NewOrders("order", 500, 22), 1000, func(e audit.Event) audit.Event { return e })
	w := r.newWorker(t)
	w.start(t)
	w.shows(t, "paused: flood")
	r.standsStill(t)
	ruined := r.storedLetters(t)
	if ruined < 100 || ruined > floodLetters {
		t.Errorf("got %d letters of a bad deploy, want 100 to %d", ruined, floodLetters)
	} else {
		t.Logf("a bad deploy of one worker: %d letters of 1000 events", ruined)
	}

	w.stop(t)
	r.settings = good // the fixed mapping
	w.start(t)
	w.shows(t, "paused: flood")
	r.standsStill(t)
	r.command(t, "resume", "--reason", "fixed")
	r.finish(t, 2*time.Minute)
	w.stop(t)

	letters := r.broker.letters(t, "dlq."+r.group)
	for i := range r.events {
		e := &r.events[i]
		if slices.ContainsFunc(letters, func(l audit.Letter) bool { return l.ID == e.LetterID() }) {
			e.Want, e.Status, e.Cause = audit.Refused, "settled", "ValidationError"
		}
	}
	r.audit(t)
	if len(letters) != ruined {
		t.Errorf("got %d letters at the end, want %d as in the pause: the fixed mapping refuses nothing", len(letters), ruined)
	}
}

func (s *suite) testPauseByHand(t *testing.T, brokers []string) {
	t.Helper()
	r := s.guardRun(t, brokers)
	r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = 20 * time.Millisecond })
	workers := []*worker{r.newWorker(t), r.newWorker(t)}
	orders := shop.NewOrders("order", 300, 23)
	stop := r.stream(t, 200, orders.Next)
	for _, w := range workers {
		w.start(t)
	}
	for _, w := range workers {
		w.calling(t, 50)
	}
	if out := r.command(t, "pause", "--reason", "LeadHit migrates", "--by", "alice"); !strings.Contains(out, "dlq."+r.group+".ledger") {
		t.Errorf("got %q from pause, want the ledger named", out)
	}
	for _, w := range workers {
		w.shows(t, "paused: by hand")
	}
	r.standsStill(t)
	if log := workers[1].Stdout(); !strings.Contains(log, "alice") || !strings.Contains(log, "LeadHit migrates") || !strings.Contains(log, "leadhit-sync resume") {
		t.Error("got no log line with who, why and what to do")
	}
	workers[0].stop(t)
	workers[0].start(t)
	workers[0].shows(t, "paused: by hand")
	r.standsStill(t)
	stop()
	if out := r.command(t, "resume", "--by", "bob"); !strings.Contains(out, "alice") || !strings.Contains(out, "LeadHit migrates") {
		t.Errorf("got %q from resume, want who had paused, and why", out)
	}
	r.finish(t, 2*time.Minute)
	for _, w := range workers {
		w.shows(t, "running")
	}
	for _, w := range workers {
		w.stop(t)
	}
	if report := r.audit(t); report.Repeats != 0 {
		t.Errorf("got %d repeated calls, want none: nobody crashed", report.Repeats)
	}
}

func (s *suite) guardRun(t *testing.T, brokers []string) *run {
	t.Helper()
	r := s.newRun(t, brokers, 4, sandbox.Faults{Latency: 5 * time.Millisecond})
	r.inFlight(guardInFlight)
	return r
}

// mapping gives the run its own mapping.
func (r *run) mapping(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.settings["MAPPING"] = path
}

func (r *run) writeMany(t *testing.T, orders *shop.Orders, n int, change func(audit.Event) audit.Event) {
	t.Helper()
	var events []audit.Event
	for range n {
		events = append(events, change(orders.Next()))
	}
	r.write(t, events)
}

// command runs one of the program's commands as an operator does, and returns what it printed.
func (r *run) command(t *testing.T, arguments ...string) string {
	t.Helper()
	process, err := program.Start(r.binary, program.Options{Arguments: arguments, Dir: r.emitted, Settings: map[string]string{
		"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_GROUP": r.group,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code, err := process.Wait(ctx); err != nil || code != 0 {
		t.Fatalf("got exit code %d, %v from %q, want 0: %s", code, err, arguments, process.Stderr())
	}
	return process.Stdout()
}

// shows waits until /readyz contains the text.
func (w *worker) shows(t *testing.T, text string) {
	t.Helper()
	eventually(t, time.Minute, fmt.Sprintf("%q in /readyz", text), func() string {
		if why := w.run.died(); why != "" {
			t.Fatal(why)
		}
		if status, body := w.page(t, "/readyz"); status != http.StatusOK || !strings.Contains(body, text) {
			return fmt.Sprint(status, " ", body)
		}
		return ""
	})
}

// standsStill gives calls in flight a second to end, and then requires that for a while there is no new call and no new
// letter.
func (r *run) standsStill(t *testing.T) {
	t.Helper()
	until(t, time.Now().Add(time.Second))
	calls, letters := r.leadhit.Count(), r.storedLetters(t)
	until(t, time.Now().Add(still))
	if now, stored := r.leadhit.Count(), r.storedLetters(t); now != calls || stored != letters {
		t.Errorf("got %d calls and %d letters within %v of a pause, want none", now-calls, stored-letters, still)
	}
}

func (r *run) storedLetters(t *testing.T) int {
	t.Helper()
	return len(r.broker.letters(t, "dlq."+r.group))
}
