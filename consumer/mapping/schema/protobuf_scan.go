package schema

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxValues limits the values in a Protobuf payload. A value takes as little as one byte on the wire, but up to a few
// hundred in memory, so the values are counted before the library decodes them. A packed number counts once for each of
// its bytes.
const maxValues = 1 << 16

// scan subtracts the number of values in a message's bytes from w.values, and refuses nesting that is too deep.
func (w *protoWriter) scan(m protoreflect.MessageDescriptor, b []byte, depth int) error {
	if depth > maxDepth {
		return refuse("protobuf: messages are nested more than %d deep", maxDepth)
	}
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return refuse("protobuf: %s: %w", m.FullName(), protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, wire, b)
		if n < 0 {
			return refuse("protobuf: %s: %w", m.FullName(), protowire.ParseError(n))
		}
		w.values--
		if field := m.Fields().ByNumber(number); field != nil {
			if err := w.scanField(field, wire, b[:n], depth); err != nil {
				return err
			}
		}
		if w.values < 0 {
			return refuse("protobuf: the message holds more than %d values", maxValues)
		}
		b = b[n:]
	}
	return nil
}

// wireType returns the wire type of a single value of the given kind.
func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	default:
		return protowire.VarintType
	}
}

// scanField counts the values inside a field's value: the fields of a message or the numbers in a packed list.
func (w *protoWriter) scanField(f protoreflect.FieldDescriptor, wire protowire.Type, v []byte, depth int) error {
	// The library panics on a map entry that has its key or value twice, the second time with another wire type.
	if f.ContainingMessage().IsMapEntry() && wire != wireType(f.Kind()) {
		return refuse("protobuf: %s: a map entry has the wrong wire type", f.FullName())
	}
	switch wire {
	case protowire.BytesType:
		v, _ = protowire.ConsumeBytes(v)
	case protowire.StartGroupType:
		v, _ = protowire.ConsumeGroup(f.Number(), v)
	default:
		return nil
	}
	if inner := f.Message(); inner != nil {
		return w.scan(inner, v, depth+1)
	}
	if f.IsList() && f.Kind() != protoreflect.StringKind && f.Kind() != protoreflect.BytesKind {
		// A packed number takes at least one byte, so there are at most as many values as bytes.
		w.values -= len(v)
	}
	return nil
}
