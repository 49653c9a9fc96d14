package integration_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// ours is a balancer with the workers' protocol name. With that name, a client can join their group.
type ours struct{ kafka.RangeGroupBalancer }

func (ours) ProtocolName() string { return "leadhit-sync" }

// testForeign: another program that uses the group id by mistake takes no event away from the workers, and a worker
// that detects the program reports it.
func (s *suite) testForeign(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("other programs' clients use the workers' group id", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 9, sandbox.Faults{})
		w := r.newWorker(t)
		w.start(t)
		w.ready(t)
		ends := map[string]func() string{"franz-go": r.franz(t)}
		if speaksToJava() {
			ends["Java"] = r.foreign(t).end
			ends["Java, group.protocol=consumer"] = r.foreign(t, "group.protocol=consumer").end
		}
		for name, wait := range ends {
			if got := wait(); !strings.Contains(got, "got 0 events, then") || strings.Contains(got, "assigned") {
				t.Errorf("%s: got %q, want it refused", name, got)
			}
		}
		r.writeSome(t, shop.NewOrders("order", 100, 31), 450)
		r.finish(t, time.Minute)
		w.stop(t)
		if report := r.audit(t); report.Repeats > 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
	if !speaksToJava() {
		return
	}
	for name, protocol := range map[string]string{"a Java client": "classic", "a Java client of the protocol consumer": "consumer"} {
		t.Run(name+" occupies the group", func(t *testing.T) {
			t.Parallel()
			s.testHeld(t, brokers, protocol)
		})
	}
}

// testHeld: a worker reports that another program's client keeps it out of its group, and joins when the client has
// left.
func (s *suite) testHeld(t *testing.T, brokers []string, protocol string) {
	t.Helper()
	r := s.newRun(t, brokers, 3, sandbox.Faults{})
	foreign := r.foreign(t, "group.protocol="+protocol)
	foreign.says(t, "assigned")
	w := r.newWorker(t)
	w.start(t)
	eventually(t, time.Minute, "the reason in /readyz", func() string {
		status, body := w.page(t, "/readyz")
		return unless(status == http.StatusServiceUnavailable &&
			strings.HasPrefix(body, "joining: other consumers occupy the group "+r.group), "%d %s", status, body)
	})
	w.awaitLine(t, time.Second, "other consumers occupy the group "+r.group)
	r.writeSome(t, shop.NewOrders("order", 30, 32), 100)
	t.Log(foreign.end())
	r.finish(t, time.Minute)
	if got := w.lines("other consumers occupy the group"); got != 1 {
		t.Errorf("got %d lines about the other client, want one", got)
	}
	w.stop(t)
}

// speaksToJava reports whether the brokers have the same release as the Java client. The 4.4 client cannot use brokers
// before 2.1, and brokers before 4.0 do not know the "consumer" protocol.
func speaksToJava() bool { return cmp.Or(os.Getenv("KAFKA_VERSION"), apache.Version) == apache.Version }

// ready waits until the worker has joined the group.
func (w *worker) ready(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, "a worker in the group", func() string {
		status, body := w.page(t, "/readyz")
		return unless(status == http.StatusOK, "%d %s", status, body)
	})
}

// javaClient is a Java program that consumes as a member of the run's group.
type javaClient struct {
	stdin io.Closer // the client consumes until this is closed
	done  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

func (s *javaClient) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *javaClient) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// foreign starts a Java client. If the client is still running when the test ends, it is killed.
func (r *run) foreign(t *testing.T, settings ...string) *javaClient {
	t.Helper()
	arguments := append([]string{"testdata/Foreign.java", strings.Join(r.broker.addrs, ","), r.group, r.topic}, settings...)
	cmd, err := apache.Java(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &javaClient{stdin: stdin, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s, s
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = cmd.Wait() // its output shows how it ended
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-s.done
	})
	return s
}

// says waits until the client has printed the text.
func (s *javaClient) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, 2*time.Minute, "another program's client that says "+text, func() string {
		return unless(strings.Contains(s.String(), text), "it printed: %s", s)
	})
}

// end waits until the client has joined the group or has ended by itself. It stops a client that has joined, and
// returns what the client printed.
func (s *javaClient) end() string {
	for ticker := time.Tick(100 * time.Millisecond); !strings.Contains(s.String(), "assigned"); {
		select {
		case <-s.done:
			return s.String()
		case <-ticker:
		}
	}
	_ = s.stdin.Close()
	<-s.done
	return s.String()
}

// franz starts a franz-go client that tries to join with the range protocol. The returned function waits for the
// outcome.
func (r *run) franz(t *testing.T) func() string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.ConsumerGroup(r.group), kgo.ConsumeTopics(r.topic),
		kgo.Balancers(kgo.RangeBalancer()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		fetches := client.PollFetches(ctx)
		return fmt.Sprintf("got %d events, then %v", fetches.NumRecords(), fetches.Err())
	}
}
