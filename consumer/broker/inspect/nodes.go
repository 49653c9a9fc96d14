package inspect

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"leadhit-sync/consumer/broker/kafkaerr"
)

// Node is one broker of a cluster.
type Node struct {
	ID int
	// Address is the host:port that the broker gives its clients, from advertised.listeners.
	Address string
}

// nodesOf returns the brokers of a metadata response, sorted by id.
func nodesOf(brokers []metadata.ResponseBroker) []Node {
	nodes := make([]Node, 0, len(brokers))
	for _, b := range brokers {
		nodes = append(nodes, Node{ID: int(b.NodeID), Address: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return a.ID - b.ID })
	return nodes
}

// Greet connects to one address as a worker would, TLS and login included. tooOld names the release of a broker that
// cannot serve a worker; it is empty if the broker can. Greet closes the connection.
func (i *Inspector) Greet(ctx context.Context, address string) (tooOld string, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.members.Timeout)
	defer cancel()

	conn, err := i.members.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", kafkaerr.New("connect to "+address, "", -1, err)
	}
	// Nothing was written that a failed Close could lose.
	defer func() { _ = conn.Close() }()
	// Nothing else would end the wait for the response when ctx ends.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	defer stop()
	versions, err := conn.ApiVersions()
	if err != nil {
		return "", kafkaerr.New("ask "+address+" for its API versions", "", -1, err)
	}
	return oldRelease(versions), nil
}

// OldestFetch is the oldest version of Fetch that a worker can use. It came with Kafka 0.11, as did record headers and
// transactions.
const OldestFetch = 4

// oldRelease names the release of a broker that supports the given versions, if that release is older than Kafka 0.11.
func oldRelease(versions []kafka.ApiVersion) string {
	newest := -1
	for _, v := range versions {
		if v.ApiKey == int16(protocol.Fetch) {
			newest = int(v.MaxVersion)
		}
	}
	switch {
	case newest >= OldestFetch:
		return ""
	case newest == 3:
		return "Kafka 0.10.1 or 0.10.2"
	case newest == 2:
		return "Kafka 0.10.0"
	}
	return "a Kafka release before 0.10"
}
