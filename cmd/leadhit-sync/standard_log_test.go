package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that is read while it is being written.
type lines struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.text.Write(b)
	select {
	case l.written <- struct{}{}:
	default:
	}
	return n, err
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestLinesOfLibrariesBecomeLinesOfTheLog changes the process's standard logger, so it runs alone.
func TestLinesOfLibrariesBecomeLinesOfTheLog(t *testing.T) {
	out := &lines{written: make(chan struct{}, 1)}
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	takeStrayLines(slog.New(handler(out, "json", nil)))

	unasked(t)
	select {
	case <-out.written:
	case <-time.After(time.Minute):
	}
	record := slog.NewRecord(time.Now(), slog.LevelInfo, "http: panic serving \"canary\"\u202e\n"+
		strings.Repeat("x", 4096), 0)
	if err := slog.Default().Handler().Handle(t.Context(), record); err != nil {
		t.Fatal(err)
	}

	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != 2 {
		t.Fatalf("got %d lines, want 2:\n%s", len(got), out)
	}
	for i, want := range []string{"Unsolicited response received on idle HTTP channel", "http: panic serving"} {
		var line struct{ Level, Msg, Text string }
		if err := json.Unmarshal([]byte(got[i]), &line); err != nil {
			t.Fatalf("%s: %v", got[i], err)
		}
		if line.Level != "WARN" || line.Msg != "a library wrote to the standard log" || !strings.HasPrefix(line.Text, want) {
			t.Errorf("got %+v, want a warning with %q", line, want)
		}
		if strings.Contains(got[i], "canary") || strings.Contains(got[i], "\u202e") || len(line.Text) > maxStray+len("…") {
			t.Errorf("got %s, want nothing of what was sent, and no more than %d bytes", got[i], maxStray)
		}
	}
}

// unasked makes a request to a server that sends a second response after the client has read the first.
func unasked(t *testing.T) {
	t.Helper()
	client, server := net.Pipe()
	answered := make(chan struct{})
	var peer sync.WaitGroup
	peer.Go(func() {
		_, _ = server.Read(make([]byte, 4096))
		_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-answered
		_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nX: canary\r\n\r\n")
	})
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return client,
			nil
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://leadhit.example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	close(answered)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		peer.Wait()
	})
}
