package mapping_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// table is a mapping for changes to a database table. It reads the row, and the change's operation, table, time and
// place in the log.
const table = `
unwrap: debezium
fields:
  order_id:   {first_of: [{path: $.number}, {path: $._id}], type: id}
  status:     {path: $.status}
  op:         {envelope: $.op}
  table:      {envelope: $.source.table}
  event_time: {envelope: $.source.ts_ms, type: time, unix: ms}
  version:    {first_of: [{envelope: $.source.lsn}, {envelope: $.source.ord}, {envelope: $.source.server_id}]}
rules:
- {when: 'op in ["r", "d"]', then: ignore}
status: {submitted: [new], paid: [paid]}
`

// cloudEvent returns a change as Debezium's CloudEvents converter writes it.
func cloudEvent(kind, op, data string) string {
	if op != "" {
		op = `"iodebeziumop":"` + op + `",`
	}
	return `{"id":"name:shop;lsn:29274832;txId:565","source":"/debezium/postgresql/shop","specversion":"1.0","type":"` + kind + `",
		"time":"2026-03-11T07:15:03.1Z","datacontenttype":"application/json",` + op + `"iodebeziumconnector":"postgresql",
		"iodebeziumtsms":"1773213303100","iodebeziumtable":"orders","iodebeziumlsn":"29274832","iodebeziumserverid":"7","data":` + data + `}`
}

