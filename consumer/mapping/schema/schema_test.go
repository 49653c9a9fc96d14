package schema_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/schema"
)

// unhex decodes hexadecimal text, which may contain spaces.
func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// mustJSON decodes a payload that fits its schema.
func mustJSON(tb testing.TB, s *schema.Schema, payload []byte) string {
	tb.Helper()
	got, err := s.JSON(payload)
	if err != nil {
		tb.Fatalf("payload %x: %v", payload, err)
	}
	return string(got)
}

// mustRefuse requires an ErrNotDecodable whose text contains why.
func mustRefuse(tb testing.TB, s *schema.Schema, payload []byte, why string) {
	tb.Helper()
	got, err := s.JSON(payload)
	if !errors.Is(err, schema.ErrNotDecodable) || !strings.Contains(err.Error(), why) {
		tb.Errorf("got %.200q, %v, want an ErrNotDecodable with %q", got, err, why)
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value   string
		id      int
		payload string
		ok      bool
	}{
		"a schema's id and a payload":       {"00 00000029 02ff", 41, "02ff", true},
		"the id is four bytes, high first":  {"00 01020304 aa", 0x01020304, "aa", true},
		"the highest id is not negative":    {"00 ffffffff", 0xffffffff, "", true},
		"a payload may be empty":            {"00 00000001", 1, "", true},
		"nothing":                           {"", 0, "", false},
		"a head that is cut short":          {"00 000000", 0, "", false},
		"JSON has no frame":                 {"7b7d202020202020", 0, "", false},
		"a magic byte of one is not framed": {"01 00000029 02ff", 0, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, payload, ok := schema.Frame(unhex(t, test.value))
			if id != test.id || ok != test.ok || !bytes.Equal(payload, unhex(t, test.payload)) {
				t.Errorf("got %d, %x, %v, want %d, %s, %v", id, payload, ok, test.id, test.payload, test.ok)
			}
		})
	}
}

func TestJSONIsPassedOnUnread(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"id": 9007199254740993}`, "", "no JSON at all"} {
		if got := mustJSON(t, schema.JSON(), []byte(payload)); got != payload {
			t.Errorf("got %q, want %q", got, payload)
		}
	}
}

func TestASchemaThatIsTooLargeIsNotCompiled(t *testing.T) {
	t.Parallel()
	large := schema.Reference{Name: "large.proto", Text: strings.Repeat(" ", 4<<20)}
	if _, err := schema.Avro(`"string"`, large); !errors.Is(err, schema.ErrNotDecodable) {
		t.Errorf("avro: got %v, want ErrNotDecodable", err)
	}
	if _, err := schema.Protobuf(t.Context(), "message M {}", large); !errors.Is(err, schema.ErrNotDecodable) {
		t.Errorf("protobuf: got %v, want ErrNotDecodable", err)
	}
}

func TestManyReadersShareASchema(t *testing.T) {
	t.Parallel()
	avro, err := schema.Avro(`{"type":"array","items":"long"}`)
	if err != nil {
		t.Fatal(err)
	}
	proto := mustProtobuf(t, `syntax = "proto3"; import "google/protobuf/any.proto";
		message M { repeated int64 ids = 1; google.protobuf.Any more = 2; }`)
	for range 8 {
		t.Run("at once", func(t *testing.T) {
			t.Parallel()
			for range 200 {
				if got := mustJSON(t, avro, unhex(t, "04 02 04 00")); got != "[1,2]" {
					t.Errorf("got %s, want [1,2]", got)
				}
				want := `{"ids":[5],"more":{"@type":"x/M","ids":[]}}`
				if got := mustJSON(t, proto, unhex(t, "00 0805 1205 0a03 782f4d")); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

// Maps are tested with values of each kind, so that no kind is mistaken for another.
func TestEachKindOfMapIsRead(t *testing.T) {
	t.Parallel()
	for kind, entry := range map[string]string{
		"double": "11 0000000000000000", "float": "15 00000000", "fixed64": "11 0000000000000000", "fixed32": "15 00000000",
		"sfixed64": "11 0000000000000000", "sfixed32": "15 00000000", "int32": "1000", "int64": "1000", "uint32": "1000",
		"uint64": "1000", "sint32": "1000", "sint64": "1000", "bool": "1000", "E": "1000", "string": "1200", "bytes": "1200", "M": "1200",
	} {
		s := mustProtobuf(t, message("map<string, "+kind+"> f = 1;"))
		body := append(unhex(t, "0a0141"), unhex(t, entry)...)
		got := mustJSON(t, s, append([]byte{0, 0x0a, byte(len(body))}, body...))
		if !strings.HasPrefix(got, `{"f":{"A":`) {
			t.Errorf("%s: got %s, want an entry A", kind, got)
		}
	}
}
