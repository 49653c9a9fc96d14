package records

import (
	"bytes"
	"context"
	"io"

	"github.com/segmentio/kafka-go/compress"

	"leadhit-sync/consumer/event"
)

// Aborted is an aborted transaction of a fetch response.
type Aborted = abortedTransaction

// NewAborted returns an aborted transaction.
func NewAborted(producer, first int64) Aborted { return Aborted{producer, first} }

// Decoded is what Decode returns.
type Decoded struct {
	Records []event.Record
	Next    int64
}

// Walk goes through a record set as Decode does.
func Walk(set []byte, asked int64, limit Limit, aborted ...Aborted) (Decoded, error) {
	out, next, err := Partition{aborted: aborted, set: set}.Decode(context.Background(), NewDecoders(), event.Partition{},
		asked, limit)
	return Decoded{out, next}, err
}

// Of returns a partition with the given record set.
func Of(set []byte) Partition { return Partition{set: set} }

// Set returns the partition's record set.
func (p Partition) Set() []byte { return p.set }

// Pack compresses data with one of kafka-go's codecs.
func Pack(codec int8, data []byte) []byte {
	var packed bytes.Buffer
	w := compress.Compression(codec).Codec().NewWriter(&packed)
	_, _ = w.Write(data)
	_ = w.Close()
	return packed.Bytes()
}

// Taken returns how many decoders are taken. The number is right only while no caller waits for a decoder.
func (d *Decoders) Taken() int {
	for free := int64(decoders); free > 0; free-- {
		if d.free.TryAcquire(free) {
			d.free.Release(free)
			return decoders - int(free)
		}
	}
	return decoders
}

// Open takes decoders for a batch's packed records. Closing the reader releases them.
func (d *Decoders) Open(ctx context.Context, codec int8, packed []byte) (io.ReadCloser, error) {
	return d.open(ctx, codec, packed)
}

// XXHash32 returns the hash of fewer than 16 bytes.
func XXHash32(b []byte) uint32 { return xxHash32(b) }
