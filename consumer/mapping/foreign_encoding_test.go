package mapping_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

func fromHex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// avroAlone returns a mapping that decodes Avro and knows one schema.
func avroAlone(t *testing.T) *mapping.Mapping {
	t.Helper()
	path := file(t, `
decode: avro
schemas: [{id: 41, file: order.avsc}]
fields: {order_id: {path: $.id, type: id}, status: {path: $.status}}
status: {paid: ["paid"]}
`)
	besides(t, path, "order.avsc", `{"type":"record","name":"O","fields":[{"name":"id","type":"long"},{"name":"status","type":"string"}]}`)
	m, err := mapping.Load(mapping.Options{Source: path})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAForeignEncodingIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	asAvro := avroAlone(t)
	asJSON := load(t)
	for name, c := range map[string]struct{ value, message string }{
		"Apicurio around JSON":       {"00 000000000000000d 7b226f72646572223a317d", "framed by Apicurio Registry with an id of 8 bytes (13)"},
		"Apicurio around Avro":       {"00 0000000000000001 02 08 70616964", "framed by Apicurio Registry with an id of 8 bytes (1)"},
		"AWS Glue":                   {"03 00 b7b4a7f0998a4c0283fae0e28e6f8b11 0206412d31", "framed for AWS Glue Schema Registry"},
		"AWS Glue, compressed":       {"03 05 b7b4a7f0998a4c0283fae0e28e6f8b11 789c0206", "framed for AWS Glue Schema Registry"},
		"an Avro single object":      {"c301 0102030405060708 06412d31", "an Avro single object (C3 01)"},
		"an Avro container file":     {"4f626a01 0414 6176726f2e636f646563 086e756c6c", "an Avro object container file"},
		"MessagePack":                {"82 a8 6f726465725f6964 a3 412d31 a6 737461747573 a4 70616964", "MessagePack"},
		"MessagePack, a large map":   {"de 0010 a1 61 01", "MessagePack"},
		"MessagePack, a long name":   {"81 d9 20 61", "MessagePack"},
		"MessagePack, a list":        {"91 81 a2 6964 01", "MessagePack"},
		"CBOR":                       {"a2 68 6f726465725f6964 63 412d31 66 737461747573 64 70616964", "CBOR"},
		"CBOR that says so":          {"d9d9f7 a1 62 6964 01", "CBOR"},
		"CBOR without a length":      {"bf 62 6964 01 ff", "CBOR"},
		"CBOR, a list":               {"9f a1 62 6964 01 ff", "CBOR"},
		"BSON":                       {"0d000000 10 696400 05000000 00", "BSON"},
		"gzip":                       {"1f8b0800", "compressed with gzip"},
		"zstd":                       {"28b52ffd24", "compressed with zstd"},
		"lz4":                        {"04224d18 64", "compressed with lz4"},
		"snappy of Java":             {"82534e4150505900 00000001", "compressed with snappy"},
		"snappy, framed":             {"ff060000734e61507059", "compressed with snappy"},
		"zlib":                       {"789cab56", "compressed with zlib"},
		"bzip2":                      {"425a6839314159", "compressed with bzip2"},
		"xz":                         {"fd377a585a0000", "compressed with xz"},
		"ZIP":                        {"504b0304 1400", "compressed with ZIP"},
		"Java serialization":         {"aced0005 7372", "a serialized Java object"},
		".NET serialization":         {"00 01000000 ffffffff 01000000", "a serialized .NET object"},
		"a Python pickle":            {"8004 9520", "a Python pickle"},
		"Ruby's Marshal":             {"0408 7b06", "a serialized Ruby object"},
		"UTF-16 with a mark":         {"fffe 7b00 2200", "UTF-16 text"},
		"UTF-16 with another mark":   {"feff 007b 0022", "UTF-16 text"},
		"UTF-16 without a mark":      {"7b00 2200 6900", "UTF-16 text"},
		"UTF-16, high bytes first":   {"007b 0022 0069", "UTF-16 text"},
		"UTF-32":                     {"fffe0000 7b000000", "UTF-32 text"},
		"Ion":                        {"e00100ea ee", "Amazon Ion"},
		"Parquet":                    {"50415231 15", "a Parquet file"},
		"Thrift, binary":             {"80010001 00000004", "Thrift, in its binary protocol"},
		"Thrift, compact":            {"8221 00", "Thrift, in its compact protocol"},
		"Smile":                      {"3a290a 01", "Smile"},
		"XML":                        {hex.EncodeToString([]byte(`<?xml version="1.0"?><order id="A"/>`)), "XML"},
		"XML after a mark":           {hex.EncodeToString([]byte("\ufeff\n<order/>")), "XML"},
		"HTML":                       {hex.EncodeToString([]byte("<!DOCTYPE html><title>502</title>")), "HTML"},
		"YAML":                       {hex.EncodeToString([]byte("---\norder_id: 1\n")), "YAML"},
		"a form":                     {hex.EncodeToString([]byte("order_id=17&status=paid")), "a URL-encoded form"},
		"a PHP array":                {hex.EncodeToString([]byte(`a:1:{s:2:"id";i:17;}`)), "a serialized PHP value"},
		"a PHP object":               {hex.EncodeToString([]byte(`O:5:"Order":0:{}`)), "a serialized PHP value"},
		"JSON in base64":             {hex.EncodeToString([]byte("eyJvcmRlcl9pZCI6MX0=")), "JSON in base64"},
		"a JSON Web Token":           {hex.EncodeToString([]byte("eyJhbGciOiJub25lIn0.eyJpZCI6MX0.")), "a JSON Web Token"},
		"encrypted with Vault":       {hex.EncodeToString([]byte("vault:v1:AbCd==")), "encrypted with Vault"},
		"Protobuf without a frame":   {"0a 03 412d31 12 04 70616964", "probably Protobuf without the id of its schema"},
		"Protobuf, a frame too many": {"0a 03 412d31 10 02", "probably Protobuf without the id of its schema"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustName(t, asJSON, c.value, c.message)
			// For the Avro mapping, a leading zero byte starts a frame. Of the encodings that start with a zero byte, the
			// mapping recognises only Apicurio's.
			if !strings.HasPrefix(c.value, "00") || strings.Contains(name, "Apicurio") {
				mustName(t, asAvro, c.value, c.message)
			}
		})
	}
}

