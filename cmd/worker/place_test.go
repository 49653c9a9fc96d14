package worker_test

import (
	"errors"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"testing"
	"time"

	"leadhit-sync/cmd/worker"
)

func TestAPlaceIsAnAddressOfThisNetwork(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux names its networks")
	}
	legal := regexp.MustCompile(`^leadhit-sync-[a-zA-Z0-9._-]+-[0-9]+-[0-9a-f]{16}$`)
	seen := map[string]string{}
	for _, addr := range []string{":8080", ":8081", ":80", "127.0.0.1:8080", "127.0.0.2:8080", "0.0.0.0:8080", "[::1]:8080"} {
		place := worker.PlaceOf(addr)
		if !legal.MatchString(place) || place != worker.PlaceOf(addr) {
			t.Errorf("%s: got place %q, want one of letters and digits, each time the same", addr, place)
		}
		if other, is := seen[place]; is {
			t.Errorf("got one place for %s and %s: both may have a worker", addr, other)
		}
		seen[place] = addr
	}
}

func TestAnAddressThatMayBeElsewhereTheNextTimeIsNoPlace(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "127.0.0.1:0", ":00", "localhost:8080", "worker.shop.svc:8080", ":", "8080", ""} {
		if place := worker.PlaceOf(addr); place != "" {
			t.Errorf("%q: got place %q, want none", addr, place)
		}
	}
}

// A worker that is draining, or can no longer serve its pages, still calls LeadHit.
func TestAnAddressIsHeldAfterTheServerHasEnded(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	inner, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := inner.Addr().String()
	server := &http.Server{ReadHeaderTimeout: time.Minute}
	served := make(chan error)
	go func() { served <- server.Serve(worker.Held(inner)) }()
	for server.Shutdown(t.Context()) == nil { // Shutdown may be called before Serve has started
		select {
		case err = <-served:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	if !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("got %v, want the end that Shutdown asked for", err)
	}
	if second, err := listen.Listen(t.Context(), "tcp", addr); err == nil {
		_ = second.Close()
		t.Error("the address was free when the server had ended, want it held until the worker has ended")
	}
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := listen.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatalf("got %v after the worker's end, want a free address", err)
	}
	_ = second.Close()
}
