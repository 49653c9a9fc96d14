package consumer_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produceAt writes one record whose time is this count of milliseconds. kgo itself cannot write a time beyond 2262. The
// client's versions must be bounded: later ones name topics by ids.
func produceAt(ctx context.Context, client *kgo.Client, topic string, partition int32, ms int64, key, value string) error {
	r := kmsg.NewRecord()
	r.Key, r.Value = []byte(key), []byte(value)
	r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself is one byte while it is 0
	rb := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: ms, MaxTimestamp: ms, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: 1, Records: r.AppendTo(nil),
	}
	b := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))

	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, b
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis, request.Topics = -1, 10_000, append(request.Topics, t)
	if err := client.Ping(ctx); err != nil {
		return err
	}
	var err error
	for _, broker := range client.DiscoveredBrokers() { // one of them leads
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
