// Command bare has two parts for the benchmark of the worker. "bare leadhit" is the LeadHit look-alike. "bare loop"
// makes the same calls with net/http alone, without Kafka, ordering or retries. The benchmark compares the worker with
// that loop. The difference is the price of the worker's guarantees.
//
// Each part runs in its own process, because the benchmark reads CPU time per process.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"leadhit-sync/leadhit/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

// run runs the part that the first argument names.
func run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	latency := flags.Duration("latency", 20*time.Millisecond, "leadhit: delay of each response")
	url := flags.String("url", "", "loop: URL of the calls")
	key := flags.String("key", "", "loop: API key")
	calls := flags.Int("calls", 10000, "loop: number of calls")
	inFlight := flags.Int("in-flight", 64, "loop: calls in flight")
	if len(arguments) == 0 {
		return errors.New("missing part: leadhit or loop")
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	switch arguments[0] {
	case "leadhit":
		return serve(ctx, *latency)
	case "loop":
		return loop{url: *url, key: *key, calls: *calls, inFlight: *inFlight}.run(ctx)
	}
	return fmt.Errorf("unknown part %q", arguments[0])
}

// pace is the look-alike's measurement of one run.
type pace struct {
	Calls int `json:"calls"`
	// PerSecond is the rate of the middle 90 % of the calls. The first calls open connections, and few orders are left
	// for the last calls, so both ends are slower than the steady state.
	PerSecond float64 `json:"per_second"`
}

func paceOf(calls []sandbox.Call) pace {
	if len(calls) < 20 {
		return pace{Calls: len(calls)}
	}
	// Calls are in order of arrival, so these indexes also mark the ends of the interval.
	first, last := len(calls)/20, len(calls)-len(calls)/20-1
	took := calls[last].Arrived.Sub(calls[first].Arrived)
	return pace{Calls: len(calls), PerSecond: float64(last-first) / took.Seconds()}
}

// serve runs the look-alike until ctx is done. GET /count returns the number of calls so far, GET /pace returns their
// rate, and DELETE / resets both. The "listening" log line has the address, like a worker's, so that program.Get finds
// it.
func serve(ctx context.Context, latency time.Duration) error {
	leadhit := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: latency}})
	mux := http.NewServeMux()
	mux.Handle("POST /", leadhit)
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, leadhit.Count()) })
	mux.HandleFunc("GET /pace", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(paceOf(leadhit.Calls())) // fails only if the client has disconnected
	})
	mux.HandleFunc("DELETE /", func(http.ResponseWriter, *http.Request) { leadhit.Reset() })
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	// Close, not Shutdown, because no one waits for the responses to calls in flight at the end of the benchmark.
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).InfoContext(ctx, "listening", "addr", listener.Addr().String())
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
