package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/dial"
)

// The life of an exchange. Once it has left waiting it never changes again.
const (
	waiting   int32 = iota // nothing is written yet
	sending                // the connection has begun to write
	withdrawn              // the caller gave up first, and nothing will be written
)

var (
	errWithdrawn   = errors.New("request withdrawn before it was sent")
	errInterrupted = errors.New("request given up while its response arrived")
)

// exchange is a request that kafka-go routes, but that we write and read. kafka-go offers this (protocol.RawExchanger)
// for an old form of SASL. We use it for what its own requests do not offer:
//
//   - whether a request without a response was ever sent. An error alone does not show it: a deadline may pass while
//     the pool looks for the coordinator, dials, or waits for a response, and an EOF may come from a lookup too.
//   - current metadata. kafka-go returns its cache, for ever while no broker responds.
//   - fetch responses as bytes. kafka-go decodes them on the connection's goroutine, where nothing bounds how many do
//     so at once or how much they unpack, and a panic ends the process. It also drops the batch's last offset.
type exchange struct {
	message  protocol.Message
	clientID string
	// least is the oldest version of the request that will do.
	least int16
	// read takes the response from the connection. Nil leaves it to kafka-go.
	read func(r io.Reader, version int16) (protocol.Message, error)
	// interrupt bounds the exchange's time on the connection. release ends that; false means that the connection is no
	// longer usable. Nil leaves it to kafka-go, which knows the context's deadline, but not an earlier end.
	interrupt func(conn deadliner) (release func() bool)

	state   atomic.Int32
	version int16 // set by the connection before it sends
}

// deadliner is a connection, as kafka-go's is one.
type deadliner interface{ SetDeadline(t time.Time) error }

var _ deadliner = (*protocol.Conn)(nil)

// interruptible lets the end of ctx interrupt reads and writes on a connection. Without it an abandoned request would
// continue to read, into memory.
func interruptible(ctx context.Context, conn deadliner) (release func() bool) {
	// Set a far deadline: without one, each read gets ioLimit, which may be shorter than the broker's wait.
	if err := conn.SetDeadline(time.Now().Add(forever)); err != nil {
		return func() bool { return false }
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	return func() bool { return stop() && conn.SetDeadline(time.Time{}) == nil }
}

// toLeader routes an exchange to a partition's leader.
type toLeader struct {
	*exchange
	route func(protocol.Cluster) (protocol.Broker, error)
}

// Broker is called by the pool.
func (t toLeader) Broker(cluster protocol.Cluster) (protocol.Broker, error) { return t.route(cluster) }

// toCoordinator routes an exchange to the broker that coordinates a group.
type toCoordinator struct {
	*exchange
	group string
}

// Group is called by the pool.
func (t toCoordinator) Group() string { return t.group }

// ApiKey is called by the pool.
func (x *exchange) ApiKey() protocol.ApiKey { return x.message.ApiKey() }

// Required takes the version that the connection agreed upon. It runs on the connection's goroutine, as RawExchange
// does.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.version = versions[x.message.ApiKey()]
	return true
}

// RawExchange writes the request and reads its response.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if x.version < x.least {
		return nil, fmt.Errorf("%w: it speaks %v up to version %d, and %d is needed",
			ErrTooOld, x.ApiKey(), x.version, x.least)
	}
	if !x.state.CompareAndSwap(waiting, sending) {
		return nil, errWithdrawn
	}
	conn, ok := rw.(deadliner)
	if x.interrupt == nil || !ok {
		return x.exchange(rw)
	}
	release := x.interrupt(conn)
	message, err := x.exchange(rw)
	if !release() && err == nil {
		return nil, errInterrupted
	}
	return message, err
}

func (x *exchange) exchange(rw io.ReadWriter) (protocol.Message, error) {
	// A connection carries one request at a time and is closed after an error, so one id does for all.
	const id = 1
	if err := protocol.WriteRequest(rw, x.version, id, x.clientID, x.message); err != nil {
		return nil, err
	}
	if x.read != nil {
		return x.read(rw, x.version)
	}
	got, response, err := protocol.ReadResponse(rw, x.message.ApiKey(), x.version)
	if err != nil {
		return nil, err
	}
	if got != id {
		return nil, fmt.Errorf("response to request %d, want %d", got, id)
	}
	return wrapped{response}, nil
}

// wrapped is a response to a request of ours. The pool would take a bare metadata response for one to its own request,
// and panic.
type wrapped struct{ protocol.Message }

// roundTrip sends request, which carries x. After an error, sent says whether a byte of it may have left; false is
// final.
func (c *Cluster) roundTrip(ctx context.Context, request kafka.Request, x *exchange) (
	_ protocol.Message, sent bool, _ error,
) {
	response, err := c.transport.RoundTrip(ctx, c.addr, request)
	if err != nil {
		return nil, !x.state.CompareAndSwap(waiting, withdrawn), c.dialer.Explain(err)
	}
	if ours, ok := response.(wrapped); ok {
		response = ours.Message
	}
	return response, true, nil
}

// ask sends a request that x carries and returns its response, which must be a T. sent means the same as for roundTrip.
func ask[T protocol.Message](ctx context.Context, c *Cluster, request kafka.Request, x *exchange) (
	_ T, sent bool, _ error,
) {
	var none T
	response, sent, err := c.roundTrip(ctx, request, x)
	if err != nil {
		return none, sent, err
	}
	typed, ok := response.(T)
	if !ok {
		return none, true, fmt.Errorf("response is a %T", response)
	}
	return typed, true, nil
}

// body reads the size, the header and the rest of a response into a buffer of the pool. A large one waits for
// its share of the memory budget. Each piece that arrives resets stalled.
func (c *Cluster) body(ctx context.Context, r io.Reader, memory *memoryShare, stalled *time.Timer) (*[]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	// The size counts the correlation id, which has no use here.
	size := int64(binary.BigEndian.Uint32(head[:])) - 4
	if size < 0 || size > dial.MaxResponse {
		return nil, fmt.Errorf("response of %d bytes: %w", size, dial.ErrNotKafka)
	}
	stalled.Stop() // not while the broker waits for us
	if err := memory.take(ctx, size); err != nil {
		return nil, err
	}
	defer memory.release()
	stalled.Reset(fetchPatience)
	buffer, ok := c.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	return buffer, readBody(progress{r, stalled}, buffer, int(size))
}

// readBody reads size bytes into the buffer. A large response gets its memory as it arrives, because its size is only a
// claim.
func readBody(r io.Reader, buffer *[]byte, size int) error {
	b := (*buffer)[:0]
	for len(b) < size {
		if len(b) == cap(b) {
			most := min(size, max(largeResponse, 2*len(b)))
			grown := make([]byte, len(b), (most+pageSize-1)/pageSize*pageSize)
			copy(grown, b)
			b = grown
		}
		n, err := io.ReadFull(r, b[len(b):min(size, cap(b))])
		b = b[:len(b)+n]
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF // the size promised more
			}
			return err
		}
	}
	*buffer = b
	return nil
}

// progress resets a timer with each piece that arrives.
type progress struct {
	io.Reader
	stalled *time.Timer
}

func (p progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.stalled.Reset(fetchPatience)
	return n, err
}

// recycle takes back a buffer whose bytes are no longer used. Large ones are dropped: one record of 8 MiB must not keep
// its memory.
func (c *Cluster) recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		c.buffers.Put(buffer)
	}
}

const (
	maxPooled = 1 << 20
	pageSize  = 64 << 10
	forever   = 365 * 24 * time.Hour
)
