package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"leadhit-sync/config/credentials"
)

const (
	// dialLimit bounds one address: TCP and TLS. A broker that drops packets must leave time for the next address.
	dialLimit = 3 * time.Second

	// ioLimit bounds each read and write that has no other deadline. kafka-go sets a deadline for most operations; that
	// of JoinGroup exceeds the rebalance timeout, and ioLimit does not change it. It sets none for SASL, in its Dialer
	// and its Transport, and none for a request whose context has none. A frozen broker still accepts TCP, so without
	// ioLimit ConsumerGroup.Close would block for ever.
	ioLimit = 10 * time.Second
)

// dial opens the connections of kafka-go's Dialer and Transport alike.
type dial struct {
	net   func(ctx context.Context, network, address string) (net.Conn, error)
	tls   *credentials.Kept[*tls.Config] // nil: none
	login bool                           // SASL follows
	log   *slog.Logger

	configured []string // addresses; any other was advertised by a broker
	shapes     shapes
	silence    silence
}

func (d *dial) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()

	conn, err := d.net(ctx, network, address)
	if err == nil && d.tls != nil {
		conn, err = d.handshake(ctx, conn, address)
	}
	if err != nil {
		d.log.DebugContext(ctx, "broker not reached", "address", address, "error", err)
		return nil, fmt.Errorf("connect to broker %s: %w", address, err)
	}
	return &framedConn{
		toldConn: toldConn{boundConn: boundConn{Conn: conn}, secured: d.tls != nil, login: d.login, opened: time.Now()},
		peer:     d.peer(address), shapes: &d.shapes, silence: &d.silence,
	}, nil
}

func (d *dial) peer(address string) peer {
	return peer{address: address, configured: slices.Contains(d.configured, address)}
}

// handshake owns conn: it closes it when it fails.
func (d *dial) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config := d.tls.Load().Clone()
	config.ServerName = host // unlike tls.Dial, tls.Client takes no name from the address
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says why
		if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && protocolOf(header.RecordHeader[:]) != "" {
			err = fmt.Errorf("%w: %w", d.peer(address).speaks(header.RecordHeader[:]), err)
		}
		return nil, explainHandshake(err)
	}
	return secured, nil
}

// toldConn explains why a connection ended: some TLS and login problems show only when a broker responds, or does not.
// As with every connection of kafka-go, one goroutine at a time reads, and no read comes before the first write.
type toldConn struct {
	boundConn

	secured, login bool
	opened         time.Time
	answered       bool
}

// Read reads, and explains an end.
func (c *toldConn) Read(b []byte) (int, error) {
	n, err := c.boundConn.Read(b)
	switch {
	case c.secured && err != nil && isRemote(err):
		// With TLS 1.3 our handshake is over before the broker has looked at our certificate.
		err = &tlsError{text: fmt.Sprintf("%s: %v", refusedByBroker, err), err: err}
	case !c.secured && !c.answered && isAlert(b[:n]):
		n, err = 0, &tlsError{text: "the broker speaks TLS at this address; set KAFKA_TLS=true, or check the port in KAFKA_BROKERS", err: io.ErrUnexpectedEOF}
	case !c.login && n == 0 && isEnd(err) && time.Since(c.opened) < firstWords:
		err = &hungUpError{c.secured}
	}
	c.answered = c.answered || n > 0
	return n, err
}

// isEnd reports whether the broker closed the connection. TLS calls an end without a close_notify alert unexpected.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// firstWords is the age of a connection up to which its end may mean that the broker requires a login. Such a broker
// sends its API versions and closes at the next request, which follows at once. An older connection was in use, and its
// broker went away.
const firstWords = time.Second

// isAlert reports whether a response begins like a TLS alert. As the size of a Kafka response this would be 352 MB.
func isAlert(b []byte) bool {
	const alert, major = 21, 3
	return len(b) >= 2 && b[0] == alert && b[1] == major
}

// hungUpError is the end of a connection soon after its start. It unwraps to io.ErrUnexpectedEOF, after which kafka-go
// may retry a request. kafka-go would turn an io.EOF into that itself, without our text.
type hungUpError struct{ secured bool }

func (e *hungUpError) Unwrap() error { return io.ErrUnexpectedEOF }

func (e *hungUpError) Error() string {
	const text = "the broker hung up after our first words; if it wants a login, set KAFKA_SASL_MECHANISM"
	if e.secured {
		return text
	}
	return text + ", and if it speaks TLS, KAFKA_TLS"
}

// boundConn sets a deadline of ioLimit for each read and write that has none.
type boundConn struct {
	net.Conn

	mu          sync.Mutex // guards the deadlines here against those of the connection
	read, write time.Time  // as they were set from outside; zero is none
}

func (c *boundConn) Read(b []byte) (int, error) {
	if err := c.bound(&c.read, c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *boundConn) Write(b []byte) (int, error) {
	if err := c.bound(&c.write, c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *boundConn) SetReadDeadline(t time.Time) error {
	return c.set(&c.read, t, c.Conn.SetReadDeadline)
}

func (c *boundConn) SetWriteDeadline(t time.Time) error {
	return c.set(&c.write, t, c.Conn.SetWriteDeadline)
}

func (c *boundConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *boundConn) bound(deadline *time.Time, apply func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !deadline.IsZero() {
		return nil
	}
	return apply(time.Now().Add(ioLimit))
}

func (c *boundConn) set(deadline *time.Time, t time.Time, apply func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*deadline = t
	if t.IsZero() {
		t = time.Now().Add(ioLimit) // for a read or write in flight
	}
	return apply(t)
}
