package ports_test

import (
	"net"
	"runtime"
	"slices"
	"testing"

	"leadhit-sync/integration/ports"
)

func TestAReservedPortServesItsOwnerAgainAndAgain(t *testing.T) {
	t.Parallel()
	reserved := reserve(t, 1)
	for range 3 {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", reserved.Address(0))
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan error, 1)
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				err = conn.Close()
			}
			accepted <- err
		}()
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", reserved.Address(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := <-accepted; err != nil {
			t.Error(err)
		}
		_ = conn.Close()
		_ = listener.Close()
	}
}

// TestNoPortIsReservedTwice reserves so many ports that some would be reserved twice if that were possible.
func TestNoPortIsReservedTwice(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux reserves ports")
	}
	var numbers []int
	for range 40 {
		numbers = append(numbers, reserve(t, 20).Numbers...)
	}
	slices.Sort(numbers)
	if got := len(slices.Compact(slices.Clone(numbers))); got != len(numbers) {
		t.Errorf("got %d ports, %d of them different", len(numbers), got)
	}
}

// A second Close must not close a file that has since been opened with the same descriptor number.
func TestPortsMayBeClosedTwice(t *testing.T) {
	t.Parallel()
	reserved := reserve(t, 1)
	for range 2 {
		if err := reserved.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func reserve(t *testing.T, count int) *ports.Reserved {
	t.Helper()
	reserved, err := ports.Reserve(count)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reserved.Close() })
	if len(reserved.Numbers) != count {
		t.Fatalf("got %d ports, want %d", len(reserved.Numbers), count)
	}
	return reserved
}
