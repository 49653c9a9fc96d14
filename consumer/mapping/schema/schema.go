// Package schema turns payloads that need a schema to be read, Avro and Protobuf, into JSON bytes.
//
// It promises that a value keeps what it was written as. A whole number is its digits, above 2^53 too; a decimal its
// digits with the point; an enum its symbol; a union its value or null, never an object that names the branch; bytes
// are base64. A Protobuf field without presence that is not on the wire stands with its default, so that an enum's zero
// can be told from a field that the schema lacks. Names are those of the schema (order_id, not orderId), and fields
// come in its order. NaN and the infinities, which JSON lacks, become strings. A string's bytes are kept even where
// they are not UTF-8, except that Protobuf itself refuses such a string.
//
// A payload is material from outside: it may lie about lengths, counts and depth. Memory is bounded by the payload's
// own size and a constant, whatever it claims, and a payload that is cut short, runs on after its end or would unfold
// beyond the limits is refused as ErrNotDecodable. Errors name types, fields and places, never a value.
//
// A Schema never changes and is safe for concurrent use. The package does no I/O of its own, starts nothing that
// outlives a call and keeps no state.
package schema

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrUnknown says that nobody has a schema with this id, today or later.
	ErrUnknown = errors.New("schema: unknown id")
	// ErrUnreachable says that nobody could be asked for the schema now. The same question may be answered later.
	ErrUnreachable = errors.New("schema: not reachable")
	// ErrNotDecodable says that a payload does not fit its schema or unfolds beyond the limits, or that a schema's text
	// is none. Asking again changes nothing.
	ErrNotDecodable = errors.New("schema: not decodable")
)

// maxText is the most bytes that a schema's text may have, together with what it refers to.
const maxText = 4 << 20

// A Lookup finds the schema with the id that stands in a frame. Its errors are ErrUnknown, ErrUnreachable and
// ErrNotDecodable, wrapped, or the context's.
type Lookup func(ctx context.Context, id int) (*Schema, error)

// A Schema reads the payloads that were written with it.
type Schema struct {
	decode func(payload []byte) ([]byte, error)
}

// A Reference is another schema that a schema's text builds upon. Name is the path in a Protobuf import statement;
// Avro finds by the names inside of Text.
type Reference struct {
	Name, Text string
}

// Frame splits a value into the id of its schema and the payload behind it: byte 0 is zero, the id four bytes, the
// highest first. It is not ok when the value has no such head. The payload shares the value's memory.
func Frame(value []byte) (id int, payload []byte, ok bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint32(value[1:])), value[5:], true
}

// JSON is the schema of payloads that are JSON already: they come back as they are, unread.
func JSON() *Schema {
	return &Schema{decode: func(payload []byte) ([]byte, error) { return payload, nil }}
}

// JSON reads a payload, the part of a frame behind the id. An error is always an ErrNotDecodable. That holds if one of
// the libraries panics, too: the same event would otherwise end each worker that it comes to, one after the other.
func (s *Schema) JSON(payload []byte) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = nil, refuse("the decoder panicked: %T", p)
		}
	}()
	return s.decode(payload)
}

// refuse is the error of a payload or a text that cannot be read.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNotDecodable}, args...)...)
}

// checkSize refuses a text, with what it refers to, that is larger than any schema needs to be.
func checkSize(text string, references []Reference) error {
	size := len(text)
	for _, r := range references {
		size += len(r.Text)
	}
	if size > maxText {
		return refuse("the schema has %d bytes, more than %d", size, maxText)
	}
	return nil
}
