package mapping_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/schema"
)

// layers is a mapping that reads from every layer; changes is the same mapping with Debezium's envelope opened.
const (
	layers = `
fields:
  order_id: {first_of: [{path: $.id}, {ce: subject}], type: id}
  status:   {first_of: [{path: $.status}, {ce: type}]}
  outer:    {envelope: $.outer}
  op:       {envelope: $.op}
rules:
- {when: 'outer == "ignore" || op == "d"', then: ignore}
status: {paid: ["paid"], submitted: ["new"]}
`
	changes = "unwrap: debezium\n" + layers
)

func TestEveryEnvelopeIsOpened(t *testing.T) {
	t.Parallel()
	const order = `{"id":"A","status":"paid"}`
	ce := func(rest string) string {
		return `{"specversion":"1.0","type":"new","source":"/s","id":"1"` + rest + `}`
	}
	b64 := base64.StdEncoding.EncodeToString([]byte(order))
	structured := []event.Header{{Key: "Content-Type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}
	binary := []event.Header{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_type", Value: []byte("new")},
		{Key: "ce_source", Value: []byte("/s")},
		{Key: "ce_id", Value: []byte("1")},
		{Key: "CE_Subject", Value: []byte("B")},
	}
	for _, c := range []struct {
		name, mapping, value string
		headers              []event.Header
		want                 string
		envelopes            []string
	}{
		{"none", layers, order, nil, "paid A", nil},
		{"none, and a member beside", layers, `{"outer":"ignore"}`, nil, "ignore", nil},
		{"Connect", layers, `{"schema":null,"payload":` + order + `}`, nil, "paid A", []string{"Connect schema and payload"}},
		{"Connect around nothing", layers, `{"payload":null,"schema":{}}`, nil, "ignore", []string{"Connect schema and payload"}},
		{"Connect's names and two more", layers, `{"schema":1,"payload":` + order + `,"id":"B","status":"new"}`, nil, "submitted B", nil},
		{"a string in Connect in a string", layers, strconv.Quote(`{"schema":1,"payload":` + strconv.Quote(order) + `}`), nil, "MissingStatus", nil},
		{"Connect's names but one", layers, `{"payload":` + order + `}`, nil, "MissingStatus", nil},
		{"Connect around a string of JSON", layers, `{"schema":1,"payload":` + strconv.Quote(order) + `}`, nil, "paid A", []string{"Connect schema and payload", "JSON in a string"}},
		{"a string around Connect", layers, strconv.Quote(`{"schema":1,"payload":` + order + `}`), nil, "paid A", []string{"JSON in a string", "Connect schema and payload"}},
		{"a string in a string", layers, strconv.Quote(strconv.Quote(order)), nil, "MissingStatus", nil},
		{"CloudEvents", layers, ce(`,"data":` + order), nil, "paid A", []string{"CloudEvents structured"}},
		{"CloudEvents by the header alone", layers, `{"data":` + order + `}`, structured, "paid A", []string{"CloudEvents structured"}},
		{"CloudEvents without data", layers, ce(`,"subject":"B"`), nil, "submitted B", []string{"CloudEvents structured"}},
		{"CloudEvents with null data", layers, ce(`,"subject":"B","data":null`), nil, "submitted B", []string{"CloudEvents structured"}},
		{"CloudEvents with text for data", layers, ce(`,"subject":"B","data":"hello"`), nil, "submitted B", []string{"CloudEvents structured"}},
		{"CloudEvents with base64", layers, ce(`,"data_base64":"` + b64 + `"`), nil, "paid A", []string{"CloudEvents structured"}},
		{"CloudEvents with broken base64", layers, ce(`,"data_base64":"!"`), nil, "NotJSON", nil},
		{"CloudEvents with base64 of text", layers, ce(`,"data_base64":"aGk="`), nil, "NotJSON", []string{"CloudEvents structured"}},
		{"CloudEvents with a number for base64", layers, ce(`,"data_base64":1`), nil, "NotJSON", nil},
		{"CloudEvents' names but one", layers, `{"specversion":"1.0","type":"new","id":"1","status":"paid","data":{}}`, nil, "paid 1", nil},
		{"CloudEvents, the envelope's members", layers, ce(`,"outer":"ignore","data":` + order), nil, "ignore", []string{"CloudEvents structured"}},
		{"CloudEvents in Connect", layers, `{"schema":1,"payload":` + ce(`,"data":`+order) + `}`, nil, "paid A", []string{"Connect schema and payload", "CloudEvents structured"}},
		{"CloudEvents in headers", layers, `{"status":"paid"}`, binary, "paid B", []string{"CloudEvents binary"}},
		{"CloudEvents in headers with null", layers, `null`, binary, "submitted B", []string{"CloudEvents binary"}},
		{"CloudEvents in another format", layers, "\x01\x02", []event.Header{{Key: "content-type", Value: []byte("application/cloudevents+avro")}}, "UnsupportedEncoding", nil},
		{"CloudEvents that are announced and broken", layers, `{"data":`, structured, "NotJSON", nil},
		{"CloudEvents with attributes in headers too", layers, ce(`,"subject":"C","data":{"status":"paid"}`), append(slices.Clone(binary), structured...), "paid C", []string{"CloudEvents structured"}},
		{"a batch of CloudEvents", layers, `[` + ce(`,"data":`+order) + `]`, []event.Header{{Key: "content-type", Value: []byte("application/cloudevents-batch+json")}}, "UnsupportedEncoding", nil},
		{"Debezium without unwrap: debezium", layers, `{"op":"u","source":{},"after":` + order + `}`, nil, "MissingStatus", nil},
		{"Debezium", changes, `{"op":"u","source":{},"after":` + order + `}`, nil, "paid A", []string{"Debezium"}},
		{"Debezium in Connect", changes, `{"schema":{},"payload":{"op":"c","source":{},"after":` + order + `}}`, nil, "paid A", []string{"Connect schema and payload", "Debezium"}},
		{"Debezium, a row deleted", changes, `{"op":"d","source":{},"before":` + order + `,"after":null}`, nil, "ignore", []string{"Debezium"}},
		{"Debezium, no row", changes, `{"op":"m","source":{}}`, nil, "MissingStatus", []string{"Debezium"}},
		{"metadata of a transaction is not a row", changes, `{"status":"paid","id":"A"}`, nil, "MissingStatus", nil},
		{"Debezium, not an object", changes, `[1]`, nil, "MissingStatus", nil},
		{"Debezium, null", changes, `null`, nil, "ignore", nil},
		{
			"framing, byte order mark, string, Connect, CloudEvents, Debezium", changes,
			"\x00\x00\x00\x00\x01\ufeff" + strconv.Quote(`{"schema":1,"payload":`+ce(`,"data":{"op":"u","source":{},"after":`+order+`}`)+`}`), nil, "paid A",
			[]string{"Confluent framing", "byte order mark", "JSON in a string", "Connect schema and payload", "CloudEvents structured", "Debezium"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := loadText(t, c.mapping)
			r := event.Record{Place: event.Place{Topic: "orders"}, Value: []byte(c.value), Headers: c.headers}
			got, err := m.Decode(t.Context(), r)
			if err != nil || !slices.Equal(short(got), []string{c.want}) {
				t.Fatalf("got %+v, %v, want %s", got, err, c.want)
			}
			e, err := m.Explain(t.Context(), r)
			if err != nil || e.Orders[0].Item != got[0] {
				t.Fatalf("got %+v, %v from Explain, want the item of Decode", e, err)
			}
			if c.envelopes != nil && !slices.Equal(e.Envelopes, c.envelopes) {
				t.Errorf("got envelopes %v, want %v", e.Envelopes, c.envelopes)
			}
		})
	}
}

func TestAnEventWithoutAValueMayStillBeACloudEvent(t *testing.T) {
	t.Parallel()
	m := loadText(t, layers)
	r := event.Record{}
	for _, name := range []string{"specversion", "type", "source", "id", "subject"} {
		r.Headers = append(r.Headers, event.Header{Key: "ce_" + name, Value: []byte("new")})
	}
	if got := decode(t, m, r); got != (event.Item{Action: event.Call, OrderID: "new", Status: "submitted"}) {
		t.Errorf("got %+v, want a call by the attributes", got)
	}
}

func TestSchemasAreFoundByTheirIDs(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	var asked []int
	lookup := func(_ context.Context, id int) (*schema.Schema, error) {
		asked = append(asked, id)
		switch id {
		case 1:
			return schema.JSON(), nil
		case 2:
			return nil, fmt.Errorf("registry: %w", away)
		case 3:
			return nil, fmt.Errorf("schema 3: %w", schema.ErrNotDecodable)
		}
		return nil, fmt.Errorf("schema %d: %w", id, schema.ErrUnknown)
	}
	text := "decode: avro\nschemas: [{id: 41, file: order.avsc}]\nfields: {order_id: {path: $.id}, status: {path: $.status}}\nstatus: {otherwise: pass}\n"
	path := file(t, text)
	avro := `{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"status","type":"string"}]}`
	besides(t, path, "order.avsc", avro)
	m, err := mapping.Load(mapping.Options{Source: path, Schemas: lookup})
	if err != nil {
		t.Fatal(err)
	}
	framed := func(id byte, payload string) event.Record {
		return value("\x00\x00\x00\x00" + string(rune(id)) + payload)
	}
	for _, c := range []struct {
		name   string
		record event.Record
		want   string
		err    error
	}{
		{"listed", framed(41, "\x0e\x08paid"), "paid 7", nil},
		{"in the registry", framed(1, `{"id":7,"status":"paid"}`), "paid 7", nil},
		{"not reachable", framed(2, "x"), "", away},
		{"an invalid schema", framed(3, "x"), "NotDecodable", nil},
		{"unknown", framed(4, "x"), "UnknownSchema", nil},
		{"a payload that does not fit", framed(41, "\x0e"), "NotDecodable", nil},
		{"no frame", value(`{"id":7,"status":"paid"}`), "NotDecodable", nil},
		{"a schema named by a header", event.Record{Value: []byte("\x0e\x08paid"), Headers: []event.Header{{Key: "__value_schema_id", Value: []byte{1}}}}, "UnsupportedEncoding", nil},
	} {
		got, err := m.Decode(t.Context(), c.record)
		if !errors.Is(err, c.err) || c.err == nil && !slices.Equal(short(got), []string{c.want}) {
			t.Errorf("%s: got %+v, %v, want %s, %v", c.name, got, err, c.want, c.err)
		}
	}
	if slices.Contains(asked, 41) {
		t.Error("the registry was asked for a schema that is listed")
	}
}

func TestLargeAndDeepValuesAreRefusedInBoundedMemory(t *testing.T) {
	t.Parallel()
	m := loadText(t, layers)
	for _, c := range []struct{ name, value, want string }{
		{"10 MiB", `{"a":"` + strings.Repeat("x", 10<<20) + `"}`, "TooLarge"},
		{"10,000 deep", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "TooDeep"},
		{"10,000 deep on the way of a path", strings.Repeat(`{"id":`, 10_000) + "1" + strings.Repeat("}", 10_000), "TooDeep"},
		{"4 MiB of brackets", strings.Repeat("[", 4<<20), "TooDeep"},
		{"4 MiB of brackets in a string", strconv.Quote(strings.Repeat("[", 4<<20-2)), "TooDeep"},
	} {
		record := value(c.value)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := decode(t, m, record)
		runtime.ReadMemStats(&after)
		if got.Cause != c.want {
			t.Errorf("%s: got %+v, want %s", c.name, got, c.want)
		}
		// The largest allocation that is allowed is the unquoted text of a string. The limit is higher, because other
		// tests may allocate at the same time.
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: got %d bytes allocated, want at most 64 MiB", c.name, used)
		}
	}
}

func TestAContentTypeMayBeQuoted(t *testing.T) {
	t.Parallel()
	m := loadText(t, "fields: {order_id: {path: $.id}, status: {path: $.status}}\nstatus: {paid: [paid]}\n")
	for contentType, want := range map[string]string{
		`"application/cloudevents+json"`: "paid 1", `"application/cloudevents-batch+json"`: "UnsupportedEncoding", `"application/json"`: "MissingStatus",
	} {
		got, err := m.Decode(t.Context(), event.Record{
			Value:   []byte(`{"specversion":"1.0","type":"order","data":{"id":1,"status":"paid"}}`),
			Headers: []event.Header{{Key: "content-type", Value: []byte(contentType)}},
		})
		if err != nil || short(got)[0] != want {
			t.Errorf("%s: got %+v, %v, want %s", contentType, got, err, want)
		}
	}
}
