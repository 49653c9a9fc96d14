// Package partitioner recognises the usual partitioners by the partitions that they choose for keys.
//
// A key stays in one partition only if all producers choose partitions in the same way. Only the producers know how
// they choose, but their records show it.
package partitioner

import (
	"slices"

	"github.com/segmentio/kafka-go"
)

// Candidates are the partitioners that map every key seen so far to the partition in which it was found. Create them
// with [All]. Only one goroutine at a time may use them.
type Candidates struct {
	left    []kafka.Balancer
	numbers []int // 0, 1, 2 …: kafka-go takes a list of partitions
}

// All returns the usual partitioners: murmur2 (Java, franz-go and most others), CRC-32 (librdkafka and the clients that
// are built on it), and both forms of FNV-1a (Sarama, kafka-go).
func All() *Candidates {
	return &Candidates{left: []kafka.Balancer{
		kafka.Murmur2Balancer{}, kafka.CRC32Balancer{}, &kafka.Hash{}, &kafka.ReferenceHash{},
	}}
}

// Explain reports whether at least one partitioner maps this key and all earlier keys to their partitions. The key must
// not be empty, because producers spread keyless records. partitions is the topic's partition count; 0 if the count is
// not known.
func (c *Candidates) Explain(key []byte, partition, partitions int) bool {
	if partitions > 1 {
		for n := len(c.numbers); n < partitions; n++ {
			c.numbers = append(c.numbers, n)
		}
		record := kafka.Message{Key: key}
		c.left = slices.DeleteFunc(c.left, func(b kafka.Balancer) bool {
			return b.Balance(record, c.numbers[:partitions]...) != partition
		})
	}
	return len(c.left) > 0
}
