// Package exchange lets kafka-go route requests, but writes them and reads their responses itself. kafka-go has
// protocol.RawExchanger for an old form of SASL. We use it to get what kafka-go's own requests do not offer:
//
//   - whether a request without a response was ever sent. An error alone does not show this: a deadline may pass while
//     the pool dials or waits for a response, and an EOF may come from the setup of a connection too.
//   - current metadata. kafka-go returns its cache for as long as no broker responds.
//   - fetch responses as bytes. kafka-go decodes them on the connection's goroutine. There, nothing bounds how many
//     responses are decoded at once or how large they get, and a panic ends the process. kafka-go also drops a batch's
//     last offset.
//
// [Ask] sends a [Request] to the broker that a [Route] chooses. The package starts no goroutine. A connection's
// goroutine, which belongs to kafka-go's pool, writes the request and reads the response.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// CallLimit bounds each call except Fetch, Append and Greet, which have limits of their own.
const CallLimit = 10 * time.Second

// ErrLeftOut says that a response does not mention what was requested.
var ErrLeftOut = errors.New("the response does not mention it")

// Pool is the process's one pool of connections to a cluster.
type Pool struct {
	// Addr names the brokers to contact first.
	Addr net.Addr
	// Transport routes requests and keeps the connections.
	Transport kafka.RoundTripper
	// ClientID identifies this process in the brokers' logs and quotas.
	ClientID string
	// Explain adds to an error what a connection knows about the failure.
	Explain func(error) error
}

// Client returns a client that makes kafka-go's own requests over the pool.
func (p *Pool) Client() *kafka.Client { return &kafka.Client{Addr: p.Addr, Transport: p.Transport} }

// Route chooses the broker that gets a request. The zero Route chooses any broker.
type Route struct {
	choose func(protocol.Cluster) (protocol.Broker, error)
}

// ToBroker routes a request to the broker that choose finds in the pool's metadata, such as a partition's leader.
func ToBroker(choose func(protocol.Cluster) (protocol.Broker, error)) Route {
	return Route{choose: choose}
}

// ToNode routes a request to the broker with the given id.
func ToNode(node int) Route {
	return ToBroker(func(cluster protocol.Cluster) (protocol.Broker, error) { return Node(cluster, node) })
}

// request returns the attempt as a type that has the method for its route. The pool checks which methods a request has.
func (r Route) request(a *attempt) kafka.Request {
	if r.choose != nil {
		return toBroker{a, r.choose}
	}
	return a
}

type toBroker struct {
	*attempt
	choose func(protocol.Cluster) (protocol.Broker, error)
}

// Broker is called by the pool.
func (t toBroker) Broker(cluster protocol.Cluster) (protocol.Broker, error) { return t.choose(cluster) }

// Node finds a broker by its id.
func Node(cluster protocol.Cluster, node int) (protocol.Broker, error) {
	broker, ok := cluster.Brokers[int32(node)]
	if !ok {
		return broker, fmt.Errorf("broker %d is not in the cluster", node)
	}
	return broker, nil
}

// Ask sends a request and returns its response, which must be a T. After an error, sent reports whether any byte of the
// request may have been sent; false means that certainly none was.
func Ask[T protocol.Message](ctx context.Context, p *Pool, to Route, r Request) (_ T, sent bool, _ error) {
	var none T
	a := &attempt{Request: r, clientID: p.ClientID}
	response, err := p.Transport.RoundTrip(ctx, p.Addr, to.request(a))
	if err != nil {
		return none, !a.state.CompareAndSwap(waiting, withdrawn), p.Explain(err)
	}
	if ours, ok := response.(wrapped); ok {
		response = ours.Message
	}
	typed, ok := response.(T)
	if !ok {
		return none, true, fmt.Errorf("response is a %T", response)
	}
	return typed, true, nil
}
