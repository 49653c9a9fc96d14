package observe_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"leadhit-sync/cmd/worker/observe"
	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/integration/peer"
)

// floods are responses that never end: the "first" text once, and then the "again" text over and over.
var floods = map[string]struct{ first, again string }{
	"one header":       {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 64<<10)},
	"many headers":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Name: value\r\n", 4<<10)},
	"many early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 1<<10)},
	"a body":           {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", strings.Repeat(" ", 64<<10)},
}

// costs runs a function, and fails the test if the function allocates more bytes than the limit.
func costs(t *testing.T, most uint64, something func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	something()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("got %d KB allocated, want at most %d", took>>10, most>>10)
	}
}

func TestARegistryWithoutEndCostsNoMemory(t *testing.T) {
	for name, sends := range floods {
		t.Run(name, func(t *testing.T) {
			client, err := registry.Open(registry.Options{
				URL: "http://" + peer.Listen(t, sends.first, sends.again), Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			most := uint64(16 << 20)
			if name == "a body" {
				most = 64 << 20 // 8 MiB are read, and the buffer grows to that size
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
			address := "http://" + peer.Listen(t, sends.first, sends.again)
			upload, err := observe.OpenCollector(address, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			costs(t, 16<<20, func() { upload(context.WithoutCancel(t.Context())) })
		})
	}
}
