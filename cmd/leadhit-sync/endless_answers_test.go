package main

import (
	"runtime"
	"strings"
	"testing"

	"leadhit-sync/integration/peer"
)

func TestAnEndlessResponseCostsNoMemory(t *testing.T) {
	for name, sends := range map[string]struct{ first, again string }{
		"one header":       {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 64<<10)},
		"many headers":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Name: value\r\n", 4<<10)},
		"many early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 1<<10)},
		"a body of probes": {"HTTP/1.1 503 Service Unavailable\r\n\r\n", strings.Repeat("x", 64<<10)},
	} {
		for _, line := range [][]string{{"probe"}, {"status"}} {
			t.Run(line[0]+", "+name, func(t *testing.T) {
				page := "http://" + peer.Listen(t, sends.first, sends.again) + "/status"
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
