package dial

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"leadhit-sync/consumer/broker/wire"
)

// oldestMetadata is the first version in which a metadata request says whether the broker may create missing topics.
const oldestMetadata = 4

// errForeign ends a connection whose bytes are not Kafka's.
var errForeign = errors.New("not a Kafka message")

// ConnectMember opens connections for kafka-go's ConsumerGroup. On these connections, the group's requests create no
// topic, and no member of the group can block the others.
func (d *Dialer) ConnectMember(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &memberConn{Conn: conn, in: bufio.NewReader(conn)}, nil
}

// memberConn changes requests and responses of kafka-go's ConsumerGroup, in two places where kafka-go has no setting.
//
// As the group's leader, kafka-go requests the partitions of all members' topics, and lets the broker create missing
// topics. With auto.create.topics.enable=true, the next rebalance would recreate a deleted topic with the broker's
// defaults. So memberConn makes the request forbid the creation of topics. Also, one topic with an error would make the
// assignment of all topics fail. So memberConn removes topics with errors from the response, and none of their
// partitions is assigned.
//
// kafka-go also fails the assignment when a member's subscription differs from the form that kafka-go writes, so one
// member could block the whole group. memberConn removes from such a subscription what kafka-go cannot read.
//
// One goroutine may write while another reads.
type memberConn struct {
	net.Conn

	out []byte // the start of an incomplete request

	in      *bufio.Reader
	left    int64        // bytes of the current response to pass on unchanged
	changed bytes.Buffer // a response that was changed, to be read first

	mu      sync.Mutex
	pending map[int32]rewrite // expected responses that must be changed, by correlation id
}

// rewrite says which response must be changed, and to which version.
type rewrite struct {
	key          protocol.ApiKey
	sent, wanted int16 // the version on the wire, and the version that kafka-go wrote
}

// Write collects the bytes of requests and sends each request once it is complete.
func (c *memberConn) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	for {
		size, whole, err := frame(c.out)
		if err != nil {
			return 0, err
		}
		if !whole {
			return len(b), nil
		}
		if err := c.send(c.out[:size]); err != nil {
			return 0, err
		}
		c.out = slices.Delete(c.out, 0, size)
	}
}

// frame returns the size of the first message in b, the length field included, and whether the whole message is there.
func frame(b []byte) (size int, whole bool, err error) {
	const length = 4
	if len(b) < length {
		return 0, false, nil
	}
	n := int32(binary.BigEndian.Uint32(b))
	if n < 0 || n > MaxResponse {
		return 0, false, fmt.Errorf("%w: a length of %d bytes", errForeign, n)
	}
	size = length + int(n)
	return size, len(b) >= size, nil
}

// send sends one request. It changes a metadata request so that it creates no topic.
func (c *memberConn) send(request []byte) error {
	// A token in SASL's oldest form has a length, but neither key nor version, so it is passed on unchanged. No token
	// begins with one of the API keys below.
	const header = 12 // length, key, version, correlation id
	if len(request) < header {
		_, err := c.Conn.Write(request)
		return err
	}
	h := wire.Cursor{B: request[4:header]}
	key, version, id := protocol.ApiKey(h.Int16()), h.Int16(), h.Int32()
	if key == protocol.Metadata {
		return c.sendMetadata(request)
	}
	if key == protocol.JoinGroup {
		c.expect(id, rewrite{key: key, sent: version, wanted: version})
	}
	_, err := c.Conn.Write(request)
	return err
}

// sendMetadata writes kafka-go's request in a version that can forbid the creation of topics. The response comes back
// in that version, so it must be converted to the version that kafka-go expects.
func (c *memberConn) sendMetadata(request []byte) error {
	version, id, client, message, err := protocol.ReadRequest(bytes.NewReader(request))
	if err != nil {
		return fmt.Errorf("read our own metadata request: %w", err)
	}
	r, ok := message.(*metadata.Request)
	if !ok {
		return fmt.Errorf("our own metadata request is a %T", message)
	}
	r.AllowAutoTopicCreation = false
	q := rewrite{key: protocol.Metadata, sent: max(version, oldestMetadata), wanted: version}
	c.expect(id, q)
	return protocol.WriteRequest(c.Conn, q.sent, id, client, r)
}

// expect notes that a response must be changed. It must be called before the request is written, because the response
// may arrive while Write is still running.
func (c *memberConn) expect(id int32, q rewrite) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		c.pending = make(map[int32]rewrite)
	}
	c.pending[id] = q
}

// expects reports whether a response that must be changed may arrive next.
func (c *memberConn) expects() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) > 0
}

// take removes and returns the rewrite for a response, if that response must be changed.
func (c *memberConn) take(id int32) (rewrite, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, ok := c.pending[id]
	delete(c.pending, id)
	return q, ok
}

// Read returns bytes of responses, changed where needed.
func (c *memberConn) Read(b []byte) (int, error) {
	for c.changed.Len() == 0 && c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.changed.Len() > 0 {
		return c.changed.Read(b)
	}
	n, err := c.in.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// next examines the beginning of the next response. It may be called again after an error, such as an expired deadline.
func (c *memberConn) next() error {
	const length, idAfter = 4, 8
	head, err := c.in.Peek(length)
	if err != nil {
		return err
	}
	size, _, err := frame(head)
	if err != nil {
		return err
	}
	c.left = int64(size)
	if !c.expects() { // do not look for an id, because not every message has one (see send)
		return nil
	}
	c.left = 0
	if head, err = c.in.Peek(idAfter); err != nil {
		return err
	}
	q, ok := c.take(int32(binary.BigEndian.Uint32(head[length:])))
	if !ok {
		c.left = int64(size)
		return nil
	}
	return c.change(q)
}

// change reads a whole response, changes it, and encodes it for Read in the version that kafka-go expects.
func (c *memberConn) change(q rewrite) error {
	id, message, err := protocol.ReadResponse(c.in, q.key, q.sent)
	if err != nil {
		return fmt.Errorf("read a %v response: %w", q.key, err)
	}
	switch r := message.(type) {
	case *metadata.Response:
		r.Topics = slices.DeleteFunc(r.Topics, func(t metadata.ResponseTopic) bool { return t.ErrorCode != 0 })
	case *joingroup.Response:
		for i, member := range r.Members {
			r.Members[i].Metadata = subscription(member.Metadata)
		}
	}
	return protocol.WriteResponse(&c.changed, q.wanted, id, message)
}

// subscription returns the part of a member's subscription that kafka-go can read: version, topics and user data.
// Malformed bytes become a subscription to no topics.
func subscription(b []byte) []byte {
	c := wire.Cursor{B: b}
	c.Take(2) // version
	for topics := c.Int32(); topics > 0 && !c.Bad; topics-- {
		c.Take(int(c.Int16()))
	}
	c.Bytes(int64(c.Int32())) // user data, nil for -1
	if c.Bad {
		return make([]byte, 2+4+4)
	}
	return b[:len(b)-len(c.B)]
}
