package leadhit

import (
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
)

// appendCall appends the JSON-RPC request. What JSON cannot carry, or LeadHit cannot mean, is an *UnsendableError.
func appendCall(dst []byte, call Call) ([]byte, error) {
	const frame = `{"jsonrpc":"2.0","id":,"method":"set_order_status","params":{"order_id":,"status":}}`
	if dst == nil {
		// Two quotes each, and some room for escapes.
		dst = make([]byte, 0, len(frame)+len(call.ID)+len(call.OrderID)+len(call.Status)+16)
	}
	for _, part := range [...]struct{ before, name, value string }{
		{`{"jsonrpc":"2.0","id":`, "call id", call.ID},
		{`,"method":"` + Method + `","params":{"order_id":`, "order id", call.OrderID},
		{`,"status":`, "status", call.Status},
	} {
		if part.value == "" {
			return nil, &UnsendableError{Reason: "the " + part.name + " is empty"}
		}
		dst = append(dst, part.before...)
		var err error
		if dst, err = jsontext.AppendQuote(dst, part.value); err != nil {
			// Sending it with U+FFFD in place of the broken bytes would tell the status of another order.
			return nil, &UnsendableError{Reason: "the " + part.name + " is not UTF-8"}
		}
	}
	return append(dst, "}}"...), nil
}

// question is Call.Before on its way to the connection's first write.
type question struct {
	before  func() error
	refused atomic.Pointer[NotSentError]
}

// conn asks the question of the call that owns it when the first bytes of its request are about to be written: no later
// moment is left, and an error means that nothing is sent.
//
// A request body that asks when it is read would be too early: net/http flushes the head before it reads a body of a type
// that it does not know (golang/go #22088), which costs a packet besides.
type conn struct {
	net.Conn
	question atomic.Pointer[question]
}

func (c *conn) Write(p []byte) (int, error) {
	if q := c.question.Swap(nil); q != nil {
		if err := q.before(); err != nil {
			refused := &NotSentError{Err: err}
			q.refused.Store(refused)
			return 0, refused
		}
	}
	return c.Conn.Write(p)
}

// hand gives the question to the connection that net/http has chosen. HTTP/1.1 serves one call at a time, so the next
// write is this call's.
func (q *question) hand(info httptrace.GotConnInfo) {
	chosen := info.Conn
	if secured, ok := chosen.(*tls.Conn); ok {
		chosen = secured.NetConn() // behind a proxy, TLS is net/http's
	}
	if c, ok := chosen.(*conn); ok {
		c.question.Store(q)
	}
}
