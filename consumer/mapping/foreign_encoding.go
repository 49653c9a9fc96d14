package mapping

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/schema"
)

// A form is an encoding that no mapping can read. Its name completes "the value is …", and the advice says what to
// change. Neither quotes the value. Naming the encoding saves the operator from guessing it from a hex dump.
type form struct {
	name, advice string
}

func (f form) refusal() *event.Item {
	return refused(causeUnsupportedEncoding, "the value is "+f.name+"; "+f.advice)
}

const (
	adviceFrame       = "frame it for a Confluent schema registry"
	adviceCompression = "write it uncompressed; Kafka's own compression.type is read"
	adviceJSON        = "write JSON, or Avro or Protobuf framed for a Confluent schema registry"
	adviceUTF8        = "write UTF-8"
)

// A signature is the first bytes of a form.
type signature struct {
	begin string
	form
}

// signatures returns all signatures. A signature that starts with another signature comes before that one.
func signatures() []signature {
	compressed := func(name string) form { return form{"compressed with " + name, adviceCompression} }
	named := func(name string) form { return form{name, adviceJSON} }
	utf := func(name string) form { return form{name + " text", adviceUTF8} }
	return []signature{
		{"\x1f\x8b", compressed("gzip")},
		{"\x28\xb5\x2f\xfd", compressed("zstd")},
		{"\x04\x22\x4d\x18", compressed("lz4")},
		{"\xff\x06\x00\x00sNaPpY", compressed("snappy")},
		{"\x82SNAPPY\x00", compressed("snappy")},
		{"BZh", compressed("bzip2")},
		{"\xfd7zXZ\x00", compressed("xz")},
		{"\x78\x01", compressed("zlib")},
		{"\x78\x9c", compressed("zlib")},
		{"\x78\xda", compressed("zlib")},
		{"PK\x03\x04", compressed("ZIP")},
		{"Obj\x01", form{
			"an Avro object container file", "write each event by itself, framed for a Confluent schema registry",
		}},
		{"\xc3\x01", form{"an Avro single object (C3 01)", adviceFrame + " and set decode: avro"}},
		{"\xac\xed\x00\x05", form{
			"a serialized Java object", "let the producer write JSON, for example with StringSerializer",
		}},
		{"\x00\x01\x00\x00\x00\xff\xff\xff\xff", named("a serialized .NET object")},
		{"\x00\x00\xfe\xff", utf("UTF-32")},
		{"\xff\xfe\x00\x00", utf("UTF-32")},
		{"\xfe\xff", utf("UTF-16")},
		{"\xff\xfe", utf("UTF-16")},
		{"{\x00", utf("UTF-16")},
		{"[\x00", utf("UTF-16")},
		{"\x00{", utf("UTF-16")},
		{"\x00[", utf("UTF-16")},
		{"\xe0\x01\x00\xea", named("Amazon Ion")},
		{"PAR1", named("a Parquet file")},
		{"ORC\x0a", named("an ORC file")},
		{"ARROW1", named("an Arrow file")},
		{"\xff\xff\xff\xff", named("an Arrow stream")},
		{":)\n", named("Smile")},
		{"\xd9\xd9\xf7", named("CBOR")},
		{"\x80\x01\x00", named("Thrift, in its binary protocol")},
		{"\x82\x21", named("Thrift, in its compact protocol")},
		{"\x82\x41", named("Thrift, in its compact protocol")},
		{"\x80\x02", named("a Python pickle")},
		{"\x80\x03", named("a Python pickle")},
		{"\x80\x04", named("a Python pickle")},
		{"\x80\x05", named("a Python pickle")},
		{"\x04\x08", named("a serialized Ruby object")},
		{"<!DOCTYPE html", form{"HTML", adviceJSON}},
		{"<html", form{"HTML", adviceJSON}},
		{"<", form{"XML", adviceJSON}},
		{"-----BEGIN PGP", form{"encrypted with PGP", "write it unencrypted"}},
		{"vault:v", form{"encrypted with Vault", "write it unencrypted"}},
		{"---\n", form{"YAML", adviceJSON}},
	}
}

