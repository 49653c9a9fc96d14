package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

// BenchmarkIdleWorker measures an idle worker for a minute: its share of a core and its memory, with 12 partitions on
// real Kafka.
func BenchmarkIdleWorker(b *testing.B) {
	s := newSuite(b)
	r := s.newRun(b, oneNode(b), 12, sandbox.Faults{})
	w := r.newWorker(b)
	w.start(b)
	eventually(b, time.Minute, "ready", func() string {
		status, body := w.page(b, "/readyz")
		if status == http.StatusOK {
			return ""
		}
		return body
	})
	await(b, 10*time.Second) // until startup is over
	for b.Loop() {
		span := seconds(b, "IDLE_SECONDS", 60)
		before := processorTime(b, w.PID())
		await(b, span)
		used := processorTime(b, w.PID()) - before
		fmt.Printf("\nidle worker: %.2f %% of a core, RSS %d MiB, %d MiB at most\n",
			100*used.Seconds()/span.Seconds(), memory(w.PID(), "VmRSS"), memory(w.PID(), "VmHWM"))
	}
	b.ReportMetric(0, "ns/op") // the line has the figures
	w.stop(b)
}

// await waits until the span has passed.
func await(tb testing.TB, span time.Duration) {
	tb.Helper()
	select {
	case <-time.After(span):
	case <-tb.Context().Done():
		tb.Fatal(tb.Context().Err())
	}
}

// processorTime returns the processor time that a process has used so far.
func processorTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Skipf("SKIPPED, this system does not report the usage of a process: %v", err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before it may contain spaces
	const utime, stime, ticks = 11, 12, 100        // 100 ticks per second, on every Linux
	fields := strings.Fields(after)
	user, err1 := strconv.Atoi(fields[utime])
	system, err2 := strconv.Atoi(fields[stime])
	if err := cmpErr(err1, err2); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / ticks
}

// memory returns one of a process's memory figures in MiB, or 0 if the system does not report it.
func memory(pid int, figure string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		var kb int
		if _, err := fmt.Sscanf(line, figure+": %d kB", &kb); err == nil {
			return (kb + 1023) / 1024
		}
	}
	return 0
}
