package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// wire carries one worker's connections to the brokers.
type wire struct {
	dialer func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	conns map[*wireConn]struct{}
	state wireState
	thaws chan struct{}        // closed when the wire is no longer frozen
	delay func() time.Duration // of the brokers' responses; nil: none
	pace  int                  // how many bytes of a response arrive within a tenth of a second; 0: all
	spoil string               // text that is damaged wherever it occurs in a response
}

// damage sets the text that is damaged from now on.
func (w *wire) damage(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spoil = text
}

func (w *wire) spoils(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := bytes.Index(b, []byte(w.spoil)); w.spoil != "" && at >= 0 {
		b[at]++
	}
}

type wireState int

const (
	whole  wireState = iota
	frozen           // nothing arrives, but connections stay open
	broken           // connections end, and no new ones can be made
)

var errBroken = errors.New("the worker's network is gone")

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	state, thaws := w.state, w.thaws
	w.mu.Unlock()
	switch state {
	case broken:
		return nil, errBroken
	case frozen:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-thaws:
			return nil, errBroken
		}
	case whole:
	}
	inner, err := w.dialer(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &wireConn{Conn: inner, wire: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		w.conns = map[*wireConn]struct{}{}
	}
	w.conns[conn] = struct{}{}
	return conn, nil
}

// set changes the state. After a freeze the connections are broken.
func (w *wire) set(state wireState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == frozen {
		close(w.thaws)
	}
	if state == frozen {
		w.thaws = make(chan struct{})
	}
	if state == broken || w.state == frozen {
		for conn := range w.conns {
			_ = conn.Conn.Close()
		}
		clear(w.conns)
	}
	w.state = state
}

func (w *wire) is(state wireState) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state == state
}

// late returns the delay of the brokers' next response.
func (w *wire) late() time.Duration {
	if w.delay == nil {
		return 0
	}
	return w.delay()
}

// wireConn loses what it carries while its wire is frozen.
type wireConn struct {
	net.Conn
	wire *wire
}

func (c *wireConn) Read(b []byte) (int, error) {
	if pace := c.wire.pace; pace > 0 && len(b) > pace { // small responses arrive at once
		b = b[:pace]
		time.Sleep(100 * time.Millisecond)
	}
	for {
		n, err := c.Conn.Read(b)
		if err != nil {
			return n, err
		}
		if !c.wire.is(frozen) {
			c.wire.spoils(b[:n])
			time.Sleep(c.wire.late())
			return n, nil
		}
	}
}

func (c *wireConn) Write(b []byte) (int, error) {
	if c.wire.is(frozen) {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Close() error {
	c.wire.mu.Lock()
	delete(c.wire.conns, c)
	c.wire.mu.Unlock()
	return c.Conn.Close()
}
