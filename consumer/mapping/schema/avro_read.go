package schema

import (
	"encoding/binary"
	"encoding/hex"
	"math"
)

// An avroReader goes through a payload once and writes each value as soon as it is read. It keeps no value, and never
// allocates based on a length or a count that the payload claims. Each step writes at least one byte, so the limit on
// the output also limits the work.
type avroReader struct {
	*writer

	in []byte
	at int
}

// value reads one value of the node's type.
func (r *avroReader) value(n *avroNode) error {
	// Null and an empty record take no bytes on the wire, so only the limit on the output bounds their number in an array.
	if err := r.room(); err != nil {
		return err
	}
	switch n.kind {
	case avroRecord:
		return r.record(n, len(n.fields))
	case avroArray:
		return r.blocks(n.item, '[', ']', func() error { return nil })
	case avroMap:
		return r.blocks(n.item, '{', '}', r.key)
	case avroUnion:
		branch, err := r.index("union", len(n.branches))
		if err != nil {
			return err
		}
		return r.value(n.branches[branch])
	case avroEnum:
		symbol, err := r.index(n.name, len(n.symbols))
		if err != nil {
			return err
		}
		r.raw(n.symbols[symbol])
		return nil
	case avroBytes, avroString, avroFixed, avroDecimal, avroUUID:
		return r.text(n)
	case avroInt, avroLong:
		return r.integer(n)
	case avroBoolean:
		return r.boolean()
	case avroFloat:
		return r.real(32)
	case avroDouble:
		return r.real(64)
	case avroNull:
	}
	r.raw("null")
	return nil
}

// root reads the whole payload. Some producers name a newer schema than the one they write with, in which case the
// record's last fields are not on the wire. If the payload ends right before such fields and all of them have a
// default, they are absent. The default itself is never used, because the producer did not send it.
func (r *avroReader) root(n *avroNode) error {
	if n.kind != avroRecord {
		return r.value(n)
	}
	last := len(n.fields)
	// At least the first field must be there. An empty payload is not a record with all fields left out.
	for last > 1 && n.fields[last-1].hasDefault {
		last--
	}
	return r.record(n, last)
}

// record reads fields in the schema's order. optional is the index of the first field that may be missing, so the
// payload may end before that field or before any later field.
func (r *avroReader) record(n *avroNode, optional int) error {
	if err := r.open('{'); err != nil {
		return err
	}
	for i, f := range n.fields {
		if i >= optional && r.at == len(r.in) && !f.node.weightless() {
			break
		}
		r.next()
		r.raw(f.member)
		if err := r.value(f.node); err != nil {
			return err
		}
	}
	r.close('}')
	return nil
}

// blocks reads an array's or a map's items. Each block is a count and that many items, and the last block is empty. A
// negative count is followed by the block's size in bytes.
func (r *avroReader) blocks(item *avroNode, open, closing byte, key func() error) error {
	if err := r.open(open); err != nil {
		return err
	}
	for {
		count, end, err := r.block()
		if err != nil {
			return err
		}
		if count == 0 {
			break
		}
		if err := r.items(count, item, key); err != nil {
			return err
		}
		// A reader that skips a block by its size would continue at end, so the items must end there too.
		if end >= 0 && r.at != end {
			return refuse("avro: at byte %d: a block should end at byte %d", r.at, end)
		}
	}
	r.close(closing)
	return nil
}

// items reads the items of one block.
func (r *avroReader) items(count int64, item *avroNode, key func() error) error {
	for range count {
		r.next()
		if err := key(); err != nil {
			return err
		}
		if err := r.value(item); err != nil {
			return err
		}
	}
	return nil
}

// block reads the head of a block: the number of items, and where the block ends, or -1 if the head does not say.
func (r *avroReader) block() (count int64, end int, err error) {
	count, err = r.varint()
	if err != nil || count >= 0 {
		return count, -1, err
	}
	// The negative of MinInt64 does not fit into an int64.
	if count == math.MinInt64 {
		return 0, 0, refuse("avro: at byte %d: a block's count is out of range", r.at)
	}
	size, err := r.length()
	return -count, r.at + size, err
}

// key reads a map's key.
func (r *avroReader) key() error {
	key, err := r.counted()
	if err != nil {
		return err
	}
	r.string(key)
	r.raw(":")
	return nil
}

// text reads a value that is a sequence of bytes on the wire.
func (r *avroReader) text(n *avroNode) error {
	read := r.counted
	if n.size >= 0 {
		read = func() ([]byte, error) { return r.take(n.size) }
	}
	v, err := read()
	if err != nil {
		return err
	}
	switch n.kind {
	case avroString:
		r.string(v)
	case avroDecimal:
		return r.decimal(v, n.scale)
	case avroUUID:
		h := hex.EncodeToString(v)
		r.raw(`"` + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:] + `"`)
	default:
		r.bytes(v)
	}
	return nil
}

// integer reads an int or a long.
func (r *avroReader) integer(n *avroNode) error {
	start := r.at
	v, err := r.varint()
	if err != nil {
		return err
	}
	if n.kind == avroInt && (v < math.MinInt32 || v > math.MaxInt32) {
		return refuse("avro: at byte %d: an int is out of range", start)
	}
	r.int(v)
	return nil
}

// boolean reads a byte that is 0 or 1.
func (r *avroReader) boolean() error {
	v, err := r.take(1)
	if err != nil {
		return err
	}
	if v[0] > 1 {
		return refuse("avro: at byte %d: a boolean is neither 0 nor 1", r.at-1)
	}
	r.bool(v[0] == 1)
	return nil
}

// real reads a float or a double, little-endian.
func (r *avroReader) real(bits int) error {
	v, err := r.take(bits / 8)
	if err != nil {
		return err
	}
	if bits == 32 {
		r.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), bits)
	} else {
		r.float(math.Float64frombits(binary.LittleEndian.Uint64(v)), bits)
	}
	return nil
}

// index reads the number of a branch or a symbol.
func (r *avroReader) index(what string, n int) (int, error) {
	start := r.at
	v, err := r.varint()
	if err != nil {
		return 0, err
	}
	if v < 0 || v >= int64(n) {
		return 0, refuse("avro: at byte %d: %s has no number %d", start, what, v)
	}
	return int(v), nil
}

// counted reads a length, and then that many bytes.
func (r *avroReader) counted() ([]byte, error) {
	n, err := r.length()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

// length reads a length in bytes, and refuses a length that reaches beyond the end of the payload.
func (r *avroReader) length() (int, error) {
	start := r.at
	v, err := r.varint()
	if err != nil {
		return 0, err
	}
	if v < 0 || v > int64(len(r.in)-r.at) {
		return 0, refuse("avro: at byte %d: a length of %d, more than the %d that are left", start, v, len(r.in)-r.at)
	}
	return int(v), nil
}

// take reads n bytes. They share the payload's memory.
func (r *avroReader) take(n int) ([]byte, error) {
	if n > len(r.in)-r.at {
		return nil, refuse("avro: at byte %d: cut short", r.at)
	}
	r.at += n
	return r.in[r.at-n : r.at], nil
}

// varint reads a zig-zag number of at most 64 bits.
func (r *avroReader) varint() (int64, error) {
	v, n := binary.Varint(r.in[r.at:])
	if n <= 0 {
		return 0, refuse("avro: at byte %d: not a whole number", r.at)
	}
	r.at += n
	return v, nil
}
