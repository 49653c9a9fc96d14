package registry_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/consumer/mapping/schema"
)

// lookalike responds as a schema registry does.
type lookalike struct {
	mu      sync.Mutex
	answers map[string]answer // by path
	asked   []string          // paths with their query, in order
	logins  []string          // user:password of each request
	before  func(r *http.Request)
}

type answer struct {
	status int
	body   any
}

func (l *lookalike) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.before != nil {
		l.before(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, r.URL.RequestURI())
	user, password, _ := r.BasicAuth()
	l.logins = append(l.logins, user+":"+password)
	found, ok := l.answers[r.URL.Path]
	if !ok {
		found = answer{404, map[string]any{"error_code": 40403, "message": "Schema not found"}}
	}
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(found.status)
	if text, ok := found.body.(string); ok {
		_, _ = io.WriteString(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(found.body)
}

func (l *lookalike) set(path string, status int, body any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[path] = answer{status, body}
}

func (l *lookalike) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asked)
}

// RoundTrip responds without a network, because time in a synctest bubble does not advance during network I/O.
func (l *lookalike) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	l.ServeHTTP(recorder, r)
	if err := context.Cause(r.Context()); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

// safeText is a log that may be read while it is being written.
type safeText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *safeText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *safeText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// object returns a schema as the registry returns it.
func object(kind, text string, references ...map[string]any) map[string]any {
	o := map[string]any{"schema": text}
	if kind != "" {
		o["schemaType"] = kind
	}
	if len(references) > 0 {
		o["references"] = references
	}
	return o
}

func reference(name, subject string, version int) map[string]any {
	return map[string]any{"name": name, "subject": subject, "version": version}
}

// setupRegistry returns a lookup, the look-alike of a healthy registry that the lookup queries, and the client's log.
func setupRegistry(t *testing.T, o registry.Options) (schema.Lookup, *lookalike, *safeText) {
	t.Helper()
	fake, log := &lookalike{answers: map[string]answer{}}, new(safeText)
	fake.set("/schemas/ids/41", 200, object("", `{"type":"record","name":"O","fields":[{"name":"id","type":"long"}]}`))
	fake.set("/schemas/ids/42", 200, object("PROTOBUF", `syntax = "proto3"; message O { int64 id = 1; }`))
	fake.set("/schemas/ids/43", 200, object("JSON", `{"type":"object"}`))
	o.Logger, o.Version = slog.New(slog.NewTextHandler(log, nil)), "1.2.3"
	if o.URL == "" {
		o.URL, o.Transport = "http://registry", fake
	}
	client, err := registry.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client.Lookup, fake, log
}

// mustRead looks a schema up and reads a payload with it.
func mustRead(t *testing.T, find schema.Lookup, id int, payload, want string) {
	t.Helper()
	s, err := find(t.Context(), id)
	if err != nil {
		t.Fatalf("schema %d: %v", id, err)
	}
	if got, err := s.JSON([]byte(payload)); err != nil || string(got) != want {
		t.Errorf("schema %d: got %s, %v, want %s", id, got, err, want)
	}
}
