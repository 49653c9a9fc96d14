package integration_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// BenchmarkWorker compares the worker, on real Kafka with 12 partitions and 1,000 orders, with a bare loop that makes
// the same POSTs with as many in flight. They take turns, so that a busy machine is unfair to all. It runs once and
// prints a table.
//
// BASELINE is the path of another leadhit-sync, of an earlier commit say, that takes its turn too.
func BenchmarkWorker(b *testing.B) {
	bench := newBench(b)
	table := []string{fmt.Sprintf("%-10s %10s %12s %14s %12s", "", "in flight", "orders/s", "CPU µs/event", "RSS MiB")}
	for _, size := range []struct{ inFlight, events int }{{64, 40_000}, {256, 100_000}} {
		var workers, loops, baselines []measured
		for range number(b, "ROUNDS", 3) {
			loops = append(loops, bench.loop(b, size.inFlight, size.events))
			if bench.baseline != "" {
				baselines = append(baselines, bench.worker(b, bench.baseline, size.inFlight, size.events))
			}
			workers = append(workers, bench.worker(b, bench.binary, size.inFlight, size.events))
		}
		worker := median(workers)
		table = append(table, worker.row("worker", size.inFlight))
		table = append(table, worker.against("bare loop", loops, size.inFlight)...)
		table = append(table, worker.against("baseline", baselines, size.inFlight)...)
	}
	fmt.Println("\n" + strings.Join(table, "\n")) // b.Log shows ten lines at most
	b.ReportMetric(0, "ns/op")                    // the table has the figures
}

// measured is one run's result.
type measured struct {
	perSecond float64
	cpu       float64 // microseconds of processor time an event
	rss       int     // MiB at most; 0: not known
}

func (m measured) row(name string, inFlight int) string {
	rss := "–"
	if m.rss > 0 {
		rss = strconv.Itoa(m.rss)
	}
	return fmt.Sprintf("%-10s %10d %12.0f %14.1f %12s", name, inFlight, m.perSecond, m.cpu, rss)
}

// against compares m with the median of an opponent's runs, if there are any.
func (m measured) against(name string, runs []measured, inFlight int) []string {
	if len(runs) == 0 {
		return nil
	}
	opponent := median(runs)
	return []string{
		opponent.row(name, inFlight),
		fmt.Sprintf("%-10s %10d %11.1f%% %13.2f×", "of it", inFlight, 100*m.perSecond/opponent.perSecond, m.cpu/opponent.cpu),
	}
}

// median takes the run of the median pace, and the most memory of all.
func median(all []measured) measured {
	slices.SortFunc(all, func(a, b measured) int { return int(a.perSecond - b.perSecond) })
	m := all[len(all)/2]
	for _, other := range all {
		m.rss = max(m.rss, other.rss)
	}
	return m
}

type bench struct {
	*suite

	brokers  []string
	bare     string
	baseline string // empty: there is none
	leadhit  string // host:port of the look-alike's process
}

func newBench(b *testing.B) *bench {
	b.Helper()
	s := newSuite(b)
	bare, err := program.Build(b.Context(), b.TempDir(), "./integration/bare")
	if err != nil {
		b.Fatal(err)
	}
	leadhit, err := program.Start(bare, program.Options{Arguments: []string{"leadhit", "-latency", "20ms"}, Dir: s.emitted})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = leadhit.Kill() })
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	line, err := leadhit.Line(ctx, "listening", nil)
	if err != nil {
		b.Fatal(err)
	}
	return &bench{
		suite: s, brokers: oneNode(b), bare: bare, leadhit: fmt.Sprint(line["addr"]),
		baseline: os.Getenv("BASELINE"),
	}
}

// ask asks the look-alike's process.
func (b *bench) ask(tb testing.TB, method, path string) string {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, "http://"+b.leadhit+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// judge makes a result of what the look-alike saw and what the ended process used.
func (b *bench) judge(tb testing.TB, p *program.Program, events int) measured {
	tb.Helper()
	var pace struct {
		Calls     int     `json:"calls"`
		PerSecond float64 `json:"per_second"`
	}
	if err := json.Unmarshal([]byte(b.ask(tb, http.MethodGet, "/pace")), &pace); err != nil {
		tb.Fatal(err)
	}
	if pace.Calls != events {
		tb.Errorf("got %d calls, want %d", pace.Calls, events)
	}
	return measured{perSecond: pace.PerSecond, cpu: float64(p.Usage().Microseconds()) / float64(events)}
}

func (b *bench) loop(tb testing.TB, inFlight, events int) measured {
	tb.Helper()
	b.ask(tb, http.MethodDelete, "/")
	p, err := program.Start(b.bare, program.Options{Dir: b.emitted, Arguments: []string{
		"loop", "-url", "http://" + b.leadhit + "/api/v1/orders/", "-key", "any",
		"-calls", strconv.Itoa(events), "-in-flight", strconv.Itoa(inFlight),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	if code, err := p.Wait(tb.Context()); err != nil || code != 0 {
		tb.Fatalf("the bare loop: exit code %d, %v: %s", code, err, p.Stderr())
	}
	return b.judge(tb, p, events)
}

func (b *bench) worker(tb testing.TB, binary string, inFlight, events int) measured {
	tb.Helper()
	s := *b.suite
	s.binary = binary
	r := s.newRun(tb, b.brokers, 12, sandbox.Faults{})
	orders := shop.NewOrders("order-"+rand.Text()[:4], 1000, 1)
	var all []audit.Event
	for i := range events {
		all = append(all, orders.NextOf(i%1000))
	}
	r.write(tb, all)
	b.ask(tb, http.MethodDelete, "/")
	w := r.workerAt(b.leadhit, new(door))
	r.inFlight(inFlight)
	w.start(tb)
	eventually(tb, 5*time.Minute, "all calls", func() string {
		if why := r.died(); why != "" {
			tb.Fatal(why)
		}
		if count := b.ask(tb, http.MethodGet, "/count"); count != strconv.Itoa(events) {
			return count
		}
		return ""
	})
	rss, _ := peakMemory(w.PID())
	w.stop(tb)
	m := b.judge(tb, w.Program, events)
	m.rss = rss
	return m
}

// peakMemory reads the most memory a process has held, and how much of its memory is pages of files, in MiB, where the
// system tells; else 0. A system that is short of memory takes the pages of files back: they count for no limit.
func peakMemory(pid int) (peak, files int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	return memoryIn(string(text))
}

// memoryIn reads the same from the text of /proc/PID/status.
func memoryIn(status string) (peak, files int) {
	for line := range strings.SplitSeq(status, "\n") {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			peak = (kb + 1023) / 1024
		}
		if _, err := fmt.Sscanf(line, "RssFile: %d kB", &kb); err == nil {
			files = kb / 1024
		}
	}
	return peak, files
}
