package partitioner_test

import (
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker/partitioner"
)

// producers returns functions that choose partitions as the usual clients do, with code that is not kafka-go's.
func producers() map[string]func(key []byte, partitions int) int {
	fnv1a := func(key []byte) uint32 {
		h := fnv.New32a()
		_, _ = h.Write(key)
		return h.Sum32()
	}
	franz := func(hasher kgo.PartitionerHasher) func([]byte, int) int {
		topic := kgo.StickyKeyPartitioner(hasher).ForTopic("orders")
		return func(key []byte, n int) int { return topic.Partition(&kgo.Record{Key: key}, n) }
	}
	return map[string]func([]byte, int) int{
		"murmur2":           franz(nil),
		"CRC-32":            func(key []byte, n int) int { return int(crc32.ChecksumIEEE(key) % uint32(n)) },
		"FNV-1a":            franz(kgo.SaramaCompatHasher(fnv1a)),
		"FNV-1a, reference": franz(kgo.KafkaHasher(fnv1a)),
	}
}

func TestOnePartitionerExplainsAllKeysThatItPutIntoPartitions(t *testing.T) {
	t.Parallel()
	for name, choose := range producers() {
		c := partitioner.All()
		for i := range 20_000 {
			key, partitions := fmt.Append(nil, "order-", i), 1+i%100
			if !c.Explain(key, choose(key, partitions), partitions) {
				t.Errorf("%s: got no explanation of %s in one of %d partitions", name, key, partitions)
				break
			}
		}
	}
}

func TestNothingExplainsTheKeysOfTwoPartitioners(t *testing.T) {
	t.Parallel()
	for first, one := range producers() {
		for second, other := range producers() {
			c := partitioner.All()
			explained := true
			for i := range 100 {
				key := fmt.Append(nil, "order-", i)
				explained = c.Explain(key, one(key, 6), 6) && c.Explain(key, other(key, 12), 12)
			}
			if explained != (first == second) {
				t.Errorf("%s beside %s: got explained %v", first, second, explained)
			}
		}
	}
}

func TestKeysInPartitionsOfTheirOwnChoiceHaveNoExplanation(t *testing.T) {
	t.Parallel()
	chosen := map[int]bool{}
	for _, choose := range producers() {
		chosen[choose([]byte("4711"), 12)] = true
	}
	for partition := range 12 {
		c := partitioner.All()
		if got := c.Explain([]byte("4711"), partition, 12); got != chosen[partition] {
			t.Errorf("partition %d: got explained %v, want %v", partition, got, chosen[partition])
		}
		if got := c.Explain([]byte("4711"), partition, 1); got != chosen[partition] {
			t.Errorf("partition %d: got explained %v afterwards, want %v", partition, got, chosen[partition])
		}
	}
}

func TestOneOrAnUnknownNumberOfPartitionsSaysNothing(t *testing.T) {
	t.Parallel()
	c := partitioner.All()
	for i := range 100 {
		key := fmt.Append(nil, "order-", i)
		if !c.Explain(key, 0, 1) || !c.Explain(key, i, 0) {
			t.Fatalf("got no explanation of %s, want any key explained", key)
		}
	}
}

func TestAnExplanationAllocatesNothing(t *testing.T) {
	key := []byte("5b6f0d4e-9f6b-4a52-8d55-0c6c5f2f6f3a")
	for name, choose := range producers() {
		c := partitioner.All()
		partition := choose(key, 12)
		c.Explain(key, partition, 12)
		if n := testing.AllocsPerRun(1000, func() { c.Explain(key, partition, 12) }); n >= 1 {
			t.Errorf("%s: got %v allocations for a key, want none", name, n)
		}
	}
}
