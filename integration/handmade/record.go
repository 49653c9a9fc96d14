// Package handmade writes records that no client would write, for tests of records that old or broken producers have
// stored.
package handmade

import (
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Write writes one record whose timestamp is ms, and waits until all in-sync replicas have it. It builds the batch
// itself, because a time.Time in kgo cannot go beyond the year 2262. The client's protocol versions must be limited to
// those of Kafka 3.6, because later versions identify topics by id.
func Write(ctx context.Context, client *kgo.Client, record *kgo.Record, ms int64) error {
	r := kmsg.NewRecord()
	r.Key, r.Value = record.Key, record.Value
	r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself is one byte while it is 0
	batch := (&kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: 1, Records: r.AppendTo(nil),
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))

	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = record.Partition, batch
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = record.Topic, append(t.Partitions, p)
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis, request.Topics = -1, 10_000, append(request.Topics, t)
	if err := client.Ping(ctx); err != nil {
		return err
	}
	var err error
	for _, broker := range client.DiscoveredBrokers() { // one of them is the leader
		var answer kmsg.Response
		if answer, err = broker.Request(ctx, request); err != nil {
			continue
		}
		produced, _ := answer.(*kmsg.ProduceResponse)
		if err = kerr.ErrorForCode(produced.Topics[0].Partitions[0].ErrorCode); err == nil {
			return nil
		}
	}
	return err
}
