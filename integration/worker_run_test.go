package integration_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// run is what one test has to itself: a topic, a group, a LeadHit and a shop.
type run struct {
	*suite

	broker     *broker
	shop       *shop.Shop
	leadhit    *sandbox.Sandbox
	topic      string
	partitions int
	group      string
	keyFile    string
	settings   map[string]string // added to those of each worker
	hopeless   map[string]bool   // orders whose calls always fail
	events     []audit.Event     // all that were written
	workers    []*worker
}

// newRun prepares a run, and creates its topic.
func (s *suite) newRun(tb testing.TB, brokers []string, partitions int, faults sandbox.Faults) *run {
	tb.Helper()
	r := s.newRunWithoutTopic(tb, brokers, partitions, faults)
	r.broker.create(tb, r.topic, partitions, 8<<20)
	return r
}

func (s *suite) newRunWithoutTopic(tb testing.TB, brokers []string, partitions int, faults sandbox.Faults) *run {
	tb.Helper()
	name := strings.ToLower(rand.Text()[:8])
	r := &run{
		suite:      s,
		broker:     dial(tb, brokers),
		leadhit:    sandbox.New(sandbox.Options{Key: s.canary, Seed: 1, Faults: faults}),
		topic:      "orders-" + name,
		partitions: partitions,
		group:      "leadhit-sync-" + name,
		keyFile:    filepath.Join(s.keys, name),
		settings:   make(map[string]string),
	}
	r.writeKey(tb, s.canary)
	var err error
	if r.shop, err = shop.Open(brokers); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.shop.Close)
	return r
}

// writeKey replaces the key's file in one step, as an operator's tool does.
func (r *run) writeKey(tb testing.TB, key string) {
	tb.Helper()
	err := os.WriteFile(r.keyFile+".new", []byte(key+"\n"), 0o600)
	if err := cmpErr(err, os.Rename(r.keyFile+".new", r.keyFile)); err != nil {
		tb.Fatal(err)
	}
}

// write writes events and adds them to the evidence.
func (r *run) write(tb testing.TB, events []audit.Event) {
	tb.Helper()
	written, err := r.shop.Write(tb.Context(), r.topic, events)
	if err != nil {
		tb.Fatal(err)
	}
	r.events = append(r.events, written...)
}

// stream writes events at a steady pace until the returned function is called. That function adds them to the evidence.
func (r *run) stream(tb testing.TB, perSecond int, next func() audit.Event) (stop func()) {
	tb.Helper()
	type result struct {
		events []audit.Event
		err    error
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan result, 1)
	go func() {
		events, err := r.shop.Stream(ctx, r.topic, perSecond, next)
		done <- result{events, err}
	}()
	tb.Cleanup(cancel)
	return func() {
		tb.Helper()
		cancel()
		all := <-done
		if all.err != nil {
			tb.Fatal(all.err)
		}
		r.events = append(r.events, all.events...)
	}
}

// worker is one worker of a run, with the process that is currently running. It has its own LeadHit address, so that
// its calls can be distinguished.
type worker struct {
	*program.Program

	run     *run
	url     string
	door    *door
	address string // HTTP_ADDR; "" means any free port
}

// newWorker returns a worker that has its own LeadHit address. It does not start the process; the start method does.
func (r *run) newWorker(tb testing.TB) *worker {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	d := &door{to: r.leadhit}
	server := &http.Server{Handler: d, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return r.workerAt(listener.Addr().String(), d)
}

// workerAt returns a worker whose LeadHit is at the given address.
func (r *run) workerAt(leadhit string, d *door) *worker {
	w := &worker{run: r, url: "http://" + leadhit + "/api/v1/orders/", door: d}
	r.workers = append(r.workers, w)
	return w
}

// died returns a message about a worker whose process has ended, or "" if there is none. Waiting for such a worker
// would be pointless.
func (r *run) died() string {
	for i, w := range r.workers {
		if w.Program != nil && w.Ended() {
			return fmt.Sprintf("worker %d has ended: %s", i+1, lastOf(w.Stderr(), 3))
		}
	}
	return ""
}

// environment returns the settings that the worker's process is started with.
func (w *worker) environment() map[string]string {
	settings := map[string]string{
		"KAFKA_BROKERS":        strings.Join(w.run.broker.addrs, ","),
		"KAFKA_TOPICS":         w.run.topic,
		"KAFKA_GROUP":          w.run.group,
		"LEADHIT_URL":          w.url,
		"LEADHIT_API_KEY_FILE": w.run.keyFile,
		"HTTP_ADDR":            cmp.Or(w.address, "127.0.0.1:0"),
	}
	maps.Copy(settings, w.run.settings)
	return settings
}

// start starts the worker's process, which ends no later than the test.
func (w *worker) start(tb testing.TB) {
	tb.Helper()
	process, err := program.Start(w.run.binary, program.Options{Arguments: []string{"run"}, Settings: w.environment(), Dir: w.run.emitted})
	if err != nil {
		tb.Fatal(err)
	}
	w.Program = process
	w.door.calls.Store(0)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the last output of process %d:\n%s", process.PID(), lastOf(process.Stdout()+process.Stderr(), 20))
		}
		if err := process.Kill(); err != nil {
			tb.Error(err)
		}
	})
}

