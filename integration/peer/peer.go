// Package peer runs servers that speak the wrong protocol, for tests of wrong addresses: an HTTP server instead of a
// broker, or a mail server instead of LeadHit. The program under test must identify the peer, and must not spend memory
// on its responses.
package peer

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Listen accepts connections on the address that it returns. Once bytes have arrived on a connection, the peer writes
// the value of first. If again is not empty, the peer then writes the value of again in a loop, until the other side
// closes the connection. Otherwise the peer stays silent and keeps the connection open. When the test ends, its cleanup
// closes the listener and waits for all goroutines.
func Listen(t *testing.T, first, again string) (addr string) {
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
			peers.Go(func() { answer(conn, first, again) })
		}
	})
	// Closing the listener ends the loop. Each connection ends when the program under test closes its side, so tests must
	// stop the program first. Cleanups run in reverse order.
	t.Cleanup(func() {
		_ = listener.Close()
		peers.Wait()
	})
	return listener.Addr().String()
}

// answer serves one connection until the other side closes it. A read deadline would hide a client that never closes
// the connection.
func answer(conn net.Conn, first, again string) {
	defer func() { _ = conn.Close() }() // the other side has hung up
	_, err := conn.Read(make([]byte, 4096))
	if err == nil {
		_, err = io.WriteString(conn, first)
	}
	for again != "" && err == nil {
		_, err = io.WriteString(conn, again)
	}
	_, _ = io.Copy(io.Discard, conn)
}
