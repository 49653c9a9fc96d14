// Package dial opens connections to brokers for kafka-go. It checks each response before kafka-go reads it, because
// kafka-go trusts its input (segmentio/kafka-go#1439). The connection ends with an error if the peer is not Kafka, or
// if a response is too large, was not requested, or has impossible lengths.
//
//	dialer, err := dial.New(dial.Options{Brokers: addresses})
//	…
//	transport := &kafka.Transport{Dial: dialer.Connect, SASL: dialer.Mechanism()}
//
// # Promises
//
// TLS checks the name in the broker's certificate. Certificates, keys and passwords are reread for each connection, so
// they can be replaced while the process runs. No read or write blocks for more than 10 s unless the caller set a
// deadline. Nothing here logs or returns a secret.
//
// # Errors
//
// [ErrTLS] and [ErrNotKafka] say why a peer cannot be used; the messages name the setting to change. Mistakes in the
// options are [*OptionError]. A timeout does not name the silent peers; [Dialer.Explain] adds them.
//
// # Goroutines
//
// The package starts no goroutine. The caller owns a connection and closes it.
package dial

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

	"github.com/segmentio/kafka-go/sasl"

	"leadhit-sync/config/credentials"
)

const (
	// dialLimit bounds TCP and TLS together, for one address. A broker that drops packets must leave time for the next
	// address.
	dialLimit = 3 * time.Second

	// ioLimit bounds each read and write that has no other deadline. kafka-go sets a deadline for most operations. Its
	// deadline for JoinGroup exceeds the rebalance timeout, and ioLimit does not change it. kafka-go sets no deadline
	// for SASL, neither in its Dialer nor in its Transport, and none for a request whose context has no deadline. A
	// frozen broker still accepts TCP, so without ioLimit ConsumerGroup.Close would block forever.
	ioLimit = 10 * time.Second
)

// Options say which brokers to connect to, and how.
type Options struct {
	// Brokers are the configured addresses, host:port. Any other address that is dialled was advertised by a broker.
	Brokers []string
	// TLS turns on TLS. Nil means plain TCP.
	TLS *TLS
	// SASL turns on authentication. Nil means none.
	SASL *SASL
	// Dial opens a connection before TLS. Nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs failures to connect, at debug level, and changes to the TLS and SASL files. If it is nil, nothing is
	// logged.
	Logger *slog.Logger
}

// Dialer opens connections for both kafka-go's Dialer and its Transport. Create it with [New]. It is safe for
// concurrent use.
type Dialer struct {
	net       func(ctx context.Context, network, address string) (net.Conn, error)
	tls       *credentials.Kept[*tls.Config] // nil without TLS
	mechanism sasl.Mechanism                 // nil without a login
	log       *slog.Logger

	configured []string // addresses
	shapes     shapes
	silence    silence
}

// New checks the options and opens no connection. It reads each file that the options name, so that the content is
// known if the file cannot be read later. All mistakes are reported at once, each as an [*OptionError].
func New(o Options) (*Dialer, error) {
	d := &Dialer{net: o.Dial, log: o.Logger, configured: slices.Clone(o.Brokers)}
	if d.net == nil {
		d.net = new(net.Dialer).DialContext
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	mistakes := addressMistakes(o.Brokers)
	var err error
	if o.TLS != nil {
		d.tls, err = credentials.Keep("KAFKA_TLS_CA_FILE, KAFKA_TLS_CERT_FILE or KAFKA_TLS_KEY_FILE", d.log, o.TLS.reader())
		mistakes = append(mistakes, err)
	}
	if o.SASL != nil {
		d.mechanism, err = o.SASL.mechanism(d.log)
		mistakes = append(mistakes, err)
		if o.SASL.Mechanism == plainName && o.TLS == nil {
			mistakes = append(mistakes, optionError("sasl mechanism",
				errors.New("SASL PLAIN without TLS would send the password in clear text")))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return d, nil
}

func addressMistakes(brokers []string) (mistakes []error) {
	if len(brokers) == 0 {
		return []error{optionError("brokers", errors.New("no broker given"))}
	}
	for _, address := range brokers {
		if _, _, err := net.SplitHostPort(address); err != nil {
			mistakes = append(mistakes, optionError("brokers", fmt.Errorf("broker %q: %w", address, err)))
		}
	}
	return mistakes
}

// Mechanism returns what kafka-go needs to log in; nil means no login.
func (d *Dialer) Mechanism() sasl.Mechanism { return d.mechanism }

// Explain extends a timeout error with the addresses that accept connections but do not respond, because kafka-go
// reports only the timeout. It returns any other error unchanged.
func (d *Dialer) Explain(err error) error { return d.silence.explain(err) }

// Connect opens a connection for kafka-go's Transport. TCP and TLS together may take up to 3 s. Every response on the
// connection is checked before kafka-go reads it. Every read and write for which the caller sets no deadline ends after
// 10 s.
func (d *Dialer) Connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()

	conn, err := d.net(ctx, network, address)
	if err == nil && d.tls != nil {
		conn, err = d.handshake(ctx, conn, address)
	}
	if err != nil {
		d.log.DebugContext(ctx, "cannot connect to the broker", "address", address, "error", err)
		return nil, fmt.Errorf("connect to broker %s: %w", address, err)
	}
	return d.frame(conn, address), nil
}

func (d *Dialer) frame(conn net.Conn, address string) *framedConn {
	return &framedConn{
		explainedConn: explainedConn{
			boundConn: boundConn{Conn: conn}, secured: d.tls != nil, login: d.mechanism != nil, opened: time.Now(),
		},
		peer: d.peer(address), shapes: &d.shapes, silence: &d.silence,
	}
}

func (d *Dialer) peer(address string) peer {
	return peer{address: address, configured: slices.Contains(d.configured, address)}
}

// handshake owns conn, and closes it on failure.
func (d *Dialer) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
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
			err = fmt.Errorf("%w: %w", d.peer(address).foreign(header.RecordHeader[:]), err)
		}
		return nil, explainHandshake(err)
	}
	return secured, nil
}

