package schema_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"leadhit-sync/consumer/mapping/schema"
)

func mustProtobuf(tb testing.TB, text string, references ...schema.Reference) *schema.Schema {
	tb.Helper()
	s, err := schema.Protobuf(tb.Context(), text, references...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// message returns a proto3 file with one message, M, and an enum E.
func message(fields string) string {
	return `syntax = "proto3"; package shop;
		import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
		import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/any.proto";
		import "confluent/meta.proto"; import "confluent/type/decimal.proto";
		message M { ` + fields + ` }
		enum E { UNSPECIFIED = 0; PAID = 2; }`
}

func TestProtobufValuesAreWrittenWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ fields, body, want string }{
		"an int64 above 2^53":        {"int64 f = 1;", "08 8180808080808010", `{"f":9007199254740993}`},
		"a negative int64":           {"int64 f = 1;", "08 ffffffffffffffffff01", `{"f":-1}`},
		"a sint64":                   {"sint64 f = 1;", "08 01", `{"f":-1}`},
		"the greatest uint64":        {"uint64 f = 1;", "08 ffffffffffffffffff01", `{"f":18446744073709551615}`},
		"a fixed64":                  {"fixed64 f = 1;", "09 ffffffffffffffff", `{"f":18446744073709551615}`},
		"a sfixed32":                 {"sfixed32 f = 1;", "0d ffffffff", `{"f":-1}`},
		"a uint32":                   {"uint32 f = 1;", "08 ffffffff0f", `{"f":4294967295}`},
		"a bool":                     {"bool f = 1;", "08 01", `{"f":true}`},
		"a double":                   {"double f = 1;", "09 9a9999999999b93f", `{"f":0.1}`},
		"a float that is whole":      {"float f = 1;", "0d 00007a44", `{"f":1000.0}`},
		"text":                       {"string f = 1;", "0a 03 d0b022", `{"f":"а\""}`},
		"bytes":                      {"bytes f = 1;", "0a 03 00ff10", `{"f":"AP8Q"}`},
		"an enum by its name":        {"E f = 1;", "08 02", `{"f":"PAID"}`},
		"an enum value we lack":      {"E f = 1;", "08 07", `{"f":7}`},
		"defaults are written":       {"E e = 1; int64 i = 2; string s = 3; repeated int32 l = 4; map<string, int32> m = 5; bool b = 6;", "", `{"e":"UNSPECIFIED","i":0,"s":"","l":[],"m":{},"b":false}`},
		"what can be absent is not":  {"optional int32 o = 1; M m = 2; oneof x { string a = 3; string b = 4; }", "", `{}`},
		"present though zero":        {"optional int32 o = 1; oneof x { string a = 3; string b = 4; }", "0800 2200", `{"o":0,"b":""}`},
		"the last of a oneof":        {"oneof x { string a = 1; string b = 2; }", "0a0141 120142", `{"b":"B"}`},
		"the last of two":            {"int32 f = 1;", "0801 0802", `{"f":2}`},
		"two parts of a message":     {"M f = 1; int32 a = 2; int32 b = 3;", "0a021001 0a021802", `{"f":{"a":1,"b":2},"a":0,"b":0}`},
		"names as in the file":       {"int32 order_id = 1; int32 camelCase = 2;", "", `{"order_id":0,"camelCase":0}`},
		"fields in the file's order": {"int32 b = 2; int32 a = 1;", "0801 1002", `{"b":2,"a":1}`},
		"a packed list":              {"repeated int32 f = 1;", "0a03 010203", `{"f":[1,2,3]}`},
		"a list that is not packed":  {"repeated int32 f = 1;", "0801 0802", `{"f":[1,2]}`},
		"a list of enums":            {"repeated E f = 1;", "0a02 0002", `{"f":["UNSPECIFIED","PAID"]}`},
		"a list of strings":          {"repeated string f = 1;", "0a0141 0a0142", `{"f":["A","B"]}`},
		"a map in its keys' order":   {"map<int32, E> f = 1;", "0a04 0809 1002 0a04 0803 1000 0a00", `{"f":{"0":"UNSPECIFIED","3":"UNSPECIFIED","9":"PAID"}}`},
		"a map says a name twice":    {"map<string, int32> f = 1;", "0a05 0a0141 1001 0a05 0a0141 1002", `{"f":{"A":2}}`},
		"unknown fields are left":    {"int32 f = 1;", "0801 9a06 0141", `{"f":1}`},
		"a timestamp":                {"google.protobuf.Timestamp f = 1;", "0a0608f7acc4cd06", `{"f":"2026-03-11T07:15:03Z"}`},
		"an invalid time":            {"google.protobuf.Timestamp f = 1;", "0a09088080808080808002", `{"f":{"seconds":1125899906842624,"nanos":0}}`},
		"a duration":                 {"google.protobuf.Duration f = 1;", "0a02 0803", `{"f":"3s"}`},
		"a wrapped int64":            {"google.protobuf.Int64Value f = 1;", "0a09 08 8180808080808010", `{"f":9007199254740993}`},
		"a wrapped default":          {"google.protobuf.BoolValue f = 1;", "0a00", `{"f":false}`},
		"a struct":                   {"google.protobuf.Struct f = 1;", "0a0a 0a08 0a0161 1203 1a0178", `{"f":{"a":"x"}}`},
		"a null":                     {"google.protobuf.NullValue f = 1;", "", `{"f":null}`},
		"an any":                     {"google.protobuf.Any f = 1; int32 i = 2;", "0a0e 0a08 782f73686f702e4d 1202 1007", `{"f":{"@type":"x/shop.M","i":7},"i":0}`},
		"an any of a known type":     {"google.protobuf.Any f = 1;", "0a220a1c782f676f6f676c652e70726f746f6275662e496e74363456616c756512020807", `{"f":{"@type":"x/google.protobuf.Int64Value","value":7}}`},
		"an any of a time":           {"google.protobuf.Any f = 1;", "0a250a1b782f676f6f676c652e70726f746f6275662e54696d657374616d70120608f7acc4cd06", `{"f":{"@type":"x/google.protobuf.Timestamp","value":"2026-03-11T07:15:03Z"}}`},
		"an any that nobody knows":   {"google.protobuf.Any f = 1;", "0a0a 0a04 782f5a5a 1202 1007", `{"f":{"@type":"x/ZZ","value":"EAc="}}`},
		"a decimal of Confluent":     {"confluent.type.Decimal f = 1 [(confluent.field_meta).doc = \"sum\"];", "0a08 0a0204d2 1009 1802", `{"f":{"value":"BNI=","precision":9,"scale":2}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustProtobuf(t, message(test.fields))
			if got := mustJSON(t, s, append([]byte{0}, unhex(t, test.body)...)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestProtobufMessageIndexes(t *testing.T) {
	t.Parallel()
	s := mustProtobuf(t, `syntax = "proto3";
		message A { map<string, int32> m = 1; message B { message C { int32 c = 1; } int32 b = 1; } int32 a = 2; }
		message D { int32 d = 1; }`)
	for name, test := range map[string]struct{ payload, want string }{
		"a single zero is the first message": {"00", `{"m":{},"a":0}`},
		"the first message in full":          {"02 00", `{"m":{},"a":0}`},
		"the second message":                 {"02 02", `{"d":0}`},
		"a map field is not a message":       {"04 00 00 0805", `{"b":5}`},
		"the third level":                    {"06 00 00 00 0806", `{"c":6}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustJSON(t, s, unhex(t, test.payload)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	for name, test := range map[string]struct{ payload, why string }{
		"nothing":                     {"", "no message index"},
		"a count that is cut short":   {"80", "no message index"},
		"a count below zero":          {"01", "no message index"},
		"a list that is cut short":    {"04 00", "no message index"},
		"the greatest count":          {"feffffffffffffffff01 00", "no message index"},
		"an index below zero":         {"02 01", "no message index"},
		"no such message":             {"02 04", "no message at index 2"},
		"no such message inside":      {"04 00 02", "no message at index 1"},
		"an index beyond any message": {"02 feffffffffffffffff01", "no message at index"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, s, unhex(t, test.payload), test.why)
		})
	}
}

func TestProtobufRefusesPayloadsThatDoNotFitTheSchema(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ fields, body, why string }{
		"a number that is cut short":     {"int64 f = 1;", "0880", "shop.M"},
		"a length beyond the end":        {"string f = 1;", "0a 05 41", "shop.M"},
		"the greatest length":            {"string f = 1;", "0a ffffffffffffffffff01 41", "shop.M"},
		"a field with the number zero":   {"string f = 1;", "02 01 41", "shop.M"},
		"bytes after the end":            {"int32 f = 1;", "0801 00", "shop.M"},
		"a group without an end":         {"int32 f = 1;", "0b", "shop.M"},
		"a map's key of two types":       {"map<int32, M> f = 1;", "0a04 0830 0a00", "wrong wire type"},
		"a map's value of two types":     {"map<int32, int32> f = 1;", "0a06 0801 1002 1200", "wrong wire type"},
		"a map's value of another type":  {"map<int32, double> f = 1;", "0a04 0801 1002", "wrong wire type"},
		"text that is not UTF-8":         {"string f = 1;", "0a 01 ff", "UTF-8"},
		"a message that is cut short":    {"M f = 1;", "0a 02 0a05", "shop.M"},
		"an any with a broken message":   {"google.protobuf.Any f = 1;", "0a0e 0a08 782f73686f702e4d 1202 1080", "shop.M"},
		"an any that is broken by depth": {"google.protobuf.Any f = 1;", anys(600), "deep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, mustProtobuf(t, message(test.fields)), append([]byte{0}, unhex(t, test.body)...), test.why)
		})
	}
	t.Run("a required field is missing", func(t *testing.T) {
		t.Parallel()
		s := mustProtobuf(t, `syntax = "proto2"; message M { required int32 id = 1; }`)
		mustRefuse(t, s, []byte{0}, "required")
	})
}

