package integration_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// cable is a listener with a fixed address. Each new connection is served by whatever the cable is plugged into at that
// time.
type cable struct {
	listener net.Listener

	mu    sync.Mutex
	serve func(net.Conn)
	open  map[net.Conn]bool
}

// newCable returns a cable that is not plugged in: each connection is closed at once.
func newCable(t *testing.T) *cable {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(here, "0"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, serve: func(net.Conn) {}, open: make(map[net.Conn]bool)}
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() { c.handle(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		handlers.Wait()
	})
	return c
}

func (c *cable) addr() string { return c.listener.Addr().String() }

func (c *cable) handle(conn net.Conn) {
	c.mu.Lock()
	serve := c.serve
	c.open[conn] = true
	c.mu.Unlock()
	serve(conn)
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	_ = conn.Close()
}

// plug passes new connections to serve, and cuts the existing ones.
func (c *cable) plug(serve func(net.Conn)) {
	c.mu.Lock()
	c.serve = serve
	c.mu.Unlock()
	c.cut()
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

// to returns a function that forwards the bytes of a connection to the address and back.
func to(ctx context.Context, address string) func(net.Conn) {
	return func(conn net.Conn) {
		far, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return
		}
		join(conn, far)
	}
}

// secured returns a function that completes a TLS handshake with the given configuration, and then sends nothing.
func secured(ctx context.Context, config *tls.Config) func(net.Conn) {
	return func(conn net.Conn) {
		if tls.Server(conn, config).HandshakeContext(ctx) == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
}

// join copies in both directions until one connection is closed, and then closes the other.
func join(near, far net.Conn) {
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		_ = errors.Join(near.Close(), far.Close())
	})
	_, _ = io.Copy(far, near)
	_ = errors.Join(near.Close(), far.Close())
	back.Wait()
}
