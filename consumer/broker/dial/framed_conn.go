package dial

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"leadhit-sync/consumer/broker/wire"
)

// MaxResponse is the size limit for a response, in bytes. Only responses to a fetch may be that large.
const MaxResponse = 256 << 20

const (
	sizeBytes   = 4 // a response's size field, which counts the bytes after it
	headBytes   = 8 // size and correlation id
	requestHead = 8 // a request's API key, version and correlation id, after its size

	// smallResponse bounds responses that contain only errors, brokers, mechanisms and versions.
	smallResponse = 1 << 20
	// largeResponse bounds responses that list topics and partitions. A million partitions take 40 MB.
	largeResponse = 64 << 20
	// firstPiece limits each read of a response until more than firstPiece bytes have arrived. From then on, a read may
	// double the number of bytes that have arrived.
	firstPiece = 4 << 10
)

// framedConn passes only valid responses to kafka-go, which allocates memory for whatever size, count or length a peer
// sends (segmentio/kafka-go#1439). It watches both directions: each response must belong to a request that was written,
// and its size must be possible for a response to that request. The content of a response is checked too, before
// kafka-go reads it. Memory grows with what has arrived, not with what is announced. Only the content of a fetch
// response is passed on unchecked, because its reader trusts no length.
//
// As on every kafka-go connection, only one goroutine reads at a time, and only one writes.
type framedConn struct {
	explainedConn

	peer    peer
	shapes  *shapes
	silence *silence

	mu      sync.Mutex
	awaited []awaited // requests that wait for a response, in the order of the responses

	// The writing side.
	request  []byte // size and head of the request that is being written
	unsent   int64  // bytes of that request, after its head, that are still to be written
	rawLogin bool   // a SASL handshake of version 0 was sent: tokens without a header may follow

	// The reading side.
	frame  []byte // what has arrived of the response that is being read, its size included
	ready  []byte // checked bytes that Read may return
	passed int64  // bytes of a fetch response that Read may return unchecked
	spoke  bool   // a whole response has arrived
}

// awaited is a request that waits for its response.
type awaited struct {
	key, version int16
	id           int32
	raw          bool // a SASL token, whose response has a size and no other header
}

// Write records the requests in b and writes b.
func (c *framedConn) Write(b []byte) (int, error) {
	c.note(b)
	return c.explainedConn.Write(b)
}

// note finds the requests in the bytes that are about to be written.
func (c *framedConn) note(b []byte) {
	for len(b) > 0 {
		if c.unsent > 0 {
			n := min(c.unsent, int64(len(b)))
			c.unsent -= n
			b = b[n:]
			continue
		}
		want := sizeBytes
		if len(c.request) >= sizeBytes {
			want += min(requestHead, int(binary.BigEndian.Uint32(c.request)))
		}
		n := min(want-len(c.request), len(b))
		c.request = append(c.request, b[:n]...)
		b = b[n:]
		if len(c.request) == sizeBytes && binary.BigEndian.Uint32(c.request) > 0 {
			continue
		}
		if len(c.request) == want {
			c.await(c.request[sizeBytes:])
			c.unsent = int64(binary.BigEndian.Uint32(c.request)) - int64(len(c.request)-sizeBytes)
			c.request = c.request[:0]
		}
	}
}

// await adds the request with the given head to the requests that wait for a response.
func (c *framedConn) await(head []byte) {
	// A SASL token begins with text, so the bytes where a version would be form a number above all versions.
	const saslHandshake, highestVersion = 17, 31
	a := awaited{raw: true}
	if len(head) == requestHead {
		h := wire.Cursor{B: head}
		a = awaited{key: h.Int16(), version: h.Int16(), id: h.Int32()}
		a.raw = c.rawLogin && (a.version < 0 || a.version > highestVersion)
		c.rawLogin = a.raw || a.key == saslHandshake && a.version == 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaited = append(c.awaited, a)
}

// Read returns bytes that have been checked, or reads and checks the next response.
func (c *framedConn) Read(b []byte) (int, error) {
	for len(c.ready) == 0 {
		if c.passed > 0 {
			n, err := c.explainedConn.Read(b[:min(int64(len(b)), c.passed)])
			c.passed -= int64(n)
			return n, err
		}
		if err := c.next(); err != nil { // a bad frame stays, so the next Read fails too
			return 0, c.silent(err)
		}
	}
	n := copy(b, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// next reads the part of a response that must be checked. It can be called again after a connection error.
func (c *framedConn) next() error {
	if len(c.frame) == 0 && cap(c.frame) > smallResponse {
		c.frame = nil // do not keep the memory of a large response
	}
	front, ok := c.front()
	most := headBytes // no response is shorter
	if front.raw {
		most = sizeBytes
	}
	if err := c.arrive(sizeBytes, most); err != nil {
		return err
	}
	size := int64(int32(binary.BigEndian.Uint32(c.frame)))
	if !ok || size > limitOf(front) || size < int64(most-sizeBytes) {
		return c.peer.foreign(c.frame)
	}
	whole := sizeBytes + int(size)
	if front.raw {
		if err := c.arrive(whole, whole); err != nil {
			return err
		}
		return c.pass()
	}
	if err := c.arrive(headBytes, headBytes); err != nil {
		return err
	}
	if int32(binary.BigEndian.Uint32(c.frame[sizeBytes:])) != front.id {
		return c.peer.foreign(c.frame[:headBytes])
	}
	if front.key == fetchKey {
		c.passed = int64(whole - len(c.frame))
		return c.pass()
	}
	if err := (&shaped{conn: c, whole: whole, at: headBytes}).check(front); err != nil {
		return err
	}
	return c.pass()
}

// pass makes the frame ready for Read. The frame is the response to the first waiting request.
func (c *framedConn) pass() error {
	if !c.spoke {
		c.spoke = true
		c.silence.note(c.peer.address, nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaited = c.awaited[1:]
	c.ready, c.frame = c.frame, c.frame[:0]
	return nil
}

// front returns the request whose response is due; false if no request waits for a response.
func (c *framedConn) front() (awaited, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.awaited) == 0 {
		return awaited{}, false
	}
	return c.awaited[0], true
}

// arrive reads until len(c.frame) >= least, and never makes the frame longer than most. firstPiece limits each read.
func (c *framedConn) arrive(least, most int) error {
	for len(c.frame) < least {
		c.frame = slices.Grow(c.frame, min(most-len(c.frame), max(firstPiece, len(c.frame))))
		n, err := c.explainedConn.Read(c.frame[len(c.frame):min(most, cap(c.frame))])
		c.frame = c.frame[:len(c.frame)+n]
		if err != nil && len(c.frame) < least {
			return c.cut(err)
		}
	}
	return nil
}

// cut explains err if the connection ended in the middle of a response.
func (c *framedConn) cut(err error) error {
	if len(c.frame) == 0 || !isEnd(err) {
		return err
	}
	if len(c.frame) < headBytes {
		return c.peer.foreignUntil(c.frame, err)
	}
	return fmt.Errorf("connection to %s ended in the middle of a response: %w", c.peer.address, io.ErrUnexpectedEOF)
}

// limitOf returns the maximum size of the response to a request.
func limitOf(a awaited) int64 {
	switch {
	case a.raw:
		return smallResponse
	case a.key == fetchKey:
		return MaxResponse
	}
	return responseLimit(a.key)
}
