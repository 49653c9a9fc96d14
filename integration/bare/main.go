// Command bare holds the two other parts of the bench, each a process of its own so that its processor time is counted
// apart: a LeadHit look-alike (bare leadhit), and the worker's opponent, a loop of nothing but net/http (bare loop).
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

// run takes the part that the first argument names.
func run(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	latency := flags.Duration("latency", 20*time.Millisecond, "leadhit: before each answer")
	url := flags.String("url", "", "loop: where to post to")
	key := flags.String("key", "", "loop: the API key")
	calls := flags.Int("calls", 10000, "loop: how many")
	inFlight := flags.Int("in-flight", 64, "loop: how many at once")
	if len(arguments) == 0 {
		return errors.New("which part: leadhit or loop")
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

// pace is what the look-alike saw of one run.
type pace struct {
	Calls int `json:"calls"`
	// PerSecond is the rate of the middle nine tenths: the first calls open connections, the last find few orders left.
	PerSecond float64 `json:"per_second"`
}

func paceOf(calls []sandbox.Call) pace {
	if len(calls) < 20 {
		return pace{Calls: len(calls)}
	}
	first, last := len(calls)/20, len(calls)-len(calls)/20-1
	took := calls[last].Arrived.Sub(calls[first].Arrived)
	return pace{Calls: len(calls), PerSecond: float64(last-first) / took.Seconds()}
}

// serve runs the look-alike until ctx ends. GET /count counts the calls so far, GET /pace judges them, DELETE / forgets
// them.
func serve(ctx context.Context, latency time.Duration) error {
	leadhit := sandbox.New(sandbox.Options{Faults: sandbox.Faults{Latency: latency}})
	mux := http.NewServeMux()
	mux.Handle("POST /", leadhit)
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, leadhit.Count()) })
	mux.HandleFunc("GET /pace", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(paceOf(leadhit.Calls())) // who asked has gone
	})
	mux.HandleFunc("DELETE /", func(http.ResponseWriter, *http.Request) { leadhit.Reset() })
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).InfoContext(ctx, "listening", "addr", listener.Addr().String())
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
