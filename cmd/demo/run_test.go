package main

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/deadletter/ledger"
)

// Without the wait, a replay that a person starts shortly before the end would have no outcome in the summary.
func TestTheEndWaitsForTheOutcomeOfEachReplay(t *testing.T) {
	t.Parallel()
	p, err := setUp(t.Context(), options{length: time.Hour, rate: 60, orders: 20, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.close()
		p.removeFiles()
	})
	box := &letterbox{next: map[string]int64{}}
	enter := func(entry string) { box.take(&kgo.Record{Topic: ledger.Topic(letters), Value: []byte(entry)}) }
	enter(`{"ev":"replay","id":"orders/2/7","n":1}`)
	if box.requeued() != 1 || box.broken != 0 {
		t.Fatalf("got %d replays without an outcome and %d broken entries, want 1 and 0", box.requeued(), box.broken)
	}
	// The shop wrote nothing, so the worker has committed everything.
	d := &demo{parts: p, shop: &shop{}, story: stage(t, time.Hour), box: box}
	d.running = start(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return nil })
	t.Cleanup(func() { _ = d.running.end() })
	finished := make(chan error, 1)
	go func() { finished <- d.finish(t.Context()) }()
	select {
	case err := <-finished:
		t.Fatalf("the demo ended with %v, want it to wait for the outcome of the replay", err)
	case <-time.After(500 * time.Millisecond): // finish polls ten times a second
	}
	enter(`{"ev":"resolved","id":"orders/2/7","n":1}`)
	select {
	case err := <-finished:
		if err != nil {
			t.Errorf("got %v, want nil", err)
		}
	case <-time.After(idleLimit / 2):
		t.Error("the demo waits although each replay has an outcome")
	}
}
