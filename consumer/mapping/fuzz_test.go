package mapping_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"leadhit-sync/consumer/mapping"
)

// FuzzDecode throws bytes at the decoder and compares what it accepts with encoding/json: whatever is called must be
// the id and status that the standard library reads there too.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"order_id":"A-1001","status":"paid"}`, `{"status":"submitted","order_id":9007199254740993}`,
		`{"order\u005fid":"\ud83d\ude00","status":true}`, `"{\"order_id\":\"1\",\"status\":\"paid\"}"`,
		"\x00\x00\x00\x00\x29{\"order_id\":1,\"status\":1.50}", "\ufeff{\"order_id\":-5,\"status\":\"paid\"}",
		`{"order_id":1,"status":"paid","a":[{"b":{"c":[[]]}},null]}`, "{\"x\":\"\xff\",\"order_id\":\"1\",\"status\":\"paid\"}",
		`{"order_id":1,"order_id":2,"status":"paid"}`, `{"order_id":"a\ud800","status":"paid"}`, `null`, `"null"`, `[1]`,
		"\"{\\\"order_id\\\":\\\"a\xff\\\",\\\"status\\\":\\\"paid\\\"}\"", strings.Repeat("[", 600),
	} {
		f.Add([]byte(seed))
	}
	m := load(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		before := bytes.Clone(data)
		got := decode(t, m, mapping.Record{Value: data})
		if !bytes.Equal(before, data) {
			t.Fatal("the decoder changed the record's bytes")
		}
		wellFormed(t, got)
		if got.Action != mapping.Call {
			return
		}
		doc := data
		if doc[0] == 0 {
			doc = doc[5:]
		}
		id, status := reference(t, bytes.TrimPrefix(doc, []byte("\ufeff")))
		if got.OrderID != id || got.Status != status {
			t.Errorf("got %q, %q, want %q, %q as encoding/json reads them", got.OrderID, got.Status, id, status)
		}
	})
}

func wellFormed(t *testing.T, o mapping.Outcome) {
	t.Helper()
	switch o.Action {
	case mapping.Call:
		if o.OrderID == "" || o.Status == "" || o.Cause != "" || o.Message != "" {
			t.Errorf("got a call with %+v", o)
		}
	case mapping.Ignore:
		if o.OrderID != "" || o.Status != "" || o.Cause != "" {
			t.Errorf("got an ignored outcome with %+v", o)
		}
	case mapping.Refuse:
		if o.Cause == "" || o.Message == "" || len(o.Message) > 256 {
			t.Errorf("got a refusal with %+v", o)
		}
	}
	if !utf8.ValidString(o.OrderID) || !utf8.ValidString(o.Status) || len(o.OrderID) > 512 || len(o.Status) > 512 {
		t.Errorf("got order %q, status %q: want valid UTF-8, 512 bytes at most", o.OrderID, o.Status)
	}
}

// reference reads both members with encoding/json, through a map, for a struct would fold the case of names.
func reference(t *testing.T, doc []byte) (id, status string) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		var inner string
		if err := json.Unmarshal(doc, &inner); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if err := json.Unmarshal([]byte(inner), &members); err != nil {
			t.Fatalf("accepted a string whose text encoding/json refuses: %v", err)
		}
	}
	text := func(raw json.RawMessage) string {
		var s string
		if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
			return s
		}
		return string(raw)
	}
	return text(members["order_id"]), text(members["status"])
}
