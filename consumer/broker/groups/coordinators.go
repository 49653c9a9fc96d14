// Package groups sends requests to the coordinators of consumer groups: it commits offsets, reads committed ones,
// describes a group, and removes a member whose process has ended. A Cluster from package broker has the methods of
// [Coordinators].
//
// A commit for a topic that was deleted and recreated would hide that nothing of the new topic has been read. To
// prevent this, pass the ids from [Coordinators.TopicIDs] to Commit.
//
// [Coordinators.Commit] reports for each partition whether the commit was acknowledged, was refused, may be sent again,
// or is ambiguous. [Again] means that the broker reported the commit as not applied, or that the commit was withdrawn
// before its first byte was written. In any uncertain case, the outcome is [Ambiguous].
//
// Errors come from package kafkaerr or from the network. Package consumer joins groups itself, through kafka-go.
// Coordinators are safe for concurrent use and start no goroutine.
package groups

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// lookupTTL is how long a coordinator is used before it is looked up again, unless a request fails earlier. It must be
// short: a broker that shuts down moves its groups first and closes its connections soon after. A commit on a closed
// connection would be ambiguous.
const lookupTTL = 200 * time.Millisecond

// Coordinators are the brokers that keep the state of consumer groups.
type Coordinators struct {
	pool *exchange.Pool

	mu    sync.Mutex
	known map[string]lookup // by group
}

// lookup says which node was a group's coordinator.
type lookup struct {
	node   int
	at     time.Time
	commit int16 // the newest version of OffsetCommit that the node supports; 0 if that is not known
}

// New returns the coordinators that pool reaches.
func New(pool *exchange.Pool) *Coordinators {
	return &Coordinators{pool: pool, known: make(map[string]lookup)}
}

// ask sends a request to a group's coordinator. A caller that finds an error in the response must call forget.
func ask[T protocol.Message](ctx context.Context, c *Coordinators, group string, x exchange.Request) (
	_ T, sent bool, _ error,
) {
	node, err := c.node(ctx, group)
	if err != nil {
		var none T
		return none, false, err
	}
	response, sent, err := exchange.Ask[T](ctx, c.pool, exchange.ToNode(node), x)
	if err != nil {
		c.forget(group)
	}
	return response, sent, err
}

// node returns the node of a group's coordinator. kafka-go would look it up before each request, and so double the
// requests of a worker that commits often.
func (c *Coordinators) node(ctx context.Context, group string) (int, error) {
	c.mu.Lock()
	last, ok := c.known[group]
	c.mu.Unlock()
	if ok && time.Since(last.at) < lookupTTL {
		return last.node, nil
	}
	at := time.Now()
	x := exchange.Request{Message: &findcoordinator.Request{Key: group}}
	response, _, err := exchange.Ask[*findcoordinator.Response](ctx, c.pool, exchange.Route{}, x)
	if err == nil {
		err = kafkaerr.FromCode(response.ErrorCode)
	}
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := lookup{node: int(response.NodeID), at: at}
	if next.node == last.node {
		next.commit = last.commit
	}
	c.known[group] = next
	return next.node, nil
}

// forget makes the next request look up the group's coordinator, and what it supports.
func (c *Coordinators) forget(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, group)
}
