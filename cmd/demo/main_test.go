package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"leadhit-sync/config"
)

func TestParse(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	o, err := parse([]string{"-for", "45s", "-events-per-second", "90", "-orders", "50", "-seed", "9", "-v", "-plain"}, &out)
	want := options{length: 45 * time.Second, rate: 90, orders: 50, seed: 9, plain: true, verbose: true}
	if o != want || err != nil {
		t.Errorf("got %+v and %v, want %+v", o, err, want)
	}
	o, err = parse(nil, &out)
	if o.length != 0 || o.rate != 60 || o.orders != 200 || o.seed == 0 || err != nil {
		t.Errorf("got %+v and %v, want no limit, 60, 200 and a seed that was drawn", o, err)
	}
	if _, err = parse([]string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "-events-per-second") {
		t.Errorf("got %v and %q, want the help", err, out.String())
	}
}

func TestParseRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"-for 9s", "-for -1m", "-orders 0", "-events-per-second 0", "-events-per-second 601", "-orders 10000 -events-per-second 2001",
		"30s", "-for ever", "-brokers kafka:9092",
	} {
		if _, err := parse(strings.Fields(args), &strings.Builder{}); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: got %v, want an error", args, err)
		}
	}
}

// TestTheDemo plays a short story with everything that the demo has, in an environment that is set for another worker.
func TestTheDemo(t *testing.T) { //nolint:paralleltest // the environment belongs to the process
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "nonsense")
	}
	var out strings.Builder
	v, err := run(t.Context(), options{length: 4 * time.Second, rate: 60, orders: 60, seed: 5}, &plain{out: &out}, &out)
	if code := exitCode(v, err); code != 0 {
		t.Fatalf("got exit code %d, %v and\n%s", code, err, out.String())
	}
	for _, want := range []string{
		"story: LeadHit refuses our key (403)", "story: the worker stops as on SIGTERM", "✓ lost 0 · out of order 0",
		"/readyz", "committed = log end in 6 of 6 partitions",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "demo-key-") {
		t.Errorf("got a key in\n%s", out.String())
	}
	if v.written == 0 || v.refused == 0 {
		t.Errorf("got %d events and %d refused, want some of both", v.written, v.refused)
	}
}

func TestAnEndBeforeTheBeginning(t *testing.T) { //nolint:paralleltest // the environment belongs to the process
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "")
		if err := os.Unsetenv(v.Name); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	v, err := run(ctx, options{rate: 60, orders: 60, seed: 5}, &plain{out: &out}, &out)
	if code := exitCode(v, err); code != exitInterrupted {
		t.Errorf("got exit code %d, %v and\n%s\nwant %d", code, err, out.String(), exitInterrupted)
	}
}
