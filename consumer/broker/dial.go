package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// dialLimit bounds one address: TCP and TLS. A broker that drops packets must leave time for the next address.
	dialLimit = 3 * time.Second

	// ioLimit bounds each read and write that nobody else bounds. kafka-go sets a deadline for nearly all it does (for
	// JoinGroup the rebalance timeout and more, which this limit does not touch), but none for SASL, neither in its
	// Dialer nor in its Transport, and none for a request whose context has none. A frozen broker still accepts TCP, so
	// without this limit ConsumerGroup.Close waits for it for ever.
	ioLimit = 10 * time.Second
)

// TLS says how to prove who the brokers are, and who we are. The zero value trusts the system's authorities and shows no
// certificate. Nothing below TLS 1.2 is spoken, and the name in the broker's certificate is always checked.
type TLS struct {
	// CAFile holds authorities, PEM, trusted in addition to the system's.
	CAFile string
	// CertFile and KeyFile hold our certificate and its key, PEM. Both or neither.
	CertFile, KeyFile string
}

// config reads the files. It is called for every connection, so that a renewed certificate needs no restart.
func (t *TLS) config(serverName string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
	if t.CAFile != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // an image without system authorities still has CAFile
		}
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", t.CAFile)
		}
		config.RootCAs = roots
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("a client certificate needs both its file and its key's file")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// dial opens the connections of kafka-go's Dialer and Transport alike.
type dial struct {
	net func(ctx context.Context, network, address string) (net.Conn, error)
	tls *TLS
	log *slog.Logger
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
	return &boundConn{Conn: conn}, nil
}

// handshake owns conn: it closes it when it fails.
func (d *dial) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// tls.Client takes no name from the address, other than tls.Dial.
	config, err := d.tls.config(host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error says why
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secured, nil
}

// boundConn gives each read and write that has no deadline one of ioLimit.
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
		t = time.Now().Add(ioLimit) // for a read or write that is under way already
	}
	return apply(t)
}