// explainedConn explains why a connection ended: some TLS and login problems show only in the broker's response, or in
// the absence of a response. As on every kafka-go connection, only one goroutine reads at a time, and only after the
// first write.
type explainedConn struct {
	boundConn

	secured, login bool
	opened         time.Time
	responded      bool // a byte has arrived
}

// Read explains, in its error, why the broker ended the connection.
func (c *explainedConn) Read(b []byte) (int, error) {
	n, err := c.boundConn.Read(b)
	switch {
	case c.secured && err != nil && isRemote(err):
		// With TLS 1.3, our handshake is over before the broker has checked our certificate.
		err = &tlsError{text: fmt.Sprintf("%s: %v", refusedByBroker, err), err: err}
	case !c.secured && !c.responded && isAlert(b[:n]):
		n, err = 0, &tlsError{
			text: "the broker speaks TLS at this address; set KAFKA_TLS=true, or check the port in KAFKA_BROKERS",
			err:  io.ErrUnexpectedEOF,
		}
	case !c.login && n == 0 && isEnd(err) && time.Since(c.opened) < loginLimit:
		err = &hungUpError{c.secured}
	}
	c.responded = c.responded || n > 0
	return n, err
}

// isEnd reports whether the broker closed the connection. crypto/tls reports a close without close_notify as
// io.ErrUnexpectedEOF.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// loginLimit is the age from which the end of a connection no longer suggests a missing login. A broker that requires a
// login sends its API versions, and closes the connection at the next request, which follows immediately. If an older
// connection ends, its broker went away.
const loginLimit = time.Second

// isAlert reports whether a response starts like a TLS alert. As the size of a Kafka response, those bytes would mean
// 352 MB.
func isAlert(b []byte) bool {
	const alert, major = 21, 3
	return len(b) >= 2 && b[0] == alert && b[1] == major
}

// hungUpError reports that a connection ended soon after its start. It unwraps to io.ErrUnexpectedEOF, after which
// kafka-go may retry a request. kafka-go itself would turn an io.EOF into that error, without our text.
type hungUpError struct{ secured bool }

func (e *hungUpError) Unwrap() error { return io.ErrUnexpectedEOF }

func (e *hungUpError) Error() string {
	const text = "the broker closed the connection after our first request; if it requires a login, " +
		"set KAFKA_SASL_MECHANISM"
	if e.secured {
		return text
	}
	return text + ", and if it speaks TLS, set KAFKA_TLS"
}

// boundConn sets a deadline of ioLimit for each read and write that has none.
type boundConn struct {
	net.Conn

	mu          sync.Mutex // keeps the deadlines here in step with those of the connection
	read, write time.Time  // as the caller set them; zero means none
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

// bound sets the deadline for the read or write that starts now, unless the caller has set one.
func (c *boundConn) bound(deadline *time.Time, apply func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !deadline.IsZero() {
		return nil
	}
	return apply(time.Now().Add(ioLimit))
}

// set stores a deadline from the caller and applies it. A caller that clears its deadline must not leave a read in
// flight without a deadline.
func (c *boundConn) set(deadline *time.Time, t time.Time, apply func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*deadline = t
	if t.IsZero() {
		t = time.Now().Add(ioLimit) // for a read or write in flight
	}
	return apply(t)
}
