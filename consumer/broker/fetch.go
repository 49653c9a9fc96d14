package broker

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"leadhit-sync/consumer/broker/exchange"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

// fetchPatience is how long a response may stall, on top of the broker's own wait. It must exceed the network's
// latency. A frozen leader delays the next attempt by fetchPatience. Over a slow connection, a batch is read to its end
// as long as bytes keep arriving.
const fetchPatience = 3 * time.Second

// responseBytes is how much a broker may send at once. It is less than the memory that the events from a worker's fetch
// may take, because small events take several times their size in memory, and most topics are compressed.
const responseBytes = 256 << 10

var errStalled = fmt.Errorf("nothing has arrived for %v: %w", fetchPatience, context.DeadlineExceeded)

// FetchRequest says what to read from one partition.
type FetchRequest struct {
	Topic     string
	Partition int
	// Offset is the lowest offset to return.
	Offset int64
	// MaxBytes is the size at which the broker cuts the response. The first batch is always sent whole; only the
	// topic's max.message.bytes limits its size. 0 means 256 KiB, or MaxDecoded if that is less.
	MaxBytes int
	// MaxDecoded is the size at which decoding stops: the returned records take at most this many bytes, unless the
	// first record alone takes more. The next fetches return the rest of a well-compressed batch. 0 means four times
	// MaxBytes.
	MaxDecoded int
	// Overhead is how many bytes of memory the caller needs for each record besides its content. These bytes count
	// towards MaxDecoded.
	Overhead int
	// MaxWait is how long the broker waits for the first event. The fetch fails if nothing has arrived three seconds
	// after the end of that wait, or if the response then stalls for three seconds.
	MaxWait time.Duration
	// Uncommitted reads up to the high watermark, including the records of open and aborted transactions. It is for our
	// own topics. We write to them without transactions, and another producer's open transaction must not hide what we
	// wrote.
	Uncommitted bool
}

// Batch is what one fetch returned.
type Batch struct {
	// Records are in offset order, all at or above the requested offset. Each has memory of its own, so that keeping
	// one record does not keep its neighbours in memory.
	Records []event.Record
	// Next is the offset to fetch next. It may have advanced even if there are no records.
	Next int64
	// HighWatermark is the end of the replicated log. LastStable is the end of what can be read: the start of the first
	// open transaction, or HighWatermark if no transaction is open. LogStart is the oldest offset. With
	// kafkaerr.ErrOffsetOutOfRange, all three are -1.
	HighWatermark, LastStable, LogStart int64
}

// Fetch reads records of one partition from its leader. It reads only committed records, unless the request says
// otherwise. After an error the Batch has no records, and its Next is the requested offset.
//
// Errors: [kafkaerr.ErrOffsetOutOfRange] (Bounds returns where the log starts and ends now),
// [kafkaerr.ErrUnknownPartition], [kafkaerr.ErrNotLeader], [kafkaerr.ErrUnauthorised], [records.ErrCorrupt]; anything
// else comes from the network.
func (c *Cluster) Fetch(ctx context.Context, req FetchRequest) (Batch, error) {
	if req.MaxBytes <= 0 {
		req.MaxBytes = responseBytes
		if req.MaxDecoded > 0 {
			req.MaxBytes = min(req.MaxDecoded, responseBytes)
		}
	}
	if req.MaxDecoded <= 0 {
		req.MaxDecoded = 4 * req.MaxBytes
	}
	batch, err := c.fetch(ctx, req)
	if err != nil {
		batch.Records, batch.Next = nil, req.Offset
		return batch, kafkaerr.New("fetch", req.Topic, req.Partition, err)
	}
	return batch, nil
}

func (c *Cluster) fetch(ctx context.Context, req FetchRequest) (Batch, error) {
	none := Batch{HighWatermark: -1, LastStable: -1, LogStart: -1}
	raw, err := c.exchangeFetch(ctx, req)
	if err != nil {
		return none, err
	}
	defer raw.memory.release()
	defer c.recycle(raw.body)

	partition, err := records.ParseFetch(*raw.body, raw.version, req.Partition)
	if err != nil {
		return none, err
	}
	batch := Batch{HighWatermark: partition.HighWatermark, LastStable: partition.LastStable, LogStart: partition.LogStart}
	if partition.Code != 0 {
		return batch, kafkaerr.FromCode(partition.Code)
	}
	of := event.Partition{Topic: req.Topic, Number: req.Partition}
	defer c.DecodeSlot(ctx)()
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	batch.Records, batch.Next, err = partition.Decode(ctx, c.decoders, of, req.Offset, records.Limit{
		Bytes: req.MaxDecoded, Overhead: req.Overhead,
	})
	return batch, err
}

// exchangeFetch sends the request and returns the response; the caller must release the response's memory. If ctx ends,
// exchangeFetch returns, and the connection stops reading.
func (c *Cluster) exchangeFetch(ctx context.Context, req FetchRequest) (*rawFetch, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(req.MaxWait+fetchPatience, func() { cancel(errStalled) })
	defer stalled.Stop()
	memory := newMemoryShare(c.memory)
	message := fetchMessage(req)
	x := exchange.Request{
		Message: message, Least: inspect.OldestFetch,
		Interrupt: func(conn exchange.Deadliner) (release func() bool) { return exchange.Interruptible(ctx, conn) },
		Read: func(r io.Reader, version int16) (protocol.Message, error) {
			body, err := c.body(ctx, r, memory, stalled)
			if err != nil {
				return nil, err
			}
			return &rawFetch{body: body, version: version, memory: memory}, nil
		},
	}
	response, _, err := exchange.Ask[*rawFetch](ctx, c.pool, exchange.ToBroker(message.Broker), x)
	if err != nil {
		memory.release()
		if ctx.Err() != nil { // otherwise a race would decide the error's text
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return response, nil
}

// fetchMessage returns the request for records of one partition, outside any fetch session (KIP-227).
func fetchMessage(req FetchRequest) *fetch.Request {
	isolation := int8(kafka.ReadCommitted)
	if req.Uncommitted {
		isolation = int8(kafka.ReadUncommitted)
	}
	return &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(req.MaxWait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       int32(req.MaxBytes),
		IsolationLevel: isolation,
		SessionEpoch:   -1,
		Topics: []fetch.RequestTopic{{
			Topic: req.Topic,
			Partitions: []fetch.RequestPartition{{
				Partition:          int32(req.Partition),
				CurrentLeaderEpoch: -1,
				FetchOffset:        req.Offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  int32(req.MaxBytes),
			}},
		}},
	}
}

// rawFetch is an undecoded fetch response. The connection reads it, and the caller decodes it.
type rawFetch struct {
	body    *[]byte
	version int16
	memory  *memoryShare
}

// ApiKey makes rawFetch a protocol.Message, as the pool requires of each response.
func (*rawFetch) ApiKey() protocol.ApiKey { return protocol.Fetch }
