// Package wire reads the primitive types of Kafka's protocol, which its record sets use too
// (https://kafka.apache.org/protocol#protocol_types). Numbers are big-endian. It also reads and writes the compact
// types of the encoding that Kafka calls flexible (KIP-482).
//
//	c := wire.Cursor{B: body}
//	topics := c.Int32()
//	if c.Bad {
//		return errors.New("response is cut short")
//	}
package wire

import (
	"encoding/binary"
	"math"
)

// Cursor reads Kafka's encoding from bytes. A field that is malformed or cut short sets Bad and reads as zero. A caller
// checks Bad once after the last field, and before it trusts a count.
type Cursor struct {
	B []byte // what is left
	// Bad says that a field was malformed or cut short. It stays set, and every later read returns zero.
	Bad bool
}

// Take returns the next n bytes, as a subslice of B; nil if fewer are left.
func (c *Cursor) Take(n int) []byte {
	if n < 0 || n > len(c.B) {
		c.Bad, c.B = true, nil
		return nil
	}
	taken := c.B[:n:n]
	c.B = c.B[n:]
	return taken
}

// Int8 reads 8 bits.
func (c *Cursor) Int8() int8 {
	if b := c.Take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

// Int16 reads 16 bits.
func (c *Cursor) Int16() int16 {
	if b := c.Take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

// Int32 reads 32 bits.
func (c *Cursor) Int32() int32 {
	if b := c.Take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Int64 reads 64 bits.
func (c *Cursor) Int64() int64 {
	if b := c.Take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Varint reads a zigzag-encoded number of up to 64 bits.
func (c *Cursor) Varint() int64 {
	v, n := binary.Varint(c.B)
	if n <= 0 {
		c.Bad, c.B = true, nil
		return 0
	}
	c.B = c.B[n:]
	return v
}

// Uvarint reads an unsigned number, which must fit into 31 bits, as all lengths do.
func (c *Cursor) Uvarint() int {
	v, n := binary.Uvarint(c.B)
	if n <= 0 || v > math.MaxInt32 {
		c.Bad, c.B = true, nil
		return 0
	}
	c.B = c.B[n:]
	return int(v)
}

// Bytes reads n bytes; a negative n means null.
func (c *Cursor) Bytes(n int64) []byte {
	if n < 0 {
		return nil
	}
	return c.Take(int(n))
}

// Compact reads the length of a compact type, which is preceded by a number that is one more. Null has the length 0.
func (c *Cursor) Compact() int { return max(c.Uvarint()-1, 0) }

// CompactString reads a compact string.
func (c *Cursor) CompactString() string { return string(c.Take(c.Compact())) }

// Tags skips tagged fields, each of which has a number and a size.
func (c *Cursor) Tags() {
	for n := c.Uvarint(); n > 0 && !c.Bad; n-- {
		c.Uvarint()
		c.Take(c.Uvarint())
	}
}

// AppendCompact appends the length of a compact type to b.
func AppendCompact(b []byte, length int) []byte { return binary.AppendUvarint(b, uint64(length+1)) }

// AppendCompactString appends a compact string to b.
func AppendCompactString(b []byte, s string) []byte { return append(AppendCompact(b, len(s)), s...) }
