package main

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestAPageWithoutEndCostsNoMemory(t *testing.T) {
	for name, sends := range map[string]struct{ first, again string }{
		"one header":       {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 64<<10)},
		"many headers":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Name: value\r\n", 4<<10)},
		"many early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 1<<10)},
		"a body of probes": {"HTTP/1.1 503 Service Unavailable\r\n\r\n", strings.Repeat("x", 64<<10)},
	} {
		for _, line := range [][]string{{"probe"}, {"status"}} {
			t.Run(line[0]+", "+name, func(t *testing.T) {
				page := flood(t, sends.first, sends.again) + "/status"
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				got := command(t, "", append(line, page)...)
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; got.code == 0 || took > 16<<20 {
					t.Errorf("got exit code %d, %d KB allocated, want an error and hardly any", got.code, took>>10)
				}
			})
		}
	}
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