func explain(t *testing.T, m *mapping.Mapping, value string, headers ...event.Header) (mapping.Explanation, string) {
	t.Helper()
	e, err := m.Explain(t.Context(), event.Record{Value: []byte(value), Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	var items []event.Item
	for _, o := range e.Orders {
		items = append(items, o.Item)
	}
	return e, strings.Join(short(items), "; ")
}

func valueOf(e mapping.Explanation, name string) string {
	for _, f := range e.Orders[0].Fields {
		if f.Name == name && f.Value != nil {
			return *f.Value
		}
	}
	return "null"
}

func TestDebeziumIsReadThroughItsCloudEventsConverter(t *testing.T) {
	t.Parallel()
	const kind, old = "io.debezium.connector.postgresql.DataChangeEvent", "io.debezium.postgresql.datachangeevent"
	const change = `{"before":null,"after":{"id":501,"number":"N-501","status":"paid"}}`
	schema := func(payload string) string {
		return `{"schema":{"type":"struct","fields":[]},"payload":` + payload + `}`
	}
	full := `{"before":null,"after":{"number":"N-501","status":"paid"},"op":"u","source":{"ts_ms":1773213303100,"table":"orders","lsn":29274832}}`
	const ce, connect, debezium = "CloudEvents structured", "Connect schema and payload", "Debezium"
	for name, c := range map[string]struct {
		value, want string
		envelopes   []string
	}{
		"a change":                       {cloudEvent(kind, "u", change), "paid N-501", []string{ce, debezium}},
		"a change of an older version":   {cloudEvent(old, "c", change), "paid N-501", []string{ce, debezium}},
		"with its schema":                {cloudEvent(kind, "u", schema(change)), "paid N-501", []string{ce, connect, debezium}},
		"with the whole change":          {cloudEvent(kind, "", full), "paid N-501", []string{ce, debezium}},
		"the whole change with a schema": {cloudEvent(kind, "", schema(full)), "paid N-501", []string{ce, connect, debezium}},
		"in Connect's own envelope":      {schema(cloudEvent(kind, "u", change)), "paid N-501", []string{connect, ce, debezium}},
		"with the change as text":        {cloudEvent(kind, "u", strconv.Quote(change)), "paid N-501", []string{ce, "JSON in a string", debezium}},
		"a snapshot":                     {cloudEvent(kind, "r", change), "ignore", []string{ce, debezium}},
		"a deleted row":                  {cloudEvent(kind, "d", `{"before":{"number":"N-501","status":"paid"},"after":null}`), "ignore", []string{ce, debezium}},
		"a deleted row with a schema":    {cloudEvent(kind, "d", schema(`{"before":{"number":"N-501"},"after":null}`)), "ignore", []string{ce, connect, debezium}},
		"without before":                 {cloudEvent(kind, "u", `{"after":{"number":"N-501","status":"paid"}}`), "paid N-501", []string{ce, debezium}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, got := explain(t, loadText(t, table), c.value)
			if got != c.want || !slices.Equal(e.Envelopes, c.envelopes) {
				t.Errorf("got %s by %q, want %s by %q", got, e.Envelopes, c.want, c.envelopes)
			}
			want := "orders 2026-03-11T07:15:03.1Z 29274832"
			if got := valueOf(e, "table") + " " + valueOf(e, "event_time") + " " + valueOf(e, "version"); got != want {
				t.Errorf("got %s for the source, want %s", got, want)
			}
		})
	}
}

func TestDebeziumIsReadFromACloudEventInHeaders(t *testing.T) {
	t.Parallel()
	var headers []event.Header
	for name, value := range map[string]string{
		"ce_specversion": "1.0", "ce_type": "io.debezium.connector.mysql.DataChangeEvent", "ce_source": "/debezium/mysql/shop", "ce_id": "1",
		"CE_iodebeziumop": "u", "ce_iodebeziumtable": "orders", "ce_iodebeziumtsms": "1773213303100", "ce_iodebeziumserverid": "7",
	} {
		headers = append(headers, event.Header{Key: name, Value: []byte(value)})
	}
	e, got := explain(t, loadText(t, table), `{"before":null,"after":{"number":"N-501","status":"paid"}}`, headers...)
	if got != "paid N-501" || valueOf(e, "op") != "u" || valueOf(e, "version") != "7" {
		t.Errorf("got %s, op %s, version %s, want paid N-501, u, 7", got, valueOf(e, "op"), valueOf(e, "version"))
	}
}

func TestAChangeWithoutItsOperationSaysWhatToSet(t *testing.T) {
	t.Parallel()
	e, got := explain(t, loadPreset(t, "debezium"), cloudEvent("io.debezium.connector.postgresql.DataChangeEvent", "", `{"before":null,"after":{"number":"N-501","status":"paid"}}`))
	if message := e.Orders[0].Item.Message; got != "RuleRefused" || !strings.Contains(message, "extension.attributes.enable=true") {
		t.Errorf("got %s: %q, want RuleRefused and the setting", got, message)
	}
}

func TestACloudEventWhoseDataIsAvroSaysSo(t *testing.T) {
	t.Parallel()
	changed := strings.Replace(cloudEvent("io.debezium.connector.postgresql.DataChangeEvent", "u", `"AAAAAAEAAgICAg=="`), "application/json", "application/avro", 1)
	e, got := explain(t, loadText(t, table), changed)
	if message := e.Orders[0].Item.Message; got != "MissingStatus" || !strings.Contains(message, "the CloudEvent's data is Avro") {
		t.Errorf("got %s: %q, want MissingStatus and Avro by name", got, message)
	}
}

func TestDebeziumOfMongoDBIsReadFromTheDocumentInAString(t *testing.T) {
	t.Parallel()
	change := func(op, after, rest string) string {
		return `{"before":null,"after":` + after + `,"updateDescription":` + rest + `,"source":{"connector":"mongodb","rs":"rs0","collection":"orders","ord":1,"ts_ms":1773213303000},"op":"` + op + `","ts_ms":1773213303100}`
	}
	document := strconv.Quote(`{"_id": {"$oid": "64f0c2a9e4b0a1b2c3d4e5f6"},"number": "N-501","status": "paid"}`)
	const updated = `{"removedFields":null,"updatedFields":"{\"status\": \"paid\"}","truncatedArrays":null}`
	for name, c := range map[string]struct{ value, want string }{
		"a created document":             {change("c", document, "null"), "paid N-501"},
		"an updated document":            {change("u", document, updated), "paid N-501"},
		"with a schema":                  {`{"schema":{},"payload":` + change("u", document, updated) + `}`, "paid N-501"},
		"a change in a string":           {strconv.Quote(change("u", document, updated)), "paid N-501"},
		"through the converter":          {cloudEvent("io.debezium.connector.mongodb.DataChangeEvent", "u", `{"before":null,"after":`+document+`,"updateDescription":null}`), "paid N-501"},
		"a snapshot":                     {change("r", document, "null"), "ignore"},
		"a deleted document":             {change("d", "null", "null"), "ignore"},
		"an ObjectId for an id":          {change("c", strconv.Quote(`{"_id": {"$oid": "64f0c2a9e4b0a1b2c3d4e5f6"},"status": "paid"}`), "null"), "paid 64f0c2a9e4b0a1b2c3d4e5f6"},
		"a long for an id":               {change("c", strconv.Quote(`{"_id": {"$numberLong": "9007199254740993"},"status": "new"}`), "null"), "submitted 9007199254740993"},
		"an int for an id":               {change("c", strconv.Quote(`{"_id": {"$numberInt": "17"},"status": "new"}`), "null"), "submitted 17"},
		"a plain number":                 {change("c", strconv.Quote(`{"_id": 1004,"status": "new"}`), "null"), "submitted 1004"},
		"a double is not an id":          {change("c", strconv.Quote(`{"_id": {"$numberDouble": "1001.0"},"status": "new"}`), "null"), "BadOrderID"},
		"a long below zero is not an id": {change("c", strconv.Quote(`{"_id": {"$numberLong": "-1"},"status": "new"}`), "null"), "BadOrderID"},
		"an ObjectId and a member":       {change("c", strconv.Quote(`{"_id": {"$oid": "64", "x": 1},"status": "new"}`), "null"), "BadOrderID"},
		"an ObjectId that is not text":   {change("c", strconv.Quote(`{"_id": {"$oid": 64},"status": "new"}`), "null"), "BadOrderID"},
		"not a number for a long":        {change("c", strconv.Quote(`{"_id": {"$numberLong": "x"},"status": "new"}`), "null"), "BadOrderID"},
		"a document cut off":             {change("c", `"{\"_id\": 1"`, "null"), "NotJSON"},
		"an update without document":     {change("u", "null", updated), "MissingStatus"},
		"the id was broken UTF-8":        {change("c", "\"{\\\"number\\\": \\\"a\xff\\\",\\\"status\\\": \\\"new\\\"}\"", "null"), "BadOrderID"},
		"broken in an outer string":      {strings.ReplaceAll(strconv.Quote(change("c", strconv.Quote(`{"number": "a!","status": "new"}`), "null")), "a!", "a\xff"), "BadOrderID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, got := explain(t, loadText(t, table), c.value)
			if got != c.want {
				t.Errorf("got %s: %q, want %s", got, e.Orders[0].Item.Message, c.want)
			}
			if message := e.Orders[0].Item.Message; name == "an update without document" && !strings.Contains(message, "capture.mode=change_streams_update_full") {
				t.Errorf("got %q, want the setting that includes the document", message)
			}
		})
	}
}

