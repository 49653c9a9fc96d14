package inspect

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/kafkaerr"
)

// Bounds are the ends of one partition's log.
type Bounds struct {
	// First is the oldest offset that can be read.
	First int64
	// Last is the offset of the next record, or of the first open transaction: committed records can be read only
	// before it.
	Last int64
	// End is the high watermark. It was requested after Last, so it may be higher even without an open transaction.
	End int64
}

// Bounds queries the leaders for the start and the end of each partition's log. It returns an entry for each partition,
// or the first error: [kafkaerr.ErrUnknownPartition], [kafkaerr.ErrNotLeader], [kafkaerr.ErrUnauthorised], or a network
// error.
func (i *Inspector) Bounds(ctx context.Context, topic string, partitions []int) (map[int]Bounds, error) {
	stable, err := i.listOffsets(ctx, topic, partitions, kafka.ReadCommitted, kafka.FirstOffset, kafka.LastOffset)
	if err != nil {
		return nil, err
	}
	end, err := i.listOffsets(ctx, topic, partitions, kafka.ReadUncommitted, kafka.LastOffset)
	if err != nil {
		return nil, err
	}
	bounds := make(map[int]Bounds, len(partitions))
	for _, p := range partitions {
		first, last := stable[p].FirstOffset, stable[p].LastOffset
		bounds[p] = Bounds{First: first, Last: last, End: max(end[p].LastOffset, last)}
	}
	return bounds, nil
}

// OffsetsAt returns, for each partition, the offset of the first record that is not older than the given time, or the
// log's end if all records are older.
func (i *Inspector) OffsetsAt(ctx context.Context, topic string, partitions []int, at time.Time) (
	map[int]int64, error,
) {
	// To Kafka, negative times mean the first and the last offset.
	offsets, err := i.listOffsets(ctx, topic, partitions, kafka.ReadCommitted, max(at.UnixMilli(), 0), kafka.LastOffset)
	if err != nil {
		return nil, err
	}
	found := make(map[int]int64, len(partitions))
	for _, p := range partitions {
		found[p] = offsets[p].LastOffset
		for offset := range offsets[p].Offsets { // one offset; -1 if all records are older
			if offset >= 0 {
				found[p] = offset
			}
		}
	}
	return found, nil
}

// listOffsets requests each partition's offsets at the given times. It returns entries for all partitions, or an error.
func (i *Inspector) listOffsets(
	ctx context.Context, topic string, partitions []int, isolation kafka.IsolationLevel, times ...int64,
) (map[int]kafka.PartitionOffsets, error) {
	found := make(map[int]kafka.PartitionOffsets, len(partitions))
	if len(partitions) == 0 {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, exchange.CallLimit)
	defer cancel()

	var asked []kafka.OffsetRequest
	for _, p := range partitions {
		for _, at := range times {
			asked = append(asked, kafka.OffsetRequest{Partition: p, Timestamp: at})
		}
	}
	response, err := i.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{topic: asked},
		IsolationLevel: isolation,
	})
	if err != nil {
		return nil, kafkaerr.New("list offsets", topic, -1, err)
	}
	for _, p := range response.Topics[topic] {
		if p.Error != nil {
			return nil, kafkaerr.New("list offsets", topic, p.Partition, p.Error)
		}
		found[p.Partition] = p
	}
	for _, p := range partitions {
		if _, ok := found[p]; !ok {
			return nil, kafkaerr.New("list offsets", topic, p, exchange.ErrLeftOut)
		}
	}
	return found, nil
}
