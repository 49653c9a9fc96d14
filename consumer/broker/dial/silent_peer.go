package dial

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// silentError says that a peer accepted the connection and never responded. A frozen broker does that, and so does a
// web server, which waits for the end of a line.
type silentError struct {
	peer    peer
	arrived int // bytes of an incomplete response
	err     error
}

func (e *silentError) Unwrap() error { return e.err }

// Error says whether anything arrived, because a broker that hangs and a server that waits for our greeting look alike
// at first.
func (e *silentError) Error() string {
	sent := "nothing"
	if e.arrived > 0 {
		sent = fmt.Sprintf("only %d bytes of a response", e.arrived)
	}
	text := fmt.Sprintf("%s accepts the connection and sends %s: the broker hangs, or another server listens there",
		e.peer.address, sent)
	if e.peer.configured {
		return text // the caller adds the setting to check
	}
	return text + "; " + e.peer.advice()
}

// silence keeps the error for each address whose last connection got no response. It explains a caller's timeout,
// because kafka-go reports only the timeout.
type silence struct {
	mu    sync.Mutex
	peers map[string]error
}

// note records err as the last outcome for an address; nil means that the address responds.
func (s *silence) note(address string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.peers, address)
		return
	}
	if s.peers == nil {
		s.peers = map[string]error{}
	}
	s.peers[address] = err
}

// explain extends a timeout error with the errors for all addresses that do not respond.
func (s *silence) explain(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, address := range slices.Sorted(maps.Keys(s.peers)) {
		err = fmt.Errorf("%w: %w", err, s.peers[address])
	}
	return err
}

// silent returns a silentError if err is a timeout on a connection that has had no response. If the connection is
// young, the read was interrupted, which says nothing about the peer.
func (c *framedConn) silent(err error) error {
	if c.spoke || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(c.opened) < dialLimit {
		return err
	}
	err = &silentError{peer: c.peer, arrived: len(c.frame), err: err}
	c.silence.note(c.peer.address, err)
	return err
}
