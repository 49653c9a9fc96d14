package broker

import (
	"encoding/binary"
	"fmt"
)

// cursor reads Kafka's encoding from bytes. A field that does not fit sets bad and reads as zero, so a caller checks
// bad once after the last field, and before it trusts a count.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) int8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// varint reads a zigzag number of up to 64 bits.
func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

// bytes reads n bytes; a negative n is null.
func (c *cursor) bytes(n int64) []byte {
	if n < 0 {
		return nil
	}
	if n > int64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	return c.take(int(n))
}

// fetched is one partition of a fetch response. Its slices point into the response.
type fetched struct {
	code                int16
	high, stable, start int64
	aborted             []abortedTransaction
	set                 []byte
}

// abortedTransaction says to skip the producer's transactional records from first on, up to its next abort marker.
type abortedTransaction struct{ producer, first int64 }

// parseFetch reads a response of version 4 to 11 to a request for one partition, after its correlation id.
func parseFetch(body []byte, version int16, partition int) (fetched, error) {
	var f fetched
	if version < oldestFetch {
		return f, fmt.Errorf("%w: it speaks Fetch up to version %d, and %d is needed", ErrTooOld, version, oldestFetch)
	}
	c := cursor{b: body}
	c.int32() // throttle time
	if version >= 7 {
		f.code = c.int16()
		c.int32() // session
	}
	topics := c.int32()
	if f.code != 0 && !c.bad {
		return f, nil
	}
	c.take(int(c.int16())) // topic
	partitions := c.int32()
	number := c.int32()
	if c.bad || topics != 1 || partitions != 1 || int(number) != partition {
		return f, fmt.Errorf("%w: fetch response is not about the partition asked for", ErrCorrupt)
	}
	f.code, f.high, f.stable, f.start = c.int16(), c.int64(), c.int64(), -1
	if version >= 5 {
		f.start = c.int64()
	}
	for range c.int32() { // -1 is none
		if f.aborted = append(f.aborted, abortedTransaction{c.int64(), c.int64()}); c.bad {
			break
		}
	}
	if version >= 11 {
		c.int32() // preferred replica
	}
	f.set = c.bytes(int64(c.int32()))
	if c.bad {
		return f, fmt.Errorf("%w: fetch response is cut short", ErrCorrupt)
	}
	return f, nil
}
