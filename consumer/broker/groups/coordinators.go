// Package groups sends requests to the coordinators of consumer groups: it commits offsets, reads committed ones,
// describes a group, and removes a member whose process has ended. A Cluster from package broker has the methods of
// [Coordinators].
//
// [Coordinators.Commit] reports for each partition whether the commit was acknowledged, was refused, may be sent again,
// or is ambiguous. [Again] means that the broker reported the commit as not applied, or that the commit was withdrawn
// before its first byte was written. In any uncertain case, the outcome is [Ambiguous].
//
// Errors come from package kafkaerr or from the network. Package consumer joins groups itself, through kafka-go.
// Coordinators are safe for concurrent use and start no goroutine.
package groups

import "leadhit-sync/consumer/broker/exchange"

// Coordinators are the brokers that keep the state of consumer groups.
type Coordinators struct{ pool *exchange.Pool }

// New returns the coordinators that pool reaches.
func New(pool *exchange.Pool) *Coordinators { return &Coordinators{pool: pool} }
