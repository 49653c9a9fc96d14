package schema

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxValues is how many values a Protobuf payload may hold. In memory a value takes up to a few hundred bytes, on the
// wire as few as one, so they are counted before they are read. Packed numbers count by their bytes.
const maxValues = 1 << 16

// scan counts the values in a message's bytes against what is left of values, and refuses what is too deep.
func (w *protoWriter) scan(m protoreflect.MessageDescriptor, b []byte, depth int) error {
	if depth > maxDepth {
		return refuse("protobuf: messages stand more than %d deep in each other", maxDepth)
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

// wireType is how a single value of the kind stands on the wire.
func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind { //nolint:exhaustive // the others are varints
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	}
	return protowire.VarintType
}

// scanField counts what stands inside of a field's value: a message's fields or a packed list's numbers.
func (w *protoWriter) scanField(f protoreflect.FieldDescriptor, wire protowire.Type, v []byte, depth int) error {
	// The library panics on an entry whose key or value stands in it twice, the second time as another type.
	if f.ContainingMessage().IsMapEntry() && wire != wireType(f.Kind()) {
		return refuse("protobuf: %s: a map's entry of another type", f.FullName())
	}
	switch wire { //nolint:exhaustive // nothing stands inside of the others
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
		w.values -= len(v)
	}
	return nil
}