// anys returns the body of a message as hexadecimal text. Field 1 of the message is an Any with a message of the same
// kind, and so on for the given number of levels.
func anys(levels int) string {
	var body []byte
	for range levels {
		packed := append([]byte("\x0a\x08x/shop.M\x12"), protowire.AppendBytes(nil, body)...)
		body = append([]byte{0x0a}, protowire.AppendBytes(nil, packed)...)
	}
	return hex.EncodeToString(body)
}

// No test runs in parallel with this one, because memory is counted for the whole process.
func TestProtobufBombsAreRefusedInBoundedMemory(t *testing.T) {
	const mib = 1 << 20
	var wide strings.Builder // a message with many fields that are written although they are not on the wire
	wide.WriteString("repeated M f = 1; ")
	for i := range 500 {
		fmt.Fprintf(&wide, "repeated int32 a_long_name_that_is_written_each_time_%d = %d; ", i, i+10)
	}
	nested := []byte{}
	for range 1000 {
		nested = append([]byte{0x0a}, protowire.AppendBytes(nil, nested)...)
	}
	for name, test := range map[string]struct {
		fields, why string
		body        []byte
	}{
		"millions of empty messages": {"repeated M f = 1;", "values", bytes.Repeat([]byte{0x0a, 0}, 2*mib)},
		"millions of packed bools":   {"repeated bool f = 1;", "values", append([]byte{0x0a}, protowire.AppendBytes(nil, make([]byte, 4*mib))...)},
		"millions of map entries":    {"map<int32, M> f = 1;", "values", bytes.Repeat([]byte{0x0a, 2, 8, 1}, mib)},
		"millions of strings":        {"repeated string f = 1;", "values", bytes.Repeat([]byte{0x0a, 0}, 2*mib)},
		"millions in a message":      {"M f = 1; repeated string s = 2;", "values", append([]byte{0x0a}, protowire.AppendBytes(nil, bytes.Repeat([]byte{0x12, 0}, 2*mib))...)},
		"messages in messages":       {"M f = 1;", "deep", nested},
		"wide messages without data": {wide.String(), "expands to", bytes.Repeat([]byte{0x0a, 0}, 60000)},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustProtobuf(t, message(test.fields))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			mustRefuse(t, s, append([]byte{0}, test.body...), test.why)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 200<<20 {
				t.Errorf("got %d MiB allocated, want at most 200", got>>20)
			}
		})
	}
}