func lastOf(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// calling waits until the worker's process has made the given number of calls.
func (w *worker) calling(tb testing.TB, calls int64) {
	tb.Helper()
	eventually(tb, 90*time.Second, "a worker's calls", func() string {
		if why := w.run.died(); why != "" {
			tb.Fatal(why)
		}
		if made := w.door.calls.Load(); made < calls {
			return fmt.Sprintf("%d of %d", made, calls)
		}
		return ""
	})
}

// page requests a page from the worker, and keeps it for the search in testEmitted.
func (w *worker) page(tb testing.TB, path string) (int, string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	status, body, err := w.Get(ctx, path)
	if err != nil {
		tb.Fatalf("GET %s: %v", path, err)
	}
	w.run.keep(tb, "page"+path, []byte(body))
	return status, body
}

// stop keeps the worker's pages, shuts the worker down cleanly, and returns how long the shutdown took.
func (w *worker) stop(tb testing.TB) time.Duration {
	tb.Helper()
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/status"} {
		w.page(tb, path)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	begin := time.Now()
	if code, err := w.Terminate(ctx); err != nil || code != 0 {
		tb.Fatalf("got exit code %d, %v after a SIGTERM, want 0", code, err)
	}
	return time.Since(begin)
}

// finish waits until the group has committed everything.
func (r *run) finish(tb testing.TB, limit time.Duration) {
	tb.Helper()
	eventually(tb, limit, "everything committed", func() string {
		if why := r.died(); why != "" {
			tb.Fatal(why)
		}
		return r.broker.behind(tb.Context(), r.group, r.topic, r.partitions)
	})
}

// audit compares all evidence, and fails the test if the worker broke its promise. It keeps the letters for
// testEmitted, which searches them for secrets.
func (r *run) audit(tb testing.TB) audit.Report {
	tb.Helper()
	ends, committed := r.broker.known(tb, r.group, r.topic, r.partitions)
	letters := r.broker.letters(tb, "dlq."+r.group)
	for _, l := range letters {
		r.keep(tb, "letter", []byte(fmt.Sprintf("%s %s\n%+q", l.ID, l.Cause, l.Headers)))
	}
	report := audit.Compare(audit.Evidence{
		Events: r.events, Calls: r.leadhit.Calls(), Letters: letters,
		Committed: withoutZero(committed), End: withoutZero(ends), Hopeless: r.hopeless, Patience: r.patience(tb),
	})
	if err := report.Err(); err != nil {
		tb.Error(err)
	}
	tb.Logf("%d events, %d calls, %d letters: %v", len(r.events), len(r.leadhit.Calls()), len(letters), report)
	return report
}

// patience returns how long a worker waits for a response: LEADHIT_TIMEOUT.
func (r *run) patience(tb testing.TB) time.Duration {
	tb.Helper()
	patience, err := time.ParseDuration(cmp.Or(r.settings["LEADHIT_TIMEOUT"], "3s"))
	if err != nil {
		tb.Fatal(err)
	}
	return patience
}

// inFlight sets CALLS_IN_FLIGHT.
func (r *run) inFlight(calls int) { r.settings["CALLS_IN_FLIGHT"] = strconv.Itoa(calls) }
