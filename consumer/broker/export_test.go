package broker

import (
	"bytes"
	"context"
	"io"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"leadhit-sync/consumer/broker/exchange"
)

// SendLate makes a commit with ctx, which must have ended, and then passes the commit to a connection anyway. It
// reports whether the commit counts as sent, and how many of its bytes were written.
func (c *Cluster) SendLate(ctx context.Context) (sent bool, left int) {
	pool, caught := *c.pool, &catcher{RoundTripper: c.pool.Transport}
	pool.Transport = caught
	x := exchange.Request{Message: &offsetcommit.Request{GroupID: "sync"}}
	_, sent, _ = exchange.Ask[*offsetcommit.Response](ctx, &pool, exchange.Route{}, x)
	var connection, none bytes.Buffer
	caught.request.Required(map[protocol.ApiKey]int16{protocol.OffsetCommit: 7})
	_, _ = caught.request.RawExchange(struct {
		io.Reader
		io.Writer
	}{&none, &connection})
	return sent, connection.Len()
}

// catcher keeps the request that passes through it, as a connection's goroutine does.
type catcher struct {
	kafka.RoundTripper

	request protocol.RawExchanger
}

// RoundTrip keeps the request and passes it on.
func (c *catcher) RoundTrip(ctx context.Context, addr net.Addr, r kafka.Request) (kafka.Response, error) {
	c.request, _ = r.(protocol.RawExchanger)
	return c.RoundTripper.RoundTrip(ctx, addr, r)
}

// MemoryBudget bounds the large responses of a process; LargeResponse is the size of the largest response that needs no
// share of the budget.
const (
	MemoryBudget  = memoryBudget
	LargeResponse = largeResponse
)

// Enter takes memory for a response, as a connection does. The returned functions release the memory: the connection
// calls read, and the caller calls leave.
func (c *Cluster) Enter(ctx context.Context, size int64) (read, leave func(), err error) {
	s := newMemoryShare(c.memory)
	return s.release, s.release, s.take(ctx, size)
}

// MemoryIsFree reports whether no large response holds any memory.
func (c *Cluster) MemoryIsFree() bool {
	free := c.memory.TryAcquire(memoryBudget)
	if free {
		c.memory.Release(memoryBudget)
	}
	return free
}
