package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/status"
)

func TestTheRateIsMeasured(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	w := watch{at: begun}
	for _, look := range []struct {
		at    time.Duration
		calls int
	}{
		{125 * time.Millisecond, 5},
		{500 * time.Millisecond, 30},
		{700 * time.Millisecond, 35},
		{1000 * time.Millisecond, 30}, // no call since the last bucket
		{3000 * time.Millisecond, 130},
	} {
		w.measure(begun.Add(look.at), look.calls)
	}
	if want := []float64{60, 0, 50}; !slices.Equal(w.rates, want) {
		t.Errorf("got %v calls per second, want %v", w.rates, want)
	}
	for i := range 2 * keptRates {
		w.measure(begun.Add(time.Duration(10+i)*time.Second), 130)
	}
	if len(w.rates) != keptRates {
		t.Errorf("got %d rates, want %d: a demo may run for hours", len(w.rates), keptRates)
	}
}

func TestTheEndOfAPauseIsInTheStory(t *testing.T) {
	t.Parallel()
	w := watch{demo: &demo{story: &story{}}}
	for _, s := range []struct {
		state  string
		paused bool
		since  time.Duration
	}{
		{"running", false, time.Second},
		{"unauthorised", true, 200 * time.Millisecond},
		{"unauthorised", true, 2300 * time.Millisecond},
		{"running", false, 0},
		{"by hand", true, 4 * time.Second},
		{"running", false, 0},
		{"draining", false, 0},
	} {
		w.notice(status.Worker{State: s.state, Paused: s.paused}, s.since)
	}
	var told []string
	for _, beat := range w.story.beats() {
		told = append(told, beat.text)
	}
	want := []string{
		"the worker found the new key: calls resumed after 2.3 s",
		"the pause ended: calls resumed after 4.0 s",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
}

func TestAWorkerThatDoesNotStopIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := start(t.Context(), func(context.Context) error { <-release; return nil })
		begun := time.Now()
		if err := r.end(); err == nil || time.Since(begun) != stopLimit {
			t.Errorf("got %v after %v, want an error after %v", err, time.Since(begun), stopLimit)
		}
		close(release)
		<-r.done
	})
}

func TestTheErrorOfAWorkerIsReturned(t *testing.T) {
	t.Parallel()
	want := errors.New("port in use")
	r := start(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return want })
	if err := r.end(); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
