package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A protoWriter writes the message in one payload, and the messages in its Anys.
//
// It does not use protojson, although that would save 200 lines, because protojson loses what mappings rely on.
// protojson writes the double 1001.0 as 1001, which would pass for an order id. It writes an int64 as a string, which
// would hide that an id is negative. It refuses a whole event for one Any of an unknown type, and it has no limit on
// the output.
type protoWriter struct {
	*writer

	types  linker.Resolver
	values int // how many more the payload may contain
}

// payload decodes a message and writes it.
func (w *protoWriter) payload(m protoreflect.MessageDescriptor, b []byte) error {
	read, err := w.read(m, b)
	if err != nil {
		return err
	}
	return w.message(read)
}

// read decodes a message. It refuses one with too many values before the library allocates memory for them.
func (w *protoWriter) read(m protoreflect.MessageDescriptor, b []byte) (protoreflect.Message, error) {
	if err := w.scan(m, b, 1); err != nil {
		return nil, err
	}
	message := dynamicpb.NewMessage(m)
	options := proto.UnmarshalOptions{
		DiscardUnknown: true,
		RecursionLimit: maxDepth,
		Resolver:       new(protoregistry.Types), // extensions are not written, so an empty registry will do
	}
	if err := options.Unmarshal(b, message); err != nil {
		return nil, refuse("protobuf: %s: %w", m.FullName(), err)
	}
	return message, nil
}

// message writes a message, in its type's special JSON form if there is one.
func (w *protoWriter) message(m protoreflect.Message) error {
	if err := w.room(); err != nil {
		return err
	}
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
		"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		// A value that the special form cannot express, such as a time in the year 10000, is written like any other message.
		if text, err := protojson.Marshal(m.Interface()); err == nil {
			return w.compact(text)
		}
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value",
		"google.protobuf.UInt64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value",
		"google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
		field := m.Descriptor().Fields().ByNumber(1)
		return w.single(field, m.Get(field))
	case "google.protobuf.Any":
		return w.any(m)
	}
	if err := w.open('{'); err != nil {
		return err
	}
	if err := w.fields(m); err != nil {
		return err
	}
	w.close('}')
	return nil
}

// compact adds the output of protojson without its spaces, which protojson deliberately varies from build to build.
func (w *protoWriter) compact(text []byte) error {
	b := bytes.NewBuffer(w.out)
	if err := json.Compact(b, text); err != nil {
		return refuse("protobuf: %w", err)
	}
	w.out = b.Bytes()
	return nil
}

// any writes the message in an Any, or the message's bytes if its type is not in the schema.
func (w *protoWriter) any(m protoreflect.Message) error {
	fields := m.Descriptor().Fields()
	url, value := m.Get(fields.ByNumber(1)).String(), m.Get(fields.ByNumber(2)).Bytes()
	if err := w.open('{'); err != nil {
		return err
	}
	w.raw(`"@type":`)
	w.string([]byte(url))
	known, err := w.types.FindMessageByURL(url)
	switch {
	case err != nil:
		w.raw(`,"value":`)
		w.bytes(value)
	// Most of Protobuf's own types have a special JSON form, such as a string, which cannot share the Any's object.
	case known.Descriptor().ParentFile().Package() == "google.protobuf":
		w.raw(`,"value":`)
		if err := w.payload(known.Descriptor(), value); err != nil {
			return err
		}
	default:
		// read counts the values of the inner message too, so nested Anys share the limit of the payload.
		inner, err := w.read(known.Descriptor(), value)
		if err != nil {
			return err
		}
		if err := w.fields(inner); err != nil {
			return err
		}
	}
	w.close('}')
	return nil
}

// fields writes the members of an open object. An absent field is left out if it has presence; otherwise its default is
// written.
func (w *protoWriter) fields(m protoreflect.Message) error {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		w.next()
		w.string([]byte(f.TextName()))
		w.raw(":")
		if err := w.field(f, m.Get(f)); err != nil {
			return err
		}
	}
	return nil
}

// field writes a field's value, which may be a list or a map.
func (w *protoWriter) field(f protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch {
	case f.IsMap():
		return w.entries(f, v.Map())
	case f.IsList():
		return w.items(f, v.List())
	}
	return w.single(f, v)
}

// items writes a repeated field as a JSON list.
func (w *protoWriter) items(f protoreflect.FieldDescriptor, list protoreflect.List) error {
	if err := w.open('['); err != nil {
		return err
	}
	for i := range list.Len() {
		w.next()
		if err := w.single(f, list.Get(i)); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// entries writes a map sorted by key. The order on the wire is random, and equal maps must give equal text.
func (w *protoWriter) entries(f protoreflect.FieldDescriptor, m protoreflect.Map) error {
	if err := w.open('{'); err != nil {
		return err
	}
	values := make(map[string]protoreflect.Value, m.Len())
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		values[k.String()] = v
		return true
	})
	for _, key := range slices.Sorted(maps.Keys(values)) {
		w.next()
		w.string([]byte(key))
		w.raw(":")
		if err := w.single(f.MapValue(), values[key]); err != nil {
			return err
		}
	}
	w.close('}')
	return nil
}

// single writes one value of a field.
func (w *protoWriter) single(f protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return w.message(v.Message())
	case protoreflect.EnumKind:
		w.enum(f, v.Enum())
	case protoreflect.BoolKind:
		w.bool(v.Bool())
	case protoreflect.StringKind:
		w.string([]byte(v.String()))
	case protoreflect.BytesKind:
		w.bytes(v.Bytes())
	case protoreflect.FloatKind:
		w.float(v.Float(), 32)
	case protoreflect.DoubleKind:
		w.float(v.Float(), 64)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		w.uint(v.Uint())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		w.int(v.Int())
	}
	return w.room()
}

// enum writes the name of a value, or its number if the schema has no such value. A NullValue is null.
func (w *protoWriter) enum(f protoreflect.FieldDescriptor, n protoreflect.EnumNumber) {
	value := f.Enum().Values().ByNumber(n)
	switch {
	case f.Enum().FullName() == "google.protobuf.NullValue":
		w.raw("null")
	case value == nil:
		w.int(int64(n))
	default:
		w.string([]byte(value.Name()))
	}
}
