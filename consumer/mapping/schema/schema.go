// Package schema turns Avro and Protobuf payloads into JSON.
//
//	id, payload, framed := schema.Frame(value)
//	s, err := lookup(ctx, id)
//	text, err := s.JSON(payload)
//
// A whole number becomes its digits, even above 2^53. A decimal becomes its digits with the point. An enum becomes its
// symbol, and bytes become base64. A union becomes its value or null, never an object that names the branch. A Protobuf
// field without presence that is not on the wire appears with its default, so an enum's zero differs from a field that
// the schema lacks. Names are the schema's (order_id, not orderId), and fields are in the schema's order. JSON has no
// NaN and no infinities, so they become strings. The bytes of a string are kept even if they are not UTF-8, although
// Protobuf itself refuses such a string.
//
// A payload comes from outside and may claim any length, count or depth. Memory is bounded by the payload's own size
// and a constant, whatever the payload claims. A payload that is cut short, has bytes left over or exceeds the limits
// is refused as ErrNotDecodable. Errors name types, fields and places, never a value.
//
// A Schema never changes and is safe for concurrent use. The package does no I/O of its own, starts nothing that
// outlives a call, and keeps no state.
package schema

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrUnknown says that there is no schema with this id.
	ErrUnknown = errors.New("schema: unknown id")
	// ErrUnreachable says that the schema could not be looked up now. The same lookup may succeed later.
	ErrUnreachable = errors.New("schema: not reachable")
	// ErrNotDecodable says that a payload does not fit its schema or exceeds the limits, or that a schema's text is not
	// a schema. A retry does not help.
	ErrNotDecodable = errors.New("schema: not decodable")
)

// maxText limits the size of a schema together with the schemas that it refers to, in bytes.
const maxText = 4 << 20

// A Lookup finds the schema with the id in a frame. Its error wraps ErrUnknown, ErrUnreachable or ErrNotDecodable, or
// is the context's cause.
type Lookup func(ctx context.Context, id int) (*Schema, error)

// A Schema reads the payloads that were written with it.
type Schema struct {
	decode func(payload []byte) ([]byte, error)
}

// A Reference is another schema that a schema's text refers to. Name is the path in a Protobuf import statement; Avro
// uses the names inside Text.
type Reference struct {
	Name, Text string
}

// Frame splits a value into the id of its schema and the payload. Byte 0 is zero, and the next four bytes are the id,
// big-endian. ok is false if the value does not start this way. The payload shares the value's memory.
func Frame(value []byte) (id int, payload []byte, ok bool) {
	if len(value) < 5 || value[0] != 0 {
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint32(value[1:])), value[5:], true
}

// JSON returns the schema of payloads that are JSON already. Such payloads are returned without being parsed.
func JSON() *Schema {
	return &Schema{decode: func(payload []byte) ([]byte, error) { return payload, nil }}
}

// JSON decodes a payload, the part of a frame after the id. An error is always an ErrNotDecodable, even if one of the
// libraries panics, because otherwise the same event would crash one worker after another.
func (s *Schema) JSON(payload []byte) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			text, err = nil, refuse("the decoder panicked: %T", p)
		}
	}()
	return s.decode(payload)
}

// refuse returns the error for a payload or a schema that cannot be read.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNotDecodable}, args...)...)
}

// checkSize refuses a schema that, with its references, is larger than any schema needs to be.
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
