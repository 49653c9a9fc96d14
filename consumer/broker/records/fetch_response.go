// Package records decodes the record sets in fetch responses. It reads all formats since Kafka 0.8, compressed or not,
// and transaction markers (KIP-98).
//
//	partition, err := records.ParseFetch(body, version, number)
//	…
//	decoded, next, err := partition.Decode(ctx, decoders, of, offset, limit)
//
// # Promises
//
// No length, count or size in the bytes is trusted: memory grows with what has arrived, and [Decoders] bounds what is
// unpacked at once. Records of aborted transactions and transaction markers are left out. The next offset never passes
// any other record that was not returned. The package starts no goroutine.
package records

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"leadhit-sync/consumer/broker/wire"
	"leadhit-sync/consumer/event"
)

// Partition is one partition of a fetch response. It points into the response's bytes.
type Partition struct {
	// Code is the broker's error code; 0 means none.
	Code int16
	// HighWatermark is the end of the replicated log. LastStable is the end of what can be read: the start of the first
	// open transaction, or HighWatermark if no transaction is open. LogStart is the oldest offset; -1 if the response
	// does not say.
	HighWatermark, LastStable, LogStart int64

	aborted []abortedTransaction
	set     []byte
}

// abortedTransaction says to skip the producer's transactional records from the offset in first up to the producer's
// next abort marker.
type abortedTransaction struct{ producer, first int64 }

// ParseFetch reads the response to a fetch of one partition, without its correlation id, in any version from 4 to 11.
func ParseFetch(body []byte, version int16, partition int) (Partition, error) {
	var f Partition
	c := wire.Cursor{B: body}
	c.Int32() // throttle time
	if version >= 7 {
		f.Code = c.Int16()
		c.Int32() // session
	}
	topics := c.Int32()
	// A response with a top-level error has no topics, for example when the broker refuses the fetch session.
	if f.Code != 0 && !c.Bad {
		return f, nil
	}
	c.Take(int(c.Int16())) // topic
	partitions := c.Int32()
	number := c.Int32()
	if c.Bad || topics != 1 || partitions != 1 || int(number) != partition {
		return f, fmt.Errorf("%w: fetch response is not for the requested partition", ErrCorrupt)
	}
	f.Code, f.HighWatermark, f.LastStable, f.LogStart = c.Int16(), c.Int64(), c.Int64(), -1
	if version >= 5 {
		f.LogStart = c.Int64()
	}
	for range c.Int32() { // -1 is none
		if f.aborted = append(f.aborted, abortedTransaction{c.Int64(), c.Int64()}); c.Bad {
			break
		}
	}
	if version >= 11 {
		c.Int32() // preferred replica
	}
	f.set = c.Bytes(int64(c.Int32()))
	if c.Bad {
		return f, fmt.Errorf("%w: fetch response is cut short", ErrCorrupt)
	}
	return f, nil
}

// Limit is how many bytes the records of one fetch may take. Overhead is how many bytes the caller adds to each record.
type Limit struct{ Bytes, Overhead int }

// Decode returns the partition's committed records with an offset >= from, in offset order, and the offset to fetch
// next. It stops at the limit; the first record is returned whole, whatever its size. Each record has memory of its
// own. An error after complete records is left to the next fetch, which starts there.
//
// The error is an [*UnreadableError], which matches [ErrCorrupt], or the cause of ctx. Decode stops waiting for a
// decoder when ctx ends.
func (p Partition) Decode(ctx context.Context, decoders *Decoders, of event.Partition, from int64, limit Limit) (
	decoded []event.Record, next int64, err error,
) {
	w := walk{
		of: of, asked: from, next: from, limit: limit, aborted: p.aborted,
		dropped: make(map[int64]bool), names: make(map[string]string),
		decompress: func(codec int8, packed []byte) (io.ReadCloser, error) { return decoders.open(ctx, codec, packed) },
	}
	// Brokers do not promise an order.
	slices.SortFunc(w.aborted, func(a, b abortedTransaction) int { return cmp.Compare(a.first, b.first) })
	if err := w.records(p.set); err != nil {
		return nil, from, err
	}
	return w.out, w.next, nil
}
