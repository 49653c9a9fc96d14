package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// BenchmarkWorker measures the worker with several kinds of work, on real Kafka with 12 partitions. A bare loop that
// makes the same number of POSTs, with the same number in flight, takes turns with the worker, so that a busy machine
// slows both. The benchmark prints a table for each kind of work.
//
// BASELINE is the path of another leadhit-sync binary, for example one built from an earlier commit. That binary takes
// turns too. ROUNDS is the number of turns that each program gets.
func BenchmarkWorker(b *testing.B) {
	bench := newBench(b)
	all := jobs()
	bench.worker(b, bench.binary, all[0]) // a broker is slow until the JVM has compiled its code
	bench.idle(b)
	for _, j := range all {
		b.Run(j.name, func(b *testing.B) {
			var workers, loops, baselines []measured
			for range number(b, "ROUNDS", 3) {
				if j.bare {
					loops = append(loops, bench.loop(b, j))
				}
				if bench.baseline != "" {
					baselines = append(baselines, bench.worker(b, bench.baseline, j))
				}
				workers = append(workers, bench.worker(b, bench.binary, j))
			}
			worker := median(workers)
			table := []string{fmt.Sprintf("%s: %d events, %d calls in flight", j.name, j.events, j.inFlight), head, worker.row("worker")}
			table = append(table, worker.against("bare loop", loops)...)
			table = append(table, worker.against("baseline", baselines)...)
			fmt.Println("\n" + strings.Join(table, "\n")) // b.Log shows at most ten lines
			b.ReportMetric(0, "ns/op")                    // the table has the figures
		})
	}
}

type bench struct {
	*suite

	brokers  []string
	nodes    *apache.Cluster // nil: the cluster is not ours
	bare     string
	baseline string // empty: there is none
	leadhit  string // host:port of the look-alike's process
}

func newBench(b *testing.B) *bench {
	b.Helper()
	s := newSuite(b)
	s.binary = buildWithoutRace(b) // the benchmark measures its memory
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
	brokers, nodes := clusterOf(b, 1)
	return &bench{
		suite: s, brokers: brokers, nodes: nodes, bare: bare, leadhit: fmt.Sprint(line["addr"]),
		baseline: os.Getenv("BASELINE"),
	}
}

// ask sends the look-alike's process a request, and returns the body of the response.
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

// judge combines the look-alike's figures with the processor time of the process, which has ended.
func (b *bench) judge(tb testing.TB, p *program.Program, j job) measured {
	tb.Helper()
	var pace struct {
		Calls     int     `json:"calls"`
		PerSecond float64 `json:"per_second"`
	}
	if err := json.Unmarshal([]byte(b.ask(tb, http.MethodGet, "/pace")), &pace); err != nil {
		tb.Fatal(err)
	}
	if pace.Calls < j.leastCalls || pace.Calls > j.events {
		tb.Errorf("got %d calls, want %d to %d", pace.Calls, j.leastCalls, j.events)
	}
	events := float64(j.events)
	calls := float64(pace.Calls) / events
	cpu, _ := p.Usage()
	return measured{perSecond: pace.PerSecond / calls, calls: calls, cpu: float64(cpu.Microseconds()) / events}
}

func (b *bench) loop(tb testing.TB, j job) measured {
	tb.Helper()
	b.ask(tb, http.MethodDelete, "/")
	p, err := program.Start(b.bare, program.Options{Dir: b.emitted, Arguments: []string{
		"loop", "-url", "http://" + b.leadhit + "/api/v1/orders/", "-key", "any",
		"-calls", strconv.Itoa(j.events), "-in-flight", strconv.Itoa(j.inFlight),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	if code, err := p.Wait(tb.Context()); err != nil || code != 0 {
		tb.Fatalf("the bare loop: exit code %d, %v: %s", code, err, p.Stderr())
	}
	return b.judge(tb, p, j)
}

func (b *bench) worker(tb testing.TB, binary string, j job) measured {
	tb.Helper()
	s := *b.suite
	s.binary = binary
	r := s.newRun(tb, b.brokers, 12, sandbox.Faults{})
	r.write(tb, j.write(j.events))
	b.ask(tb, http.MethodDelete, "/")
	w := r.workerAt(b.leadhit, new(door))
	r.inFlight(j.inFlight)
	w.start(tb)
	// Starting and stopping a worker also costs the brokers time, but not per event, so both are excluded.
	began := b.awaitCalls(tb, r, j.leastCalls/20)
	ended := b.awaitCalls(tb, r, j.leastCalls-j.leastCalls/20)
	b.awaitCalls(tb, r, j.leastCalls)
	r.finish(tb, time.Minute)
	rss, _ := peakMemory(w.PID())
	w.stop(tb)
	m := b.judge(tb, w.Program, j)
	m.rss = rss
	m.broker = float64((ended.broker - began.broker).Microseconds()) * m.calls / float64(ended.calls-began.calls)
	m.commits = r.commitsPerSecond(tb, began.at, ended.at)
	return m
}

// moment holds the figures of a running worker at one point in time.
type moment struct {
	at     time.Time
	calls  int
	broker time.Duration // processor time that the brokers have used so far
}

// awaitCalls waits until the given number of calls have been made, and returns the figures at that time.
func (b *bench) awaitCalls(tb testing.TB, r *run, calls int) (m moment) {
	tb.Helper()
	eventually(tb, 5*time.Minute, "all calls", func() string {
		if why := r.died(); why != "" {
			tb.Fatal(why)
		}
		count := b.ask(tb, http.MethodGet, "/count")
		m = moment{at: time.Now(), broker: b.brokerTime(tb)}
		if m.calls, _ = strconv.Atoi(count); m.calls < calls {
			return count
		}
		return ""
	})
	return m
}

// idle prints the processor time that the broker uses without a worker. The broker's figures in the tables include it.
func (b *bench) idle(tb testing.TB) {
	tb.Helper()
	if b.nodes == nil {
		return
	}
	const settled, span = 5 * time.Second, 10 * time.Second
	await(tb, settled)
	before := b.brokerTime(tb)
	await(tb, span)
	used := b.brokerTime(tb) - before
	fmt.Printf("\nidle broker: %.1f ms of processor time per second\n", 1000*used.Seconds()/span.Seconds())
}

// brokerTime returns the processor time that the brokers have used so far, or 0 if the cluster is not ours.
func (b *bench) brokerTime(tb testing.TB) (used time.Duration) {
	tb.Helper()
	if b.nodes == nil {
		return 0
	}
	for _, node := range b.nodes.Nodes() {
		used += processorTime(tb, node.PID())
	}
	return used
}