// signed recognises a form by its signature.
func signed(value []byte) (form, bool) {
	text := trimmed(value)
	for _, s := range signatures() {
		if bytes.HasPrefix(value, []byte(s.begin)) || s.begin[0] == '<' && bytes.HasPrefix(text, []byte(s.begin)) {
			return s.form, true
		}
	}
	return form{}, false
}

// trimmed returns a value without the byte order mark and the white space that may precede JSON.
func trimmed(value []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(value, []byte(byteOrderMark)), " \t\r\n")
}

// formOf recognises the form of a value that is not JSON.
func formOf(value []byte) (form, bool) {
	if f, ok := signed(value); ok {
		return f, true
	}
	text := trimmed(value)
	const glueHead = 2 + 16 // version, compression, the schema version's UUID
	switch {
	case len(value) >= glueHead && value[0] == 3 && (value[1] == 0 || value[1] == 5):
		return form{"framed for AWS Glue Schema Registry", adviceFrame + ", or write JSON without a schema"}, true
	case len(value) > 4 && value[len(value)-1] == 0 && int(binary.LittleEndian.Uint32(value)) == len(value):
		return form{"BSON", adviceJSON}, true
	case isMessagePack(value):
		return form{"MessagePack", adviceJSON}, true
	case isCBOR(value):
		return form{"CBOR", adviceJSON}, true
	case isProtobuf(value):
		return form{"probably Protobuf without the id of its schema", adviceFrame + " and set decode: protobuf"}, true
	}
	// The start is enough to recognise a URL-encoded form or a token, and a value may be 4 MiB long.
	return textForm(string(text[:min(len(text), 4096)]))
}

// textForm recognises a form that is text. It gets only the start of the text.
func textForm(text string) (form, bool) {
	head, rest, _ := strings.Cut(text, ":")
	switch {
	case strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2:
		return form{"a JSON Web Token", "write the JSON itself"}, true
	case strings.HasPrefix(text, "eyJ"), strings.HasPrefix(text, "W3si"):
		return form{"JSON in base64", "write the JSON itself"}, true
	case (head == "a" || head == "O") && rest != "" && rest[0] >= '0' && rest[0] <= '9':
		return form{"a serialized PHP value", "write JSON with json_encode"}, true
	case strings.Contains(text, "=") && strings.Contains(text, "&") && !strings.ContainsAny(text, " {}\"<>\n"):
		return form{"a URL-encoded form", adviceJSON}, true
	}
	return form{}, false
}

// isMessagePack reports whether the value starts like a map whose first key is a string, or like an array of such maps.
func isMessagePack(v []byte) bool {
	// Skip the head of a fixarray of 1 to 15 elements. The code below accepts a fixmap, a map 16 or a map 32, and then
	// a fixstr, a str 8 or a str 16.
	if len(v) > 1 && v[0] >= 0x91 && v[0] <= 0x9f {
		v = v[1:]
	}
	at := 0
	switch {
	case len(v) == 0:
		return false
	case v[0] >= 0x81 && v[0] <= 0x8f:
		at = 1
	case v[0] == 0xde:
		at = 3
	case v[0] == 0xdf:
		at = 5
	}
	return at > 0 && at < len(v) && (v[at] >= 0xa1 && v[at] <= 0xbf || v[at] == 0xd9 || v[at] == 0xda)
}

// isCBOR reports whether the value starts like a map whose first key is a string, or like an array of such maps.
func isCBOR(v []byte) bool {
	// Skip the head of an array of 1 to 23 elements or of indefinite length (RFC 8949). The code below accepts a map,
	// and then a text string.
	if len(v) > 1 && (v[0] >= 0x81 && v[0] <= 0x97 || v[0] == 0x9f) {
		v = v[1:]
	}
	at := 0
	switch {
	case len(v) == 0:
		return false
	case v[0] >= 0xa1 && v[0] <= 0xb7, v[0] == 0xbf:
		at = 1
	case v[0] == 0xb8:
		at = 2
	case v[0] == 0xb9:
		at = 3
	}
	return at > 0 && at < len(v) && (v[at] >= 0x61 && v[at] <= 0x79 || v[at] == 0x7f)
}

