package leadhit

import (
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// check passes Call.Before to the connection, whose next write runs it.
type check struct {
	before  func() error
	refused atomic.Pointer[notSentError]
}

// conn runs the check of the current call right before the first bytes of the request are written. No later moment is
// possible. If the check returns an error, nothing is sent.
//
// Running the check when the request's body is read would be too late. That would need a body of our own type, and
// net/http flushes the headers before it reads a body whose type it does not know (golang/go #22088). The flush also
// costs a packet.
type conn struct {
	net.Conn
	check atomic.Pointer[check]
}

func (c *conn) Write(p []byte) (int, error) {
	if k := c.check.Swap(nil); k != nil {
		if err := k.before(); err != nil {
			refused := &notSentError{Err: err}
			k.refused.Store(refused)
			return 0, refused
		}
	}
	return c.Conn.Write(p)
}

// attach gives the check to the connection that net/http has chosen. HTTP/1.1 serves one call at a time, so the next
// write belongs to this call.
func (k *check) attach(info httptrace.GotConnInfo) {
	chosen := info.Conn
	if secured, ok := chosen.(*tls.Conn); ok {
		chosen = secured.NetConn() // behind a proxy, net/http itself does TLS
	}
	if c, ok := chosen.(*conn); ok {
		c.check.Store(k)
	}
}
