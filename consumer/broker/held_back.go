package broker

import (
	"context"
	"time"
)

// HeldBack describes the events of one partition that cannot be read because of an open transaction.
type HeldBack struct {
	// Offset is the last stable offset: where the first open transaction starts.
	Offset int64
	// Events is the number of offsets from Offset to the end of the log, transaction markers included.
	Events int64
	// First is the time of the first record at or after Offset; zero if that record has no time.
	First time.Time
}

// HeldBack returns what cannot be read in each partition that has an open transaction, however recent the transaction
// is.
func (c *Cluster) HeldBack(ctx context.Context, topic string, partitions []int) (map[int]HeldBack, error) {
	bounds, err := c.Bounds(ctx, topic, partitions)
	if err != nil {
		return nil, err
	}
	held := make(map[int]HeldBack)
	for _, p := range partitions {
		if bounds[p].End <= bounds[p].Last {
			continue
		}
		// Take the last stable offset and the high watermark from one response, because events may arrive between two
		// responses.
		batch, err := c.Fetch(ctx, FetchRequest{
			Topic: topic, Partition: p, Offset: bounds[p].Last, MaxBytes: 1, MaxDecoded: 1,
		})
		if err != nil {
			return nil, err
		}
		if batch.LastStable < 0 || batch.HighWatermark <= batch.LastStable {
			continue
		}
		first, err := c.TimeAt(ctx, topic, p, batch.LastStable)
		if err != nil {
			return nil, err
		}
		held[p] = HeldBack{Offset: batch.LastStable, Events: batch.HighWatermark - batch.LastStable, First: first}
	}
	return held, nil
}

// TimeAt returns the time of the first record at or after an offset, committed or not. It returns the zero time if
// there is no such record, or if the record has no time. Each call transfers one batch.
func (c *Cluster) TimeAt(ctx context.Context, topic string, partition int, offset int64) (time.Time, error) {
	batch, err := c.Fetch(ctx, FetchRequest{
		Topic: topic, Partition: partition, Offset: offset, MaxBytes: 1, MaxDecoded: 1, Uncommitted: true,
	})
	if err != nil || len(batch.Records) == 0 {
		return time.Time{}, err
	}
	return batch.Records[0].Time, nil
}
