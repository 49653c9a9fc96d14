package mapping_test

import (
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
)

// decimalSchema returns the schema of a struct whose id is a NUMERIC of the given scale, as JsonConverter writes it.
func decimalSchema(scale string) string {
	return `{"type":"struct","fields":[{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"` + scale +
		`","connect.decimal.precision":"20"},"field":"id"},{"type":"string","field":"status"},{"type":"string","field":"number"}],"name":"shop.Value"}`
}

func TestANumericOfConnectIsReadByItsSchema(t *testing.T) {
	t.Parallel()
	const plain = "fields: {order_id: {path: $.id, type: id}, status: {path: $.status}, op: {envelope: $.op}}\nstatus: {paid: [paid]}\n"
	const changed = "unwrap: debezium\n" + plain
	const listed = "each: $.orders[*]\n" + plain
	row := func(id string) string { return `{"id":"` + id + `","status":"paid"}` }
	connect := func(schema, payload string) string { return `{"schema":` + schema + `,"payload":` + payload + `}` }
	within := func(field, schema string) string {
		return `{"type":"struct","fields":[` + strings.TrimSuffix(schema, "}") + `,"field":"` + field + `"}]}`
	}
	change := func(id string) string { return `{"before":null,"after":` + row(id) + `,"op":"u","source":{}}` }
	for name, c := range map[string]struct{ mapping, value, want string }{
		"a row":                       {plain, connect(decimalSchema("0"), row("Adc=")), "paid 471"},
		"above 2^63":                  {plain, connect(decimalSchema("0"), row("AP//////////")), "paid 18446744073709551615"},
		"below zero is not an id":     {plain, connect(decimalSchema("0"), row("/w==")), "BadOrderID"},
		"with decimals is not an id":  {plain, connect(decimalSchema("2"), row("Adc=")), "BadOrderID"},
		"a change event of Debezium":  {changed, connect(within("after", decimalSchema("0")), change("Adc=")), "paid 471"},
		"a change in a CloudEvent":    {changed, cloudEvent("io.debezium.connector.postgresql.DataChangeEvent", "u", connect(within("after", decimalSchema("0")), `{"before":null,"after":`+row("Adc=")+`}`)), "paid 471"},
		"a list of rows":              {listed, connect(`{"type":"struct","fields":[{"type":"array","items":`+decimalSchema("0")+`,"field":"orders"}]}`, `{"orders":[`+row("Adc=")+`]}`), "paid 471"},
		"no schema":                   {plain, connect("null", row("Adc=")), "paid Adc="},
		"a string with such a name":   {plain, connect(strings.Replace(decimalSchema("0"), `"field":"id"`, `"field":"other"`, 1), row("Adc=")), "paid Adc="},
		"a number beside a NUMERIC":   {plain, connect(decimalSchema("0"), `{"id":17,"status":"paid"}`), "paid 17"},
		"not base64":                  {plain, connect(decimalSchema("0"), row("A-1")), "paid A-1"},
		"a NUMERIC of another struct": {changed, connect(within("before", decimalSchema("0")), change("Adc=")), "paid Adc="},
	} {
		if _, got := explain(t, loadText(t, c.mapping), c.value); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	sum := loadText(t, "fields: {order_id: {path: $.number, type: id}, sum: {path: $.id, type: number}}\nrules: [{when: 'sum == 4.71', then: paid}]\nstatus: {otherwise: ignore}\n")
	if _, got := explain(t, sum, connect(decimalSchema("2"), `{"id":"Adc=","number":"A"}`)); got != "paid A" {
		t.Errorf("got %s for a sum, want paid A", got)
	}
	key := loadText(t, "fields: {order_id: {key: $.id, type: id}, status: {path: $.status}}\nstatus: {paid: [paid]}\n")
	if got := decode(t, key, event.Record{Key: []byte(connect(decimalSchema("0"), `{"id":"Adc="}`)), Value: []byte(`{"status":"paid"}`)}); got.OrderID != "471" {
		t.Errorf("got %+v for a key, want 471", got)
	}
}

func TestABinaryKeyIsNotAnOrderID(t *testing.T) {
	t.Parallel()
	m := loadText(t, "fields: {order_id: {key: $, type: id}, status: {path: $.status}}\nstatus: {paid: [paid]}\n")
	for key, want := range map[string]string{
		"\x00\x00\x00\x2a":                 "order_id is in a key of 4 bytes, as IntegerSerializer writes: let the producer write it as text",
		"\x00\x00\x00\x00\x00\x00\x00\x2a": "order_id is in a key of 8 bytes, as LongSerializer writes: let the producer write it as text",
		"A\x001":                           "order_id is in a key that is binary: let the producer write it as text",
	} {
		got := decode(t, m, event.Record{Key: []byte(key), Value: []byte(`{"status":"paid"}`)})
		if got.Cause != "BadOrderID" || got.Message != want {
			t.Errorf("%q: got %s: %q, want BadOrderID: %q", key, got.Cause, got.Message, want)
		}
	}
	framed := event.Record{Key: []byte("\x00\x00\x00\x00\x29\"A\""), Value: []byte(`{"status":"paid"}`)}
	if got := decode(t, m, framed); got.OrderID != "A" {
		t.Errorf("got %+v for a framed key of 8 bytes, want A", got)
	}
	for _, key := range []string{"1234", "12345678", "№ 1"} {
		if got := decode(t, m, event.Record{Key: []byte(key), Value: []byte(`{"status":"paid"}`)}); got.OrderID != key {
			t.Errorf("%q: got %+v, want the key as it is", key, got)
		}
	}
}
