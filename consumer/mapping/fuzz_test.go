package mapping_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// FuzzDecode throws bytes at the decoder and compares what it accepts with encoding/json. The id and status of a call
// must be those that the standard library reads.
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
		if len(data) > 0 {
			decodeAsEncodingJSON(t, m, data)
		}
	})
}

func decodeAsEncodingJSON(t *testing.T, m *mapping.Mapping, data []byte) {
	t.Helper()
	before := bytes.Clone(data)
	r := event.Record{Value: data}
	got := decode(t, m, r)
	if !bytes.Equal(before, data) {
		t.Fatal("the decoder changed the record's bytes")
	}
	wellFormed(t, got)
	e, err := m.Explain(t.Context(), r)
	if err == nil {
		e.Orders[0].Item.By = ""
	}
	if err != nil || e.Orders[0].Item != got {
		t.Fatalf("got %+v, %v from Explain, want %+v", e, err, got)
	}
	// FuzzUnwrap compares orders in other envelopes.
	if got.Action != event.Call || !plainEnvelopes(e.Envelopes) {
		return
	}
	doc := data
	if doc[0] == 0 {
		doc = doc[5:]
	}
	id, status := members(t, bytes.TrimPrefix(doc, []byte("\ufeff")))
	if got.OrderID != id || got.Status != status {
		t.Errorf("got %q, %q, want %q, %q as encoding/json reads them", got.OrderID, got.Status, id, status)
	}
}

func plainEnvelopes(envelopes []string) bool {
	for _, e := range envelopes {
		if strings.HasPrefix(e, "C") && e != "Confluent framing" {
			return false
		}
	}
	return true
}

// FuzzUnwrap puts the same order into every envelope. The calls for the order must be the same as without an envelope,
// and no bytes anywhere may make the unwrapper panic.
func FuzzUnwrap(f *testing.F) {
	f.Add([]byte(`{"id":"A","status":"paid"}`), "subject", "application/json")
	f.Add([]byte(`{"id":1,"status":"new","op":"d","outer":"ignore"}`), "", "application/cloudevents")
	f.Add([]byte(`{"specversion":"1","type":"a","source":"b","id":"c","data_base64":"eyJpZCI6MX0="}`), "x", "application/cloudevents-batch")
	f.Add([]byte(`{"schema":null,"payload":"{\"id\":1}"}`), "x", "application/cloudevents+json;x")
	f.Add([]byte(`[1,{"id":2}]`), "\xff", "\x00")
	f.Add([]byte("\x00\x00\x00\x00\x29null"), "", "")
	bare, changes := loadText(f, layers), loadText(f, changes)
	f.Fuzz(func(t *testing.T, data []byte, subject, contentType string) {
		headers := []event.Header{{Key: "Content-Type", Value: []byte(contentType)}, {Key: "ce_subject", Value: []byte(subject)}}
		r := event.Record{Value: data, Key: []byte(subject), Headers: headers}
		for _, m := range []*mapping.Mapping{bare, changes} {
			for _, o := range must(t, m, r) {
				wellFormed(t, o)
			}
		}
		want := decode(t, bare, event.Record{Value: data})
		if want.Action != event.Call || !json.Valid(data) {
			return
		}
		same := func(m *mapping.Mapping, name, wrapped string) {
			if got := decode(t, m, event.Record{Value: []byte(wrapped)}); got != want {
				t.Errorf("got %+v within %s, want %+v", got, name, want)
			}
		}
		same(bare, "a byte order mark", "\ufeff"+string(data))
		same(bare, "Confluent framing", "\x00\x00\x00\x00\x07"+string(data))
		if bareOrder(data) {
			same(bare, "Connect", `{"schema":null,"payload":`+string(data)+`}`)
			same(bare, "CloudEvents", `{"specversion":"1.0","type":"x","source":"s","id":"1","data":`+string(data)+`}`)
			same(changes, "Debezium", `{"op":"u","source":{},"after":`+string(data)+`}`)
		}
	})
}

// bareOrder reports whether an order is in no envelope yet, and has no member that the mapping reads from an envelope.
func bareOrder(data []byte) bool {
	var all map[string]any
	if json.Unmarshal(data, &all) != nil {
		return false
	}
	for _, name := range []string{"specversion", "payload", "outer", "op"} {
		if all[name] != nil {
			return false
		}
	}
	return true
}

// FuzzLoad throws text at the loader. A mapping that it accepts must decode an event without a panic.
func FuzzLoad(f *testing.F) {
	for _, name := range mapping.Presets() {
		text, err := mapping.Preset(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(atelier)
	f.Add("a: &a [*a]")
	f.Add("fields: &f {order_id: {path: $.id}, <<: *f}")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "shop.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := mapping.Load(mapping.Options{Source: path})
		if err != nil {
			if err.Error() == "" {
				t.Error("got an error without a message")
			}
			return
		}
		m.Check()
		for _, o := range must(t, m, value(`{"id":1,"order_id":2,"status":"paid","orders":[{"id":3}]}`)) {
			wellFormed(t, o)
		}
	})
}

func must(t *testing.T, m *mapping.Mapping, r event.Record) []event.Item {
	t.Helper()
	items, err := m.Decode(t.Context(), r)
	if err != nil || len(items) == 0 {
		t.Fatalf("got %v, %v", items, err)
	}
	return items
}

func wellFormed(t *testing.T, o event.Item) {
	t.Helper()
	switch o.Action {
	case event.Call:
		if o.OrderID == "" || o.Status == "" || o.Cause != "" || o.Message != "" {
			t.Errorf("got a call with %+v", o)
		}
	case event.Ignore:
		if o.OrderID != "" || o.Status != "" || o.Cause != "" {
			t.Errorf("got an ignored item with %+v", o)
		}
	case event.Refuse:
		if o.Cause == "" || o.Message == "" || len(o.Message) > 256 {
			t.Errorf("got a refusal with %+v", o)
		}
	}
	if !utf8.ValidString(o.OrderID) || !utf8.ValidString(o.Status) || len(o.OrderID) > 512 || len(o.Status) > 512 {
		t.Errorf("got order %q, status %q: want valid UTF-8 of at most 512 bytes", o.OrderID, o.Status)
	}
}

// members reads order_id and status with encoding/json, through a map, because a struct would fold the case of names.
func members(t *testing.T, doc []byte) (id, status string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(doc, &all); err != nil {
		var inner string
		if err := json.Unmarshal(doc, &inner); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		inner = strings.TrimPrefix(inner, "\ufeff")
		if err := json.Unmarshal([]byte(inner), &all); err != nil {
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
	return text(all["order_id"]), text(all["status"])
}
