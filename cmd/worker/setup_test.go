package worker_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/status"
	"leadhit-sync/leadhit/sandbox"
)

const apiKey = "canary-key"

// scene is a worker with an embedded Kafka and a LeadHit look-alike.
type scene struct {
	t       *testing.T
	kafka   *kfake.Cluster
	shop    *kgo.Client
	leadhit *sandbox.Sandbox
	logs    logs
	addr    string // the worker's HTTP address, once it runs
}

// newScene sets up everything except the worker. The orders topic has two partitions. settings are alternating names
// and values.
func newScene(t *testing.T, settings ...string) *scene {
	t.Helper()
	s := &scene{t: t, leadhit: sandbox.New(sandbox.Options{Key: apiKey})}
	var err error
	if s.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	server := httptest.NewServer(s.leadhit)
	t.Cleanup(server.Close)
	s.shop, err = kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.shop.Close)
	for _, v := range config.Variables() {
		t.Setenv(v.Name, v.Default)
	}
	for pairs := append([]string{
		"KAFKA_BROKERS", strings.Join(s.kafka.ListenAddrs(), ","), "KAFKA_TOPICS", "orders",
		"LEADHIT_URL", server.URL + "/api/v1/orders/", "LEADHIT_API_KEY", apiKey, "HTTP_ADDR", "127.0.0.1:0",
		"RETRY_INITIAL", "20ms", "RETRY_MAX", "20ms",
	}, settings...); len(pairs) > 0; pairs = pairs[2:] {
		t.Setenv(pairs[0], pairs[1])
	}
	return s
}

// produce writes one event.
func (s *scene) produce(partition int32, value string) {
	s.t.Helper()
	r := &kgo.Record{Topic: "orders", Partition: partition, Value: []byte(value)}
	if err := s.shop.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// produceKeyed writes an event with a key to the first partition.
func (s *scene) produceKeyed(key, value string) {
	s.t.Helper()
	r := &kgo.Record{Topic: "orders", Key: []byte(key), Value: []byte(value)}
	if err := s.shop.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// open opens a worker. The caller must close it.
func (s *scene) open() *worker.Worker {
	s.t.Helper()
	settings, err := config.Load()
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := worker.Open(settings, "1.2.3", slog.New(slog.NewTextHandler(&s.logs, nil)))
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// run runs a worker until the test ends.
func (s *scene) run() {
	s.t.Helper()
	w := s.open()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: got %v, want no error", err)
		}
		w.Close()
	})
	s.until("the worker listens", func() bool {
		_, rest, listening := strings.Cut(s.logs.String(), "msg=listening addr=")
		s.addr, _, _ = strings.Cut(rest, "\n")
		return listening
	})
}

// page requests a page from the worker.
func (s *scene) page(path string) (code int, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// status requests the worker's status.
func (s *scene) status() (said status.Worker) {
	s.t.Helper()
	_, page := s.page("/status")
	if err := json.Unmarshal([]byte(page), &said); err != nil {
		s.t.Fatal(err)
	}
	return said
}

// metadataRequests starts to count the metadata requests for the payments topic, and returns a function that returns
// the count.
func metadataRequests(s *scene) func() int64 {
	var n atomic.Int64
	s.kafka.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		if m, ok := r.(*kmsg.MetadataRequest); ok && slices.ContainsFunc(m.Topics, func(t kmsg.MetadataRequestTopic) bool {
			return t.Topic != nil && *t.Topic == "payments"
		}) {
			n.Add(1)
		}
		return nil, nil, false
	})
	return n.Load
}

// shows waits until a page contains the given text, and returns the page.
func (s *scene) shows(path, text string) string {
	s.t.Helper()
	page := ""
	s.until(path+" says "+text, func() bool {
		_, page = s.page(path)
		return strings.Contains(page, text)
	})
	return page
}

// until waits until a condition holds.
func (s *scene) until(what string, is func() bool) {
	s.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(2 * time.Minute)
	for !is() {
		select {
		case <-ticker.C:
		case <-late:
			s.t.Fatalf("%s: not within two minutes; the log:\n%s", what, s.logs.String())
		}
	}
}

// logs keeps the worker's log lines.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
