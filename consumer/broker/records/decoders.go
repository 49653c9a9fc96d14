package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
	"golang.org/x/sync/semaphore"

	"leadhit-sync/consumer/broker/wire"
)

const (
	// decoders is how many compressed batches are decoded at once in a process.
	decoders = 2
	// largeBatch is the maximum size of a batch, or of a snappy block in a batch, that takes only one decoder. A larger
	// batch or block takes all decoders, because producers may pack 16 MiB into one block.
	largeBatch = 4 << 20
	// largeWindow is the corresponding limit for a zstd window, of which there is only one copy in memory. kafka-go's
	// own producer declares a window of 8 MiB for any batch.
	largeWindow = 8 << 20
)

// Numbers of codecs in the attributes of a batch.
const (
	snappy = 2
	lz4    = 3
	zstd   = 4
)

// ErrCorrupt says that bytes in a log or in a fetch response are not what Kafka writes. Test with errors.Is.
var ErrCorrupt = errors.New("corrupt data")

// Decoders bounds how many compressed batches a process decodes at once, and thus the memory that decoding takes. All
// goroutines in a process share the Decoders from one call of [NewDecoders].
type Decoders struct{ free *semaphore.Weighted }

// NewDecoders returns decoders that are all free.
func NewDecoders() *Decoders { return &Decoders{semaphore.NewWeighted(decoders)} }

// open waits for one decoder, or for all of them. Closing the reader releases them.
func (d *Decoders) open(ctx context.Context, codec int8, packed []byte) (io.ReadCloser, error) {
	known := compress.Compression(codec).Codec()
	if known == nil {
		return nil, fmt.Errorf("%w: compression %d is not known", ErrCorrupt, codec)
	}
	if err := checkClaims(codec, packed); err != nil {
		return nil, err
	}
	takes := weight(codec, packed)
	// A semaphore serves its waiters in order, so a large batch is not starved by small ones.
	if err := d.free.Acquire(ctx, takes); err != nil {
		return nil, context.Cause(ctx)
	}
	return &decoder{ReadCloser: known.NewReader(bytes.NewReader(packed)), done: func() { d.free.Release(takes) }}, nil
}

type decoder struct {
	io.ReadCloser
	done func()
}

func (d *decoder) Close() error {
	defer d.done()
	return d.ReadCloser.Close()
}

// checkClaims refuses compressed bytes that claim an impossible unpacked size, because decoders allocate what is
// claimed. For gzip and lz4, they allocate at most 4 MiB.
func checkClaims(codec int8, packed []byte) error {
	switch codec {
	case snappy:
		return checkSnappy(packed)
	case zstd:
		// Java's decoders accept no larger window either.
		if window := zstdWindow(packed); window > maxUnpacked {
			return fmt.Errorf("%w: zstd with a window of %d bytes, more than %d", ErrCorrupt, window, maxUnpacked)
		}
	}
	return nil
}

// checkSnappy checks each block. Snappy unpacks three bytes to at most 64.
func checkSnappy(packed []byte) error {
	const most, slack = 64/3 + 1, 1 << 10
	blocks := wire.Cursor{B: packed}
	framed := bytes.HasPrefix(packed, []byte(snappyMagic))
	if framed {
		blocks.Take(snappyHeader)
	}
	for len(blocks.B) > 0 {
		block := blocks.B
		if framed {
			block = blocks.Bytes(int64(blocks.Int32()))
		} else {
			blocks.B = nil
		}
		claimed, n := binary.Uvarint(block)
		if blocks.Bad || n > 0 && claimed > uint64(len(block)*most+slack) {
			return fmt.Errorf("%w: a snappy block of %d bytes claims to unpack to %d", ErrCorrupt, len(block), claimed)
		}
	}
	return nil
}

const (
	snappyMagic  = "\x82SNAPPY\x00" // of snappy-java's frames
	snappyHeader = 16
)

// weight returns how many decoders a batch takes. It trusts the batch's first bytes, because decoding fails if they are
// wrong. The windows and blocks of gzip and lz4 are small enough for one decoder.
func weight(codec int8, packed []byte) int64 {
	switch {
	case len(packed) > largeBatch,
		codec == snappy && snappyBlock(packed) > largeBatch,
		codec == zstd && zstdWindow(packed) > largeWindow:
		return decoders
	}
	return 1
}

// snappyBlock returns the unpacked size of the first block. snappy-java's frames have a header of 16 bytes, and the
// packed size before each block.
func snappyBlock(b []byte) uint64 {
	if bytes.HasPrefix(b, []byte(snappyMagic)) {
		b = b[min(snappyHeader+4, len(b)):]
	}
	size, n := binary.Uvarint(b)
	if n <= 0 {
		return 0
	}
	return size
}

// zstdWindow returns the window size of the first frame (RFC 8878, 3.1.1.1). A single-segment frame has no window
// field; the size of its content is the window size.
func zstdWindow(b []byte) uint64 {
	// No header is longer than 18 bytes, and no relevant frame is shorter.
	if len(b) < 18 || binary.LittleEndian.Uint32(b) != 0xfd2fb528 {
		return 0
	}
	descriptor, fields := b[4], b[5:]
	if single := descriptor&0x20 != 0; !single {
		base := uint64(1) << (10 + fields[0]>>3)
		return base + base/8*uint64(fields[0]&7)
	}
	dictionary := [...]int{0, 1, 2, 4}[descriptor&3]
	size := fields[dictionary:]
	switch descriptor >> 6 {
	case 0:
		return uint64(size[0])
	case 1:
		return uint64(binary.LittleEndian.Uint16(size)) + 256
	case 2:
		return uint64(binary.LittleEndian.Uint32(size))
	}
	return binary.LittleEndian.Uint64(size)
}
