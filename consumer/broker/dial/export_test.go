package dial

import (
	"net"
	"reflect"
)

// Subscription returns the readable part of a member's subscription.
func Subscription(metadata []byte) []byte { return subscription(metadata) }

// Bound gives conn the deadlines that Dialer.Connect gives its connections.
func Bound(conn net.Conn) net.Conn { return &boundConn{Conn: conn} }

// Frame wraps conn as Dialer.Connect does.
func Frame(conn net.Conn, address string, configured ...string) net.Conn {
	return (&Dialer{configured: configured}).frame(conn, address)
}

// Silence explains an error that a caller got on conn.
func Silence(conn net.Conn, err error) error {
	framed, ok := conn.(*framedConn)
	if !ok {
		return err
	}
	return framed.silence.explain(err)
}

// Shape returns the type of responses to an API, or nil if we never call that API.
func Shape(key int16) reflect.Type { return shapeOf(key) }
