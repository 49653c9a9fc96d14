package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"leadhit-sync/consumer/broker/kafkaerr"
)

// The states of an attempt. An attempt goes from waiting to one of the others, and stays there.
const (
	waiting   int32 = iota // nothing has been written yet
	sending                // the connection has begun to write
	withdrawn              // the caller gave up first, and nothing will be written
)

var (
	errWithdrawn   = errors.New("request withdrawn before it was sent")
	errInterrupted = errors.New("request abandoned while its response was arriving")
)

const forever = 365 * 24 * time.Hour

// Request is what [Ask] sends to one broker.
type Request struct {
	// Message is what to send: one of kafka-go's messages, or a [*Newer], whose response is a *Newer too.
	Message protocol.Message
	// Least is the oldest version of the request that can be used.
	Least int16
	// First makes [Ask] send version 0 of the request, because kafka-go misreads responses to later versions. It is for
	// LeaveGroup, whose version 0 brokers still support.
	First bool
	// Read reads the response from the connection. Nil leaves that to kafka-go.
	Read func(r io.Reader, version int16) (protocol.Message, error)
	// Interrupt bounds the request's time on the connection: see [Interruptible]. The returned function removes the
	// bound, and returns false if the connection is no longer usable. Nil leaves the bound to kafka-go, which obeys the
	// deadline of the context passed to [Ask], but ignores an earlier cancellation.
	Interrupt func(conn Deadliner) (release func() bool)
}

// Deadliner is a connection whose reads and writes end at a deadline.
type Deadliner interface{ SetDeadline(t time.Time) error }

var _ Deadliner = (*protocol.Conn)(nil)

// Interruptible makes the end of ctx interrupt reads and writes on a connection. Otherwise, an abandoned request would
// continue to read its response into memory.
func Interruptible(ctx context.Context, conn Deadliner) (release func() bool) {
	// Set a distant deadline. Without one, each read gets the limit from package dial, which may be shorter than the
	// broker's wait.
	if err := conn.SetDeadline(time.Now().Add(forever)); err != nil {
		return func() bool { return false }
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	return func() bool { return stop() && conn.SetDeadline(time.Time{}) == nil }
}

// attempt is a request that goes through the pool. The pool calls its exported methods. The goroutine that calls [Ask]
// and the connection's goroutine share the attempt, and its state decides whether the request is sent or withdrawn.
type attempt struct {
	Request

	clientID string
	state    atomic.Int32
	version  int16 // used only by the connection's goroutine, which sets it before sending
}

var _ protocol.RawExchanger = (*attempt)(nil)

// ApiKey is called by the pool.
func (a *attempt) ApiKey() protocol.ApiKey { return a.Message.ApiKey() }

// Required stores the version that the connection has negotiated. It runs on the connection's goroutine, as RawExchange
// does.
func (a *attempt) Required(versions map[protocol.ApiKey]int16) bool {
	if newer, ok := a.Message.(*Newer); ok {
		a.version = newer.Version
	} else if !a.First {
		a.version = versions[a.Message.ApiKey()]
	}
	return true
}

// RawExchange writes the request and reads its response.
func (a *attempt) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if a.version < a.Least {
		return nil, fmt.Errorf("%w: it supports %v up to version %d, and %d is needed",
			kafkaerr.ErrTooOld, a.ApiKey(), a.version, a.Least)
	}
	if !a.state.CompareAndSwap(waiting, sending) {
		return nil, errWithdrawn
	}
	conn, ok := rw.(Deadliner)
	if a.Interrupt == nil || !ok {
		return a.exchange(rw)
	}
	release := a.Interrupt(conn)
	message, err := a.exchange(rw)
	if !release() && err == nil {
		return nil, errInterrupted
	}
	return message, err
}

// exchange reads exactly one response, because the connection goes back to the pool.
func (a *attempt) exchange(rw io.ReadWriter) (protocol.Message, error) {
	// A connection carries one request at a time and is closed after an error, so all requests can share one id.
	const id = 1
	if newer, ok := a.Message.(*Newer); ok {
		return newer.exchange(rw, id, a.clientID)
	}
	if err := protocol.WriteRequest(rw, a.version, id, a.clientID, a.Message); err != nil {
		return nil, err
	}
	if a.Read != nil {
		return a.Read(rw, a.version)
	}
	got, response, err := protocol.ReadResponse(rw, a.Message.ApiKey(), a.version)
	if err != nil {
		return nil, err
	}
	if got != id {
		return nil, fmt.Errorf("response to request %d, want %d", got, id)
	}
	return wrapped{response}, nil
}

// wrapped is the response to one of our requests. The pool would mistake a bare metadata response for the response to
// its own request, and panic.
type wrapped struct{ protocol.Message }
