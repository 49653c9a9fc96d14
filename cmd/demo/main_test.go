package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/config"
	"leadhit-sync/deadletter/ledger"
)

func TestParse(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	o, err := parse([]string{
		"-for", "45s", "-events-per-second", "90", "-orders", "50", "-seed", "9", "-v", "-plain",
		"-kafka-port", "9092", "-leadhit-port", "8081", "-http-port", "8080",
	}, &out)
	want := options{
		length: 45 * time.Second, rate: 90, orders: 50, seed: 9, plain: true, verbose: true, kafkaPort: 9092,
		leadhitPort: 8081, httpPort: 8080,
	}
	if o != want || err != nil {
		t.Errorf("got %+v and %v, want %+v", o, err, want)
	}
	o, err = parse(nil, &out)
	if o.length != 0 || o.rate != 60 || o.orders != 200 || o.seed == 0 || err != nil {
		t.Errorf("got %+v and %v, want no limit, 60, 200 and a seed that was drawn", o, err)
	}
	if _, err = parse([]string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) ||
		!strings.Contains(out.String(), "-events-per-second") {
		t.Errorf("got %v and %q, want the help", err, out.String())
	}
}

func TestParseRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"-for 9s", "-for -1m", "-orders 0", "-events-per-second 0", "-events-per-second 601",
		"-orders 10000 -events-per-second 2001",
		"30s", "-for ever", "-brokers kafka:9092", "-kafka-port 65536", "-http-port -1",
	} {
		if _, err := parse(strings.Fields(args), &strings.Builder{}); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: got %v, want an error", args, err)
		}
	}
}

// TestTheDemo plays a short story with all parts of the demo. The demo must ignore the worker's settings in the
// environment, which are nonsense.
func TestTheDemo(t *testing.T) {
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "nonsense")
	}
	var out strings.Builder
	var v verdict
	// On a busy machine LeadHit may start to accept the new status before it has refused an event with that status. In
	// that case, there is no letter to replay. A longer story leaves more time.
	for length := 4 * time.Second; v.replays["resolved"] == 0 && length < time.Minute; length *= 2 {
		out.Reset()
		var err error
		v, err = run(t.Context(), options{length: length, rate: 200, orders: 150, seed: 5}, &plain{out: &out}, &out)
		if code := exitCode(v, err); code != 0 {
			t.Fatalf("got exit code %d, %v and\n%s", code, err, out.String())
		}
	}
	for _, want := range []string{
		"story: LeadHit rejects our key (403)", "story: the worker stops: it commits", "✓ lost 0 · out of order 0",
		"story: alice replays", " resolved", "desk at http://127.0.0.1:", "/readyz", "committed = log end in 6 of 6 partitions",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "demo-key-") {
		t.Errorf("got a key in\n%s", out.String())
	}
	if v.written == 0 || v.refused == 0 || v.replays["resolved"] == 0 {
		t.Errorf("got %d events, %d refused and %v of replays, want events, refusals and resolved letters", v.written, v.refused,
			v.replays)
	}
}

// introduced collects the demo's output. It closes begun once the output has explained how to use the commands.
type introduced struct {
	mu    sync.Mutex
	text  strings.Builder
	begun chan struct{}
}

func (i *introduced) Write(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if strings.Contains(string(p), "letters list") {
		close(i.begun)
	}
	return i.text.Write(p)
}

func (i *introduced) String() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.text.String()
}

// With the settings that the demo prints, commands reach all parts of the demo, at the ports that the flags set. A
// manual pause that is still in force when the shop closes delays the end of the demo until calls are resumed.
func TestTheRunningDemoCanBeReachedAndPaused(t *testing.T) {
	for _, v := range config.Variables() {
		t.Setenv(v.Name, "")
	}
	out := &introduced{begun: make(chan struct{})}
	o := options{
		length: 3 * time.Second, rate: 20, orders: 60, seed: 5, kafkaPort: freePort(t), leadhitPort: freePort(t),
		httpPort: freePort(t),
	}
	var v verdict
	ended := start(t.Context(), func(ctx context.Context) (err error) {
		v, err = run(ctx, o, &plain{out: out}, out)
		return err
	})
	select {
	case <-out.begun:
	case <-ended.done:
		t.Fatalf("got %v and\n%s", ended.err, out)
	}
	for _, want := range []string{
		fmt.Sprintf("export KAFKA_BROKERS=127.0.0.1:%d KAFKA_TOPICS=orders ", o.kafkaPort),
		fmt.Sprintf("export HTTP_ADDR=127.0.0.1:%d LEADHIT_URL=http://127.0.0.1:%d/api/v1/orders/\n", o.httpPort,
			o.leadhitPort),
		"export LEADHIT_API_KEY_FILE=/",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", out, want)
		}
	}
	_, folder, _ := strings.Cut(out.String(), "export LEADHIT_API_KEY_FILE=")
	folder, _, _ = strings.Cut(folder, "/api-key\n")
	if exports, err := os.ReadFile(filepath.Join(folder, "exports")); err != nil ||
		!strings.Contains(out.String(), string(exports)) || len(exports) == 0 {
		t.Errorf("got %q, %v in the file of exports, want the lines that are printed", exports, err)
	}
	c := client(t, []string{fmt.Sprintf("127.0.0.1:%d", o.kafkaPort)})
	guard := func(event ledger.Event) {
		says := ledger.Entry{Event: event, At: time.Now(), By: "me", Via: "cli", Reason: "a try"}
		key, value, err := says.Record()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.ProduceSync(t.Context(), &kgo.Record{
			Topic: ledger.Topic(letters), Key: key,
			Value: value,
		}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	guard(ledger.GuardPause)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for late := time.After(time.Minute); !strings.Contains(out.String(), "leadhit-sync resume lets it finish"); {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("got\n%s\nwant a line about the pause", out)
		}
	}
	guard(ledger.GuardResume)
	<-ended.done
	if code := exitCode(v, ended.err); code != 0 {
		t.Fatalf("got exit code %d, %v and\n%s", code, ended.err, out)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestAnEndDuringStartup(t *testing.T) {
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