// isProtobuf reports whether the whole value is a list of Protobuf fields, at least one of them a string or a message.
// Without a schema nothing is certain, so the message says "probably".
func isProtobuf(v []byte) bool {
	const mostNumber = 4096 // in schemas written by people, field numbers stay far below this
	if len(v) == 0 || len(v) > maxValue {
		return false
	}
	hasBytes := false
	for len(v) > 0 {
		number, kind, size := protowire.ConsumeField(v)
		if size < 0 || number > mostNumber || kind == protowire.StartGroupType {
			return false
		}
		hasBytes = hasBytes || kind == protowire.BytesType
		v = v[size:]
	}
	return hasBytes
}

// framedForm returns the form of a value that is framed for a schema registry and whose payload is not JSON.
func framedForm(value []byte) form {
	id, payload, _ := schema.Frame(value)
	if f, ok := signed(value); ok { // a form that starts with a zero byte
		return f
	}
	if f, ok := apicurioForm(value); ok {
		return f
	}
	f := form{
		fmt.Sprintf("framed for a schema registry (schema %d), but its payload is not JSON", id),
		"set decode: avro or decode: protobuf, to match the schema",
	}
	if isProtobuf(behindIndexes(payload)) {
		f.advice = "it looks like Protobuf: set decode: protobuf"
	}
	return f
}

// behindIndexes returns the payload after the message indexes that Confluent writes before a Protobuf message.
func behindIndexes(payload []byte) []byte {
	count, size := binary.Varint(payload)
	if size <= 0 || count < 0 || count > 32 {
		return nil
	}
	payload = payload[size:]
	for range count {
		_, size := binary.Varint(payload)
		if size <= 0 {
			return nil
		}
		payload = payload[size:]
	}
	return payload
}

// apicurioForm recognises the frame of Apicurio Registry: a zero byte and an id of 8 bytes. The first four bytes of the
// id are zero. In Confluent's frame these four bytes are the id, which is never zero, because ids start at 1.
func apicurioForm(value []byte) (form, bool) {
	const head = 1 + 8
	if len(value) < head || value[0] != 0 || binary.BigEndian.Uint32(value[1:]) != 0 {
		return form{}, false
	}
	return form{
		fmt.Sprintf("framed by Apicurio Registry with an id of 8 bytes (%d)", binary.BigEndian.Uint64(value[1:])),
		"let the producer write ids of 4 bytes: apicurio.registry.as-confluent=true, or another id-handler",
	}, true
}

// headerForm recognises a form by the record's headers.
func headerForm(headers []event.Header, contentType string) (form, bool) {
	for i := range headers {
		if name := headers[i].Key; hasPrefixFold(name, "apicurio.value.") {
			return form{
				"framed by Apicurio Registry in headers", "set apicurio.registry.headers.enabled=false in the producer",
			}, true
		}
	}
	if name := contentTypeName(contentType); name != "" {
		return form{name + ", as its header content-type says", adviceJSON}, true
	}
	return form{}, false
}

// contentTypeName returns the name of a media type's encoding, or "" for JSON and for an unknown media type.
func contentTypeName(contentType string) string {
	contentType = strings.ToLower(contentType)
	for _, known := range []struct{ part, name string }{
		{"avro/binary+", "Avro of Azure Schema Registry"},
		{"avro", "Avro"},
		{"protobuf", "Protobuf"},
		{"msgpack", "MessagePack"},
		{"cbor", "CBOR"},
		{"thrift", "Thrift"},
		{"xml", "XML"},
		{"yaml", "YAML"},
		{"csv", "CSV"},
		{"x-www-form-urlencoded", "a URL-encoded form"},
	} {
		if strings.Contains(contentType, known.part) {
			return known.name
		}
	}
	return ""
}
