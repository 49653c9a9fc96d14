package schema_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/twmb/avro"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"leadhit-sync/consumer/mapping/schema"
)

const everyAvro = `{"type":"record","name":"a.Every","fields":[
	{"name":"l","type":"long"},{"name":"i","type":"int"},{"name":"b","type":"boolean"},{"name":"d","type":"double"},
	{"name":"f","type":"float"},{"name":"s","type":"string"},{"name":"y","type":"bytes"},
	{"name":"x","type":{"type":"fixed","name":"F","size":3}},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
	{"name":"n","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}},
	{"name":"a","type":{"type":"array","items":["null","a.Every","string"]}},
	{"name":"m","type":{"type":"map","values":["E","long"]}}]}`

// noPanic fails the test if err is from a panic that [schema.Schema.JSON] caught.
func noPanic(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
}

// FuzzAvro compares our reader with the library's. If both accept a payload, both must read it to its end, and read the
// same numbers.
func FuzzAvro(f *testing.F) {
	s := mustAvro(f, everyAvro)
	theirs := avro.MustParse(everyAvro)
	whole, err := theirs.Encode(map[string]any{
		"l": int64(1<<53 + 1), "i": 1, "b": true, "d": 0.1, "f": float32(0.1), "s": "а\n", "y": []byte{0xff}, "x": []byte{1, 2, 3},
		"e": "B", "n": "12.34", "a": []any{nil, "text"}, "m": map[string]any{"k": int64(-1), "v": "A"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte(strings.Repeat("\x02", 100)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := s.JSON(payload)
		if err != nil {
			noPanic(t, err)
			return
		}
		var read struct {
			L json.Number `json:"l"`
			I json.Number `json:"i"`
		}
		if err := json.Unmarshal(got, &read); err != nil {
			t.Fatalf("got %q: %v", got, err)
		}
		var want map[string]any
		if rest, err := theirs.Decode(payload, &want); err != nil || len(rest) > 0 {
			t.Skipf("the library refuses it: %v", err) // for example if text is not UTF-8
		}
		l, _ := read.L.Int64()
		i, _ := read.I.Int64()
		if wantI, _ := want["i"].(int32); l != want["l"] || int32(i) != wantI {
			t.Errorf("got l %s, i %s, want %v, %v", read.L, read.I, want["l"], want["i"])
		}
	})
}

const everyProto = `syntax = "proto3"; import "google/protobuf/wrappers.proto";
	message M { int64 a = 1; uint64 b = 2; sint32 c = 3; fixed32 d = 4; sfixed64 e = 5; bool f = 6; double g = 7; float h = 8;
		string i = 9; bytes j = 10; E k = 11; M l = 12; repeated int64 m = 13; repeated M n = 14; map<string, M> o = 15;
		map<int64, E> p = 16; optional string q = 17; oneof r { string s = 18; M t = 19; }
		google.protobuf.Int64Value u = 20; google.protobuf.StringValue v = 21; repeated E w = 22; }
	enum E { ZERO = 0; ONE = 1; }`

// FuzzProtobuf reads back what was written. Protobuf's own JSON reader must return the message that its binary reader
// returned.
func FuzzProtobuf(f *testing.F) {
	s := mustProtobuf(f, everyProto)
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"m.proto": everyProto}),
	})}
	files, err := compiler.Compile(f.Context(), "m.proto")
	if err != nil {
		f.Fatal(err)
	}
	descriptor := files[0].Messages().ByName("M")
	f.Add(unhex(f, "00 08 8180808080808010 4a0141 5801 62020801 6a020102 7202 0801 7a07 0a0161 12020801"))
	f.Add(unhex(f, "0200 8201 04 0807 1001 9201 0141 a201 020805 aa01 020a00 b201 020001"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := s.JSON(payload)
		if err != nil {
			noPanic(t, err)
			return
		}
		if !json.Valid(got) {
			t.Fatalf("got %q, want JSON", got)
		}
		body, ok := firstMessage(payload)
		if !ok {
			return
		}
		want, read := dynamicpb.NewMessage(descriptor), dynamicpb.NewMessage(descriptor)
		if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, want); err != nil {
			return
		}
		if err := protojson.Unmarshal(got, read); err != nil {
			t.Fatalf("got %s: %v", got, err)
		}
		if !proto.Equal(want, read) {
			t.Errorf("got %s, want %s", got, protojson.Format(want))
		}
	})
}

// firstMessage cuts off the message indexes. M is the file's only message, so the indexes are a single zero, or [0] in
// full. firstMessage returns false if they take more bytes than necessary.
func firstMessage(payload []byte) ([]byte, bool) {
	for _, indexes := range []string{"\x00", "\x02\x00"} {
		if body, ok := bytes.CutPrefix(payload, []byte(indexes)); ok {
			return body, true
		}
	}
	return nil, false
}

// FuzzTexts looks for schemas that make a compiler panic.
func FuzzTexts(f *testing.F) {
	for _, text := range []string{everyAvro, everyProto, orderAvro, orderProto, `["null","int"]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, compile := range []func() (*schema.Schema, error){
			func() (*schema.Schema, error) { return schema.Avro(text) },
			func() (*schema.Schema, error) { return schema.Protobuf(t.Context(), text) },
		} {
			if s, err := compile(); err == nil {
				_, err := s.JSON([]byte{0, 0, 0, 0, 0})
				noPanic(t, err)
			}
		}
	})
}

// FuzzAvroSchema looks for a schema that crashes the process, or that we refuse although the library accepts it.
func FuzzAvroSchema(f *testing.F) {
	f.Add(everyAvro)
	f.Add(`{"type":"record","name":"my-shop.R","fields":[{"name":"1","type":["null",{"type":"bytes","logicalType":"decimal"}],"default":"x"}]}`)
	f.Add(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"b","type":{"type":"enum","name":"E","symbols":["A"]}}]}`)
	f.Add(`{"type":{"type":["null","string"]}} // end`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.Avro(text)
		if err != nil {
			if _, theirs := avro.Parse(text); theirs == nil {
				t.Errorf("%s: got %v, but the library accepts it", text, err)
			}
			return
		}
		_, err = s.JSON([]byte("\x00\x02\x04\x06"))
		noPanic(t, err)
	})
}
