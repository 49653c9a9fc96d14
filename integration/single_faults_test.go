package integration_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
)

// testSingleFaults runs the tests of single faults that affect a worker: too little memory, outages, members that join
// and leave, crashes, poison, lost offsets and an unsuitable dead-letter topic. Environment variables set the numbers,
// as doc.go describes. The defaults suit `make test`.
func (s *suite) testSingleFaults(t *testing.T, brokers []string) {
	t.Helper()
	s.testMemory(t, brokers)
	s.testOutages(t, brokers)
	s.testMembers(t, brokers)
	s.testDumps(t, brokers)
	s.testPoison(t, brokers)
	s.testLostGround(t, brokers)
	s.testLettersTopic(t, brokers)
}

// seconds reads a duration, in seconds, from the tests' environment.
func seconds(tb testing.TB, name string, otherwise int) time.Duration {
	tb.Helper()
	return time.Duration(number(tb, name, otherwise)) * time.Second
}

// trickle writes perSecond events a second, one at a time, until the returned function is called. That function adds
// the events to the evidence, and returns the time at which each event was sent to Kafka, by the event's value. The
// stream method writes in bursts instead, at least 50 events a second.
func (r *run) trickle(tb testing.TB, perSecond int, next func() audit.Event) (stop func() map[string]time.Time) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	var (
		done    sync.WaitGroup
		written []audit.Event
		at      = make(map[string]time.Time)
		failed  error
	)
	done.Go(func() {
		ticker := time.NewTicker(time.Second / time.Duration(perSecond))
		defer ticker.Stop()
		for ctx.Err() == nil && failed == nil {
			event := next()
			at[string(event.Value)] = time.Now()
			var one []audit.Event
			one, failed = r.shop.Write(context.WithoutCancel(ctx), r.topic, []audit.Event{event})
			written = append(written, one...)
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	})
	tb.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return func() map[string]time.Time {
		tb.Helper()
		cancel()
		done.Wait()
		if failed != nil {
			tb.Fatal(failed)
		}
		r.events = append(r.events, written...)
		written = nil
		return at
	}
}

// linger waits for the given time.
func linger(tb testing.TB, length time.Duration) {
	tb.Helper()
	select {
	case <-time.After(length):
	case <-tb.Context().Done():
		tb.Fatal(tb.Context().Err())
	}
}

// awaitLine waits until a line in the worker's log contains the given text.
func (w *worker) awaitLine(tb testing.TB, limit time.Duration, text string) {
	tb.Helper()
	eventually(tb, limit, "a line of the log with "+strconv.Quote(text), func() string {
		if w.lines(text) == 0 {
			return "there is none"
		}
		return ""
	})
}

// lines counts the occurrences of the given text in the worker's log.
func (w *worker) lines(text string) int {
	return strings.Count(w.Stdout()+w.Stderr(), text)
}

// metric returns the value of one of the worker's metrics, or 0 if it is absent. The name includes the labels.
func (w *worker) metric(tb testing.TB, name string) float64 {
	tb.Helper()
	_, page := w.page(tb, "/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(page)
	if found == nil {
		return 0
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		tb.Fatalf("metric %s: %v", name, err)
	}
	return value
}

// unless returns "" if holds is true. Otherwise it returns the formatted text, as a reason for [eventually].
func unless(holds bool, format string, about ...any) string {
	if holds {
		return ""
	}
	return fmt.Sprintf(format, about...)
}