// mustName requires that a mapping refuses a value and names its encoding.
func mustName(t *testing.T, m *mapping.Mapping, value, name string) {
	t.Helper()
	got := decode(t, m, event.Record{Value: fromHex(t, value)})
	if got.Cause != "UnsupportedEncoding" || !strings.HasPrefix(got.Message, "the value is "+name+"; ") {
		t.Errorf("got %s: %q, want UnsupportedEncoding: the value is %s; …", got.Cause, got.Message, name)
	}
	if len(got.Message) >= 256 {
		t.Errorf("got a message of %d bytes, which is cut", len(got.Message))
	}
}

func TestAFrameSaysWhichDecodeReadsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, advice string }{
		"the first message":  {"00 0000002a 00 0a 03 412d31", "it looks like Protobuf: set decode: protobuf"},
		"another message":    {"00 0000002a 02 02 0a 03 412d31 10 02", "it looks like Protobuf: set decode: protobuf"},
		"neither for sure":   {"00 0000002a 06 412d31 08 70616964", "set decode: avro or decode: protobuf, to match the schema"},
		"nothing in a frame": {"00 0000002a", "set decode: avro or decode: protobuf, to match the schema"},
	} {
		got := decode(t, load(t), event.Record{Value: fromHex(t, c.value)})
		want := "the value is framed for a schema registry (schema 42), but its payload is not JSON; " + c.advice
		if got.Cause != "UnsupportedEncoding" || got.Message != want {
			t.Errorf("%s: got %s: %q, want %q", name, got.Cause, got.Message, want)
		}
	}
}

func TestADecoderNamesTheEncodingOfAnUnframedValue(t *testing.T) {
	t.Parallel()
	m := avroAlone(t)
	for name, c := range map[string]struct {
		value, cause, message string
		headers               []event.Header
	}{
		"JSON": {`{"id":1,"status":"paid"}`, "NotDecodable", "the value is JSON without the id of a schema; to read it, remove decode from the mapping", nil},
		"Avro": {"\x02\x08paid", "NotDecodable", "the value does not begin with the id of a schema: a zero byte, then four bytes", nil},
		"Apicurio in headers": {
			"\x02\x08paid", "UnsupportedEncoding", "the value is framed by Apicurio Registry in headers; set apicurio.registry.headers.enabled=false in the producer",
			[]event.Header{{Key: "apicurio.value.globalId", Value: make([]byte, 8)}},
		},
		"the header of Confluent": {
			"\x02\x08paid", "UnsupportedEncoding", "the header __value_schema_id names the schema, but it is not supported; let the serializer write the id into the value",
			[]event.Header{{Key: "__value_schema_id", Value: []byte{1}}},
		},
	} {
		got, err := m.Decode(t.Context(), event.Record{Value: []byte(c.value), Headers: c.headers})
		if err != nil || got[0].Cause != c.cause || got[0].Message != c.message {
			t.Errorf("%s: got %+v, %v, want %s: %q", name, got, err, c.cause, c.message)
		}
	}
}

func TestAContentTypeNamesAnEncodingWithoutASignature(t *testing.T) {
	t.Parallel()
	for contentType, name := range map[string]string{
		"avro/binary+f81d4fae7dec11d0a76500a0c91e6bf6": "Avro of Azure Schema Registry",
		"application/x-protobuf":                       "Protobuf",
		"application/vnd.apache.avro+binary":           "Avro",
		"application/cbor":                             "CBOR",
	} {
		got := decode(t, load(t), event.Record{
			Value: []byte("\x02\x03"), Headers: []event.Header{{Key: "Content-Type", Value: []byte(contentType)}},
		})
		if want := "the value is " + name + ", as its header content-type says; "; got.Cause != "UnsupportedEncoding" || !strings.HasPrefix(got.Message, want) {
			t.Errorf("%s: got %s: %q, want %q", contentType, got.Cause, got.Message, want)
		}
	}
}

// Broken JSON and unknown bytes must not be mistaken for another encoding.
func TestBrokenJSONIsNotTakenForAnotherEncoding(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`{"order_id":"A",`, `[{"a":1}`, `"order`, "order 17 is paid", "paid", "17;paid", "{'order_id': 1}", "x^2", "a: b", "Order:1", "\x02\x04", "\x00\x00",
		"заказ 17 оплачен", "NaN", "-", "ORCHID", "PARIS", "BZ", "eyes",
	} {
		if got := decode(t, load(t), event.Record{Value: []byte(value)}); got.Cause != "NotJSON" {
			t.Errorf("%q: got %s: %q, want NotJSON", value, got.Cause, got.Message)
		}
	}
}
