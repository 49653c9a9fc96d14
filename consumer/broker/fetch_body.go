package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"leadhit-sync/consumer/broker/dial"
)

const (
	maxPooled = 1 << 20
	pageSize  = 64 << 10
)

// body reads a response: its size, its correlation id, and the rest into a pooled buffer. A large response waits for
// its share of the memory budget. Each piece that arrives resets the stall timer.
func (c *Cluster) body(ctx context.Context, r io.Reader, memory *memoryShare, stalled *time.Timer) (*[]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	// The size includes the correlation id, which is not needed here.
	size := int64(binary.BigEndian.Uint32(head[:])) - 4
	if size < 0 || size > dial.MaxResponse {
		return nil, fmt.Errorf("response of %d bytes: %w", size, dial.ErrNotKafka)
	}
	stalled.Stop() // the timer must not run while the broker waits for us
	if err := memory.take(ctx, size); err != nil {
		return nil, err
	}
	defer memory.release()
	stalled.Reset(fetchPatience)
	buffer, ok := c.buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	return buffer, readBody(progress{r, stalled}, buffer, int(size))
}

// readBody reads size bytes into the buffer. Memory for a large response is allocated as it arrives, because the
// announced size is only a claim.
func readBody(r io.Reader, buffer *[]byte, size int) error {
	b := (*buffer)[:0]
	for len(b) < size {
		if len(b) == cap(b) {
			most := min(size, max(largeResponse, 2*len(b)))
			grown := make([]byte, len(b), (most+pageSize-1)/pageSize*pageSize)
			copy(grown, b)
			b = grown
		}
		n, err := io.ReadFull(r, b[len(b):min(size, cap(b))])
		b = b[:len(b)+n]
		if err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF // the size announced more bytes
			}
			return err
		}
	}
	*buffer = b
	return nil
}

// progress resets a timer with each piece that arrives.
type progress struct {
	io.Reader
	stalled *time.Timer
}

func (p progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.stalled.Reset(fetchPatience)
	return n, err
}

// recycle takes back a buffer whose bytes are no longer used. A large buffer is dropped, so that a record of 8 MiB does
// not keep 8 MiB in use.
func (c *Cluster) recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		c.buffers.Put(buffer)
	}
}
