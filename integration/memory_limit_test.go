package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// memoryGiven is the memory that the manifests give a worker, in MiB.
const memoryGiven = 128

// testMemory: with default settings, a worker fits into the memory that the manifests give it. Its events are 1 MiB
// each, in 12 partitions, and LeadHit is down at first, or refuses them. MEMORY_EVENTS is the number of events in the
// first case.
func (s *suite) testMemory(t *testing.T, brokers []string) {
	t.Helper()
	for _, test := range []struct {
		name    string
		faults  sandbox.Faults
		next    func(*shop.Orders) audit.Event
		padding func(audit.Event, int) audit.Event
		events  int
	}{
		{"events of 1 MiB while LeadHit responds with 503", sandbox.Faults{Status: 503}, (*shop.Orders).Next, padded, number(t, "MEMORY_EVENTS", 150)},
		{"events of 1 MiB that take a twentieth on the wire", sandbox.Faults{Status: 503}, (*shop.Orders).Next, stretched, 150},
		// A hundred letters would be a flood, and pause all calls.
		{"events of 1 MiB that LeadHit refuses, each a letter", sandbox.Faults{}, (*shop.Orders).Refused, padded, 90},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			plain := *s
			plain.binary = buildWithoutRace(t)
			r := plain.newRun(t, brokers, 12, test.faults)
			r.settings["GOMEMLIMIT"] = "115MiB" // as in the manifests
			orders := shop.NewOrders("order", 1000, 13)
			for range test.events {
				r.write(t, []audit.Event{test.padding(test.next(orders), 1<<20-2048)})
			}
			w := r.newWorker(t)
			w.start(t)
			if test.faults.Status != 0 {
				linger(t, 15*time.Second)
				r.leadhit.Change(func(f *sandbox.Faults) { *f = sandbox.Faults{} })
			}
			r.finish(t, 3*time.Minute)
			peak, files := peakMemory(w.PID())
			t.Logf("%d events of 1 MiB: a peak of %d MiB of memory, %d of them backed by files", len(r.events), peak, files)
			if peak-files > memoryGiven {
				t.Errorf("got a peak of %d MiB of memory that no files back, want at most %d", peak-files, memoryGiven)
			}
			w.stop(t)
			r.audit(t)
		})
	}
}

// stretched returns the event with the given number of bytes added, which compress to almost nothing.
func stretched(event audit.Event, bytes int) audit.Event {
	event.Value = append(event.Value[:len(event.Value)-1:len(event.Value)-1], `,"note":"`+strings.Repeat("x", bytes)+`"}`...)
	return event
}

// buildWithoutRace builds the program as for the image: static, without symbols, and without the race detector, which
// multiplies its memory.
func buildWithoutRace(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "leadhit-sync")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/leadhit-sync")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("building without the race detector: %v: %s", err, output)
	}
	return binary
}

// descriptors counts a process's open files, or returns 0 if the system has no /proc.
func descriptors(pid int) int {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(files)
}
