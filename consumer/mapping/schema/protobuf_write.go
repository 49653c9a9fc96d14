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

// A protoWriter writes one payload's message, and those inside of its Anys.
type protoWriter struct {
	*writer

	types  linker.Resolver
	values int // how many more the payload may hold
}

// payload reads a message's bytes and writes it.
func (w *protoWriter) payload(m protoreflect.MessageDescriptor, b []byte) error {
	read, err := w.read(m, b)
	if err != nil {
		return err
	}
	return w.message(read)
}

// read refuses bytes that would unfold too far before it lets them.
func (w *protoWriter) read(m protoreflect.MessageDescriptor, b []byte) (protoreflect.Message, error) {
	if err := w.scan(m, b, 1); err != nil {
		return nil, err
	}
	message := dynamicpb.NewMessage(m)
	options := proto.UnmarshalOptions{
		DiscardUnknown: true,
		RecursionLimit: maxDepth,
		Resolver:       new(protoregistry.Types), // extensions are not written, so none is looked up
	}
	if err := options.Unmarshal(b, message); err != nil {
		return nil, refuse("protobuf: %s: %w", m.FullName(), err)
	}
	return message, nil
}

// message writes a message in the form that its type has.
func (w *protoWriter) message(m protoreflect.Message) error {
	if err := w.room(); err != nil {
		return err
	}
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
		"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		// What has no such form, a time in the year 10000 for one, is written as any message is.
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

// compact takes over JSON text that another has written, whose spaces differ from build to build by intent.
func (w *protoWriter) compact(text []byte) error {
	b := bytes.NewBuffer(w.out)
	if err := json.Compact(b, text); err != nil {
		return refuse("protobuf: %w", err)
	}
	w.out = b.Bytes()
	return nil
}

// any writes a message of whatever type, or its bytes where the schema does not know the type.
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
	case known.Descriptor().ParentFile().Package() == "google.protobuf":
		w.raw(`,"value":`)
		if err := w.payload(known.Descriptor(), value); err != nil {
			return err
		}
	default:
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

// fields writes the members of an object that is open. A field that can be absent and is, is left out.
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

// entries writes a map in the order of its keys' texts; on the wire it has none.
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

// enum writes a value's name, or its number when the schema is older than the event.
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
