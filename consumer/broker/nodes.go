package broker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Node is one broker of a cluster.
type Node struct {
	ID int
	// Address is the host:port that the broker gives its clients: advertised.listeners.
	Address string
}

// nodesOf returns the brokers of a metadata response, by id.
func nodesOf(brokers []metadata.ResponseBroker) []Node {
	nodes := make([]Node, 0, len(brokers))
	for _, b := range brokers {
		nodes = append(nodes, Node{ID: int(b.NodeID), Address: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return a.ID - b.ID })
	return nodes
}

// Versions are the newest version of each request that a broker takes, by the request's number.
type Versions map[int]int

// TooOld names the release of a broker that cannot serve a worker; ok is true where it can.
func (v Versions) TooOld() (release string, ok bool) {
	newest, known := v[int(fetchKey)]
	switch {
	case known && newest >= oldestFetch:
		return "", true
	case newest == 3:
		return "Kafka 0.10.1 or 0.10.2", false
	case newest == 2:
		return "Kafka 0.10.0", false
	}
	return "a Kafka before 0.10", false
}

// Greet connects to one address as a worker would, TLS and login included, and asks for the versions of requests. Nothing
// is kept of the connection.
func (c *Cluster) Greet(ctx context.Context, address string) (Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, setupLimit)
	defer cancel()

	conn, err := c.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, newError("connect to "+address, "", -1, err)
	}
	// Nothing was written that could be lost by an error of Close.
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, newError("ask "+address, "", -1, err)
	}
	// The end of ctx, which may come before its deadline, ends the waiting.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	defer stop()
	all, err := conn.ApiVersions()
	if err != nil {
		return nil, newError("ask "+address, "", -1, err)
	}
	versions := make(Versions, len(all))
	for _, v := range all {
		versions[int(v.ApiKey)] = int(v.MaxVersion)
	}
	return versions, nil
}

// toNode routes an exchange to one broker.
func toNode(x *exchange, node int) toLeader {
	return toLeader{x, func(cluster protocol.Cluster) (protocol.Broker, error) { return nodeIn(cluster, node) }}
}

func nodeIn(cluster protocol.Cluster, node int) (protocol.Broker, error) {
	broker, ok := cluster.Brokers[int32(node)]
	if !ok {
		return broker, fmt.Errorf("broker %d is not in the cluster", node)
	}
	return broker, nil
}
