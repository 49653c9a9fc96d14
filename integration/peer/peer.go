// Package peer is for tests: a peer that is not what the program expects at an address.
package peer

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Listen accepts connections on the address that it returns. Once a connection has sent something, the peer sends
// first, then repeats again until the other side hangs up; an empty again is sent once, and the connection stays open.
// It ends with the test.
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
	t.Cleanup(func() {
		_ = listener.Close()
		peers.Wait()
	})
	return listener.Addr().String()
}

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
