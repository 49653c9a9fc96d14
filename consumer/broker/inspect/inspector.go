// Package inspect reads what a cluster reports about its brokers, topics, settings and rights, and where partitions'
// logs start and end. It changes nothing. A Cluster from package broker has the methods of an [Inspector], so its
// callers need this package only for the result types.
//
// Metadata comes from a broker, not from the pool's cache, and no request creates a topic. A setting or permission that
// we are not allowed to see is unknown, which is not an error.
//
// Errors come from package kafkaerr or from the network. An Inspector is safe for concurrent use and starts no
// goroutine.
package inspect

import (
	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/exchange"
)

// Inspector sends the requests of this package to one cluster.
type Inspector struct {
	pool    *exchange.Pool
	client  *kafka.Client
	members *kafka.Dialer
}

// New returns an Inspector that sends its requests over pool. Only Greet opens connections of its own, through members.
func New(pool *exchange.Pool, members *kafka.Dialer) *Inspector {
	return &Inspector{pool: pool, client: pool.Client(), members: members}
}
