package worker_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/consumer/mapping/registry"
)

// floods are answers without an end. Each piece comes again and again.
var floods = map[string]struct{ first, again string }{ //nolint:gochecknoglobals // never changed
	"one header":       {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 64<<10)},
	"many headers":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Name: value\r\n", 4<<10)},
	"many early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 1<<10)},
	"a body":           {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", strings.Repeat(" ", 64<<10)},
}

// flood answers each connection with first, and then with again until the other side hangs up.
func flood(t *testing.T, first, again string) (url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			peers.Go(func() {
				defer conn.Close() //nolint:errcheck // the other side has hung up
				_, err := conn.Read(make([]byte, 4096))
				if err == nil {
					_, err = io.WriteString(conn, first)
				}
				for err == nil {
					_, err = io.WriteString(conn, again)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		peers.Wait()
	})
	return "http://" + listener.Addr().String()
}

// costs runs something and fails if it allocates more than this.
func costs(t *testing.T, most uint64, something func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	something()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("got %d KB allocated, want %d at most", took>>10, most>>10)
	}
}

func TestARegistryWithoutEndCostsNoMemory(t *testing.T) {
	for name, sends := range floods {
		t.Run(name, func(t *testing.T) {
			client, err := registry.Open(registry.Options{
				URL: flood(t, sends.first, sends.again), Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			most := uint64(16 << 20)
			if name == "a body" {
				most = 64 << 20 // 8 MiB are read, and the buffer grows to them
			}
			costs(t, most, func() {
				if _, err := client.Lookup(t.Context(), 1); err == nil {
					t.Error("got a schema, want an error")
				}
			})
		})
	}
}

func TestACollectorWithoutEndCostsNoMemory(t *testing.T) {
	for name, sends := range floods {
		t.Run(name, func(t *testing.T) {
			upload, err := worker.OpenCollector(flood(t, sends.first, sends.again), config.Traces{Limit: "10000"}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			costs(t, 16<<20, func() { upload(context.WithoutCancel(t.Context())) })
		})
	}
}