func TestAFlattenedDocumentOfMongoDBIsReadAsARow(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields:
  order_id: {path: $._id, type: id}
  status:   {path: $.status}
  op:       {path: $.__op}
  deleted:  {path: $.__deleted, type: bool}
rules:
- {when: 'deleted == true || op in ["r", "d"]', then: ignore}
status: {paid: [paid]}
`)
	for value, want := range map[string]string{
		`{"_id":"64f0c2a9e4b0a1b2c3d4e5f6","status":"paid","__op":"u","__deleted":"false"}`:          "paid 64f0c2a9e4b0a1b2c3d4e5f6",
		`{"_id":{"$oid":"64f0c2a9e4b0a1b2c3d4e5f6"},"status":"paid","__op":"u","__deleted":"false"}`: "paid 64f0c2a9e4b0a1b2c3d4e5f6",
		`{"_id":"64f0c2a9e4b0a1b2c3d4e5f6","__op":"d","__deleted":"true"}`:                           "ignore",
		`{"_id":"64f0c2a9e4b0a1b2c3d4e5f6","status":"paid","__op":"r","__deleted":"false"}`:          "ignore",
	} {
		if _, got := explain(t, m, value); got != want {
			t.Errorf("%s: got %s, want %s", value, got, want)
		}
	}
}

func TestNumbersAndTimesOfExtendedJSONAreRead(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields:
  order_id: {path: $.id, type: id}
  total:    {path: $.total, type: number}
  at:       {path: $.at, type: time, unix: ms}
  iso:      {path: $.iso, type: time}
  sealed:   {path: $.sealed, type: present}
  kind:     {path: $.kind}
rules:
- {when: 'total == 12.5 && at == timestamp("2026-03-11T07:15:03.100Z") && iso == at && sealed && kind == "order"', then: paid}
status: {otherwise: ignore}
`)
	for _, value := range []string{
		`{"id":"A","total":{"$numberDecimal":"12.50"},"at":{"$date":1773213303100},"iso":{"$date":"2026-03-11T07:15:03.100Z"},"sealed":{"$date":1},"kind":{"$symbol":"order"}}`,
		`{"id":{"$uuid":"A"},"total":{"$numberDouble":"12.5"},"at":{"$date":{"$numberLong":"1773213303100"}},"iso":{"$date":"2026-03-11T07:15:03.1Z"},"sealed":true,"kind":"order"}`,
	} {
		if e, got := explain(t, m, value); got != "paid A" {
			t.Errorf("%s: got %s: %q, want paid A", value, got, e.Orders[0].Item.Message)
		}
	}
}

