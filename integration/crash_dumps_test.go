package integration_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testDumps: the key appears neither in what the runtime prints when a worker dies under load, nor in what the system
// shows about the process.
func (s *suite) testDumps(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("the dump of a worker that is made to crash", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 6, sandbox.Faults{Latency: 100 * time.Millisecond, Errors: 0.02, Resets: 0.1, HTML: 0.1, LostResets: 0.05})
		orders := shop.NewOrders("order", 300, 16)
		r.settings["KAFKA_SESSION_TIMEOUT"], r.settings["LEADHIT_TIMEOUT"] = "9s", "3s"
		// The worker inherits this limit, so that it writes no core file.
		if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
			t.Fatal(err)
		}
		made := 0
		stop := r.stream(t, 200, func() audit.Event {
			if made++; made%50 == 0 {
				return orders.Refused()
			}
			return orders.Next()
		})
		for _, crash := range []struct {
			level  string
			signal syscall.Signal
		}{
			{"all", syscall.SIGQUIT},
			{"crash", syscall.SIGQUIT},
			{"all", syscall.SIGSEGV},
			{"crash", syscall.SIGABRT},
		} {
			r.crash(t, crash.level, crash.signal)
		}
		stop()
		w := r.newWorker(t)
		w.start(t)
		r.finish(t, 2*time.Minute)
		w.stop(t)
		r.audit(t)
	})
}

// crash starts a new worker, waits until it makes calls, ends it with a signal that makes the runtime print all stacks,
// and searches that output.
func (r *run) crash(t *testing.T, level string, signal syscall.Signal) {
	t.Helper()
	w, dir := r.newWorker(t), t.TempDir()
	settings := map[string]string{
		"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_TOPICS": r.topic, "KAFKA_GROUP": r.group,
		"LEADHIT_URL": w.url, "LEADHIT_API_KEY_FILE": r.keyFile, "HTTP_ADDR": "127.0.0.1:0", "GOTRACEBACK": level,
	}
	maps.Copy(settings, r.settings)
	process, err := program.Start(r.binary, program.Options{Arguments: []string{"run"}, Settings: settings, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill() })
	w.Program = process
	w.calling(t, 100)
	for _, name := range []string{"environ", "cmdline"} {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", process.PID(), name)); err == nil && bytes.Contains(text, []byte(r.canary)) {
			t.Errorf("got the key in /proc/PID/%s, want it only in its file", name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if code, err := process.Wait(ctx); err != nil || code == 0 {
		t.Fatalf("got exit code %d, %v after %v, want a crash", code, err, signal)
	}
	w.Program = nil // its end was intended
	stacks := strings.Count(process.Stderr(), "\ngoroutine ")
	if stacks < 20 {
		t.Errorf("got %d stacks after %v with GOTRACEBACK=%s, want those of a worker under load", stacks, signal, level)
	}
	size := 0
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		size += len(text)
		if at := bytes.Index(text, []byte(r.canary)); at >= 0 {
			t.Errorf("got the key after %v with GOTRACEBACK=%s, preceded by %q", signal, level, text[max(0, at-80):at])
		}
	}
	t.Logf("%v, GOTRACEBACK=%s: searched %d stacks, %d kB", signal, level, stacks, size/1000)
}