func TestProtobufReferencesAreImports(t *testing.T) {
	t.Parallel()
	money := schema.Reference{Name: "shop/money.proto", Text: `syntax = "proto3"; package shop; message Money { int64 units = 1; }`}
	line := schema.Reference{Name: "shop/line.proto", Text: `syntax = "proto3"; package shop;
		import "shop/money.proto"; message Line { Money price = 1; }`}
	s := mustProtobuf(t, `syntax = "proto3"; import "shop/line.proto"; message Order { shop.Line line = 1; }`, money, line)
	want := `{"line":{"price":{"units":1}}}`
	if got := mustJSON(t, s, unhex(t, "00 0a04 0a02 0801")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTextThatIsNotAProtobufSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":               "",
		"JSON":                  `{"type":"record"}`,
		"no message":            `syntax = "proto3"; enum E { A = 0; }`,
		"a missing import":      `syntax = "proto3"; import "elsewhere.proto"; message M {}`,
		"an import of itself":   `syntax = "proto3"; import "the schema"; message M {}`,
		"a missing type":        `syntax = "proto3"; message M { Elsewhere e = 1; }`,
		"a number twice":        `syntax = "proto3"; message M { int32 a = 1; int32 b = 1; }`,
		"endlessly nested":      strings.Repeat("message M {", 100000),
		"nested in its options": `syntax = "proto3"; option (x) = ` + strings.Repeat("{a:", 100000) + strings.Repeat("}", 100000) + "; message M {}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := schema.Protobuf(t.Context(), text)
			if !errors.Is(err, schema.ErrNotDecodable) {
				t.Errorf("got %v, want ErrNotDecodable", err)
			}
			if strings.Contains(name, "nested") && !strings.Contains(err.Error(), "brackets are more than 200 deep") {
				t.Errorf("got %v, want a refusal before the compiler sees it", err)
			}
		})
	}
}

func TestACompilationThatIsInterruptedSaysNothingAboutItsText(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := schema.Protobuf(ctx, `syntax = "proto3"; message M {}`)
	if !errors.Is(err, context.Canceled) || errors.Is(err, schema.ErrNotDecodable) {
		t.Errorf("got %v, want the context's error alone", err)
	}
}

func TestProtobufErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	s := mustProtobuf(t, `syntax = "proto3"; message M { string email = 1; }`)
	_, err := s.JSON([]byte("\x00\x0a\x06a@b.c\xff"))
	if err == nil || strings.Contains(err.Error(), "a@b.c") {
		t.Errorf("got %v, want an error without the address", err)
	}
}