func TestANegativeNumberIsNotAnOrderID(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]string{
		"-9223372036854775807": "the number -9223372036854775807, and an id is never negative: Debezium writes a large BIGINT UNSIGNED this way",
		"-1":                   "the number -1, and an id is never negative: Debezium writes a large BIGINT UNSIGNED this way",
		"-0":                   "the number -0, and an id is never negative",
		"-0.0":                 "the number -0.0, and an id is never negative",
		"-1e3":                 "the number -1e3, and an id is never negative",
		"1e3":                  "the number 1e3, not a string or an integer",
		"1E+3":                 "the number 1E+3, not a string or an integer",
		"1.0":                  "the number 1.0, not a string or an integer",
		"0.0":                  "the number 0.0, not a string or an integer",
	} {
		got := decode(t, load(t), value(`{"status":"paid","order_id":`+literal+`}`))
		if got.Cause != "BadOrderID" || !strings.HasPrefix(got.Message, "order_id is "+want) || len(got.Message) >= 256 {
			t.Errorf("%s: got %s: %q, want BadOrderID: order_id is %s", literal, got.Cause, got.Message, want)
		}
	}
	got := decode(t, loadPreset(t, "cdc-woocommerce"), value(`{"before":null,"after":{"id":-9223372036854775807,"status":"wc-processing","type":"shop_order","payment_method":"bacs"},"source":{"connector":"mysql","ts_ms":1773213303100},"op":"u"}`))
	if got.Cause != "BadOrderID" {
		t.Errorf("got %+v for a row with a negative BIGINT UNSIGNED, want BadOrderID", got)
	}
	if got := decode(t, load(t), value(`{"status":"paid","order_id":"-5"}`)); got.OrderID != "-5" {
		t.Errorf("got %+v, want the text -5 as it is: text is opaque", got)
	}
}

func TestAShapeThatNeedsAnotherSettingGetsAHint(t *testing.T) {
	t.Parallel()
	const each = "each: $.orders[*]\nfields: {order_id: {path: $.id, type: id}, status: {path: $.status}}\nstatus: {paid: [paid]}\n"
	const change = `{"before":null,"after":{"order_id":"A","status":"paid"},"source":{},"op":"u"}`
	for name, c := range map[string]struct {
		mapping *mapping.Mapping
		value   string
		want    string
	}{
		"a list":                      {load(t), `[{"order_id":"A","status":"paid"}]`, "MissingStatus status is missing: no path $.status; the event is a list: each: $[*] reads its items"},
		"a list without its member":   {loadText(t, each), `[{"id":"A","status":"paid"}]`, "NotAList $.orders[*] is missing, not a list; the event is itself a list: each: $[*] reads its items"},
		"an object without its list":  {loadText(t, each), `{"id":"A","status":"paid"}`, "NotAList $.orders[*] is missing, not a list"},
		"a change event of Debezium":  {load(t), change, "MissingStatus status is missing: no path $.status; this looks like a change event of Debezium: unwrap: debezium opens it"},
		"an outbox with its envelope": {load(t), `{"eventType":"OrderPaid","payload":"{\"order_id\":\"A\"}"}`, "MissingStatus status is missing: no path $.status; payload is JSON in a string: set table.expand.json.payload=true in Debezium's outbox router, or write it as an object"},
		"a string":                    {load(t), `"paid"`, "MissingStatus status is missing: no path $.status; the event is a JSON string without an object: let the producer write the object itself"},
		"an object":                   {load(t), `{"id":"A"}`, "MissingStatus status is missing: no path $.status"},
		"an unknown status":           {load(t), `{"order_id":"A","status":{}}`, "FieldError status is an object, not a string, number or bool"},
	} {
		got := decode(t, c.mapping, value(c.value))
		if is := got.Cause + " " + got.Message; is != c.want {
			t.Errorf("%s: got %s, want %s", name, is, c.want)
		}
	}
}

// An outbox's key or header is the aggregate's id as text, and a BIGINT UNSIGNED may be a negative number there too.
func TestANegativeNumberInAKeyOrHeaderIsNotAnOrderID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"-9223372036854775807", "-1", "-0"} {
		for where, r := range map[string]event.Record{
			"key":     {Key: []byte(text), Value: []byte(`{"status":"PAID"}`)},
			"subject": {Value: []byte(`{}`), Headers: subject(text)},
		} {
			preset := map[string]string{"key": "outbox", "subject": "cloudevents"}[where]
			got := decode(t, loadPreset(t, preset), r)
			if want := "order_id is the number " + text + ", and an id is never negative"; got.Cause != "BadOrderID" || !strings.HasPrefix(got.Message, want) {
				t.Errorf("%s %s: got %+v, want BadOrderID: %s", where, text, got, want)
			}
		}
	}
	for _, text := range []string{"-", "--1", "-5a", "A-5", "1-5"} {
		if got := decode(t, loadPreset(t, "outbox"), event.Record{Key: []byte(text), Value: []byte(`{"status":"PAID"}`)}); got.OrderID != text {
			t.Errorf("got %+v for the key %s, want it as the id", got, text)
		}
	}
}

// subject returns the headers of a CloudEvent whose subject is the given order.
func subject(of string) (headers []event.Header) {
	for name, text := range map[string]string{
		"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/shop", "ce_type": "order.paid", "ce_subject": of,
	} {
		headers = append(headers, event.Header{Key: name, Value: []byte(text)})
	}
	return headers
}
