package mapping_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// oneField is a mapping that tells what a field came to: it calls with the status "null" or "so" and refuses a flaw.
func oneField(declaration, when string) string {
	return `
statuses: ["so", "else"]
fields:
  order_id: {path: $.id}
  x: ` + declaration + `
rules:
- {when: '` + when + `', then: so}
- {when: 'true', then: else}
`
}

func TestAFieldIsReadByItsDeclaration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, field, when, value, want string }{
		{"a string", `{path: $.a}`, `x == "b"`, `"b"`, "so"},
		{"a number as written", `{path: $.a}`, `x == "1.50"`, `1.50`, "so"},
		{"a bool as text", `{path: $.a}`, `x == "true"`, `true`, "so"},
		{"null", `{path: $.a}`, `x == null`, `null`, "so"},
		{"an object is no text", `{path: $.a}`, `x == null`, `{}`, "FieldError"},
		{"an empty string is not null", `{path: $.a}`, `x == ""`, `""`, "so"},
		{"broken text", `{path: $.a}`, `x == null`, "\"\xff\"", "FieldError"},
		{"an id that is an integer", `{path: $.a, type: id}`, `x == "18446744073709551616"`, `18446744073709551616`, "so"},
		{"an id that is a float", `{path: $.a, type: id}`, `x == null`, `1.0`, "FieldError"},
		{"an id that is a bool", `{path: $.a, type: id}`, `x == null`, `true`, "FieldError"},
		{"an empty id", `{path: $.a, type: id}`, `x == null`, `""`, "FieldError"},
		{"true", `{path: $.a, type: bool}`, `x == true`, `true`, "so"},
		{"true in quotes", `{path: $.a, type: bool}`, `x == true`, `"true"`, "so"},
		{"1", `{path: $.a, type: bool}`, `x == true`, `1`, "so"},
		{"1 in quotes", `{path: $.a, type: bool}`, `x == true`, `"1"`, "so"},
		{"0", `{path: $.a, type: bool}`, `x == false`, `0`, "so"},
		{"false in quotes", `{path: $.a, type: bool}`, `x == false`, `"false"`, "so"},
		{"no bool", `{path: $.a, type: bool}`, `x == null`, `"yes"`, "FieldError"},
		{"two is no bool", `{path: $.a, type: bool}`, `x == null`, `2`, "FieldError"},
		{"a null bool", `{path: $.a, type: bool}`, `x == null`, `null`, "so"},
		{"a number", `{path: $.a, type: number}`, `x == 12.5`, `12.5`, "so"},
		{"a numeric string", `{path: $.a, type: number}`, `x >= 120`, `"0120.000"`, "so"},
		{"a number and an integer of the rule", `{path: $.a, type: number}`, `x == 2 && x + 1 == 3 && x in [1, 2]`, `2`, "so"},
		{"an exponent", `{path: $.a, type: number}`, `x == -1500.0`, `-1.5e3`, "so"},
		{"a decimal comma", `{path: $.a, type: number}`, `x == null`, `"80,00"`, "FieldError"},
		{"base64", `{path: $.a, type: number}`, `x == null`, `"E68Q"`, "FieldError"},
		{"an empty number", `{path: $.a, type: number}`, `x == null`, `""`, "FieldError"},
		{"not a number", `{path: $.a, type: number}`, `x == null`, `"NaN"`, "FieldError"},
		{"a hexadecimal number", `{path: $.a, type: number}`, `x == null`, `"0x1p4"`, "FieldError"},
		{"too large a number", `{path: $.a, type: number}`, `x == null`, `1e999`, "FieldError"},
		{"a point without digits", `{path: $.a, type: number}`, `x == null`, `"1."`, "FieldError"},
		{"something present", `{path: $.a, type: present}`, `x`, `{}`, "so"},
		{"zero is present", `{path: $.a, type: present}`, `x`, `0`, "so"},
		{"false is present", `{path: $.a, type: present}`, `x`, `false`, "so"},
		{"null is not present", `{path: $.a, type: present}`, `!x`, `null`, "so"},
		{"an empty string is not present", `{path: $.a, type: present}`, `!x`, `""`, "so"},
		{"absence is not present", `{path: $.b, type: present}`, `!x`, `1`, "so"},
		{"present by what extract finds", `{path: $.a, type: present, extract: "^(pre)"}`, `!x`, `"post"`, "so"},
		{"a time", `{path: $.a, type: time}`, `x == timestamp("2026-03-11T07:15:03.5Z")`, `"2026-03-11T10:15:03.5+03:00"`, "so"},
		{"a time with seven digits", `{path: $.a, type: time}`, `x > timestamp("2026-03-11T07:15:03Z")`, `"2026-03-11T07:15:03.6120711Z"`, "so"},
		{"a time without a zone", `{path: $.a, type: time}`, `x == null`, `"2026-03-11T07:15:03"`, "so"},
		{"the year 1", `{path: $.a, type: time}`, `x == null`, `"0001-01-01T00:00:00Z"`, "so"},
		{"no time", `{path: $.a, type: time}`, `x == null`, `"yesterday"`, "so"},
		{"an object for a time", `{path: $.a, type: time}`, `x == null`, `{}`, "FieldError"},
		{"a zone for times without one", `{path: $.a, type: time, zone: Europe/Moscow}`, `x == timestamp("2026-03-11T07:15:03Z")`, `"2026-03-11 10:15:03"`, "so"},
		{"a layout", `{path: $.a, type: time, layout: "02.01.2006 15:04"}`, `x == timestamp("2026-03-11T07:15:00Z")`, `"11.03.2026 07:15"`, "so"},
		{"a layout and a zone", `{path: $.a, type: time, layout: "02.01.2006 15:04", zone: Asia/Omsk}`, `x == timestamp("2026-03-11T01:15:00Z")`, `"11.03.2026 07:15"`, "so"},
		{"seconds", `{path: $.a, type: time, unix: s}`, `x == timestamp("2026-03-11T07:15:03Z")`, `1773213303`, "so"},
		{"milliseconds in quotes", `{path: $.a, type: time, unix: ms}`, `x == timestamp("2026-03-11T07:15:03.1Z")`, `"1773213303100"`, "so"},
		{"microseconds", `{path: $.a, type: time, unix: us}`, `x == timestamp("2026-03-11T07:15:03.100123Z")`, `1773213303100123`, "so"},
		{"seconds with a fraction", `{path: $.a, type: time, unix: s}`, `x == timestamp("2026-03-11T07:15:03.5Z")`, `1773213303.5`, "so"},
		{"a count that is none", `{path: $.a, type: time, unix: s}`, `x == null`, `"soon"`, "so"},
		{"a count beyond all years", `{path: $.a, type: time, unix: s}`, `x == null`, `1e300`, "so"},
		{"extract", `{path: $.a, extract: "^gid://shop/([0-9]+)$"}`, `x == "17"`, `"gid://shop/17"`, "so"},
		{"extract without a match", `{path: $.a, extract: "^gid://shop/([0-9]+)$"}`, `x == null`, `"17"`, "so"},
		{"extract from a number", `{path: $.a, extract: "^(..)"}`, `x == "12"`, `1234`, "so"},
		{"a group that takes no part", `{path: $.a, extract: "b|(c)"}`, `x == null`, `"b"`, "so"},
		{"trim and lower", `{path: $.a, normalize: [trim, lower]}`, `x == "оплачен"`, `" \u00a0ОПЛАЧЕН\n"`, "so"},
		{"lower alone", `{path: $.a, normalize: [lower]}`, `x == " a "`, `" A "`, "so"},
		{"a pattern after normalize", `{path: $.a, normalize: [trim], pattern: "^[A-Z]$"}`, `x == "A"`, `" A "`, "so"},
		{"a pattern that fails", `{path: $.a, pattern: "^[0-9]+$"}`, `x == null`, `"Adc="`, "FieldError"},
		{"first_of, the first", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "b"`, `"b"`, "so"},
		{"first_of passes null over", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `null`, "so"},
		{"first_of passes an empty string over", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `""`, "so"},
		{"first_of passes over what extract does not find", `{first_of: [{path: $.a, extract: "^x(.)"}, {path: $.id}]}`, `x == "7"`, `"b"`, "so"},
		{"first_of passes over what trim empties", `{first_of: [{path: $.a}, {path: $.id}], normalize: [trim]}`, `x == "7"`, `"  "`, "so"},
		{"first_of passes an empty string over for something present", `{first_of: [{path: $.a}, {path: $.id}], type: present}`, `x`, `""`, "so"},
		{"first_of stops at false", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "false"`, `false`, "so"},
		{"first_of stops at a flaw", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `[]`, "FieldError"},
		{"first_of with nothing left", `{first_of: [{path: $.a}, {path: $.b}]}`, `x == null`, `null`, "so"},
		{"the last of a list", `{path: "$.a[-1].s"}`, `x == "c"`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"the second last of a list", `{path: "$.a[-2].s"}`, `x == "b"`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"beyond a list's begin", `{path: "$.a[-4].s"}`, `x == null`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"the first of a list", `{path: "$.a[0]"}`, `x == "a"`, `["a","b"]`, "so"},
		{"an index of no list", `{path: "$.a[0]"}`, `x == null`, `{"0":"a"}`, "so"},
		{"a name in brackets", `{path: "$[''a''][''X-Shopify.Topic'']"}`, `x == "b"`, `{"X-Shopify.Topic":"b"}`, "so"},
		{"a Cyrillic name", `{path: $.a.статус}`, `x == "b"`, `{"статус":"b"}`, "so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			field := strings.ReplaceAll(c.field, "''", "'")
			o := decode(t, loadText(t, oneField(field, c.when)), value(`{"id":7,"a":`+c.value+`}`))
			got := o.Status
			if o.Action == mapping.Refuse {
				got = o.Cause
			}
			if got != c.want {
				t.Errorf("got %s (%s), want %s", got, o.Message, c.want)
			}
		})
	}
}

func TestAFieldMayStandOutsideTheValue(t *testing.T) {
	t.Parallel()
	headers := []event.Header{
		{Key: "x-TYPE", Value: []byte("first")},
		{Key: "X-Type", Value: []byte("paid")},
		{Key: "none"},
		{Key: "bad", Value: []byte("\xff")},
		{Key: "empty", Value: []byte{}},
		{Key: "quoted", Value: []byte(`"a\/b"`)},
		{Key: "quoted-empty", Value: []byte(`""`)},
		{Key: "blanks", Value: []byte(` "a" `)},
		{Key: "connect", Value: []byte(`{"schema":{"type":"string"},"payload":"a"}`)},
		{Key: "object", Value: []byte(`{"a":1}`)},
		{Key: "half", Value: []byte(`"a`)},
		{Key: "within", Value: []byte(`say "a"`)},
	}
	for _, c := range []struct{ name, field, when, key, want string }{
		{"a header in any case", `{header: X-Type}`, `x == "paid"`, "", "so"},
		{"of equal headers the last", `{header: x-type}`, `x == "paid"`, "", "so"},
		{"a header that is missing", `{header: other}`, `x == null && absent(x)`, "", "so"},
		{"a header without a value", `{header: none}`, `x == null && !absent(x)`, "", "so"},
		{"an empty header", `{header: empty}`, `x == "" && !absent(x)`, "", "so"},
		{"a header in quotes", `{header: quoted}`, `x == "a/b"`, "", "so"},
		{"a header of an empty string in quotes", `{header: quoted-empty}`, `x == ""`, "", "so"},
		{"a header in quotes and blanks", `{header: blanks}`, `x == "a"`, "", "so"},
		{"a header in Connect's envelope", `{header: connect}`, `x == "a"`, "", "so"},
		{"a header that is an object", `{header: object}`, `x == "{\"a\":1}"`, "", "so"},
		{"a header that only begins with a quote", `{header: half}`, `x == "\"a"`, "", "so"},
		{"a header with quotes within", `{header: within}`, `x == "say \"a\""`, "", "so"},
		{"a header of broken text", `{header: bad}`, `x == null`, "", "FieldError"},
		{"no key", `{key: $}`, `x == null`, "", "so"},
		{"the key as text", `{key: $}`, `x == "OB-8"`, "OB-8", "so"},
		{"the key as text that looks like a number", `{key: $}`, `x == "1e3"`, "1e3", "so"},
		{"a key with leading zeros", `{key: $, type: id}`, `x == "000123"`, "000123", "so"},
		{"a key in quotes", `{key: $}`, `x == "OB-8"`, `"OB-8"`, "so"},
		{"a key in Connect's envelope", `{key: $}`, `x == "OB-8"`, `{"schema":{},"payload":"OB-8"}`, "so"},
		{"a member of the key", `{key: $.id}`, `x == "501"`, `{"id":501}`, "so"},
		{"a member of a key in Connect's envelope", `{key: $.id}`, `x == "503"`, `{"schema":{},"payload":{"id":503}}`, "so"},
		{"a whole key that is an object", `{key: $}`, `x == null`, `{"id":501}`, "FieldError"},
		{"a member of a key that is text", `{key: $.id}`, `x == null`, "OB-8", "FieldError"},
		{"a framed key", `{key: $.id}`, `x == "501"`, "\x00\x00\x00\x00\x01{\"id\":501}", "so"},
		{"a framed key that is not JSON", `{key: $}`, `x == null`, "\x00\x00\x00\x00\x01\x06OB8", "FieldError"},
		{"a key that begins like JSON", `{key: $}`, `x == "{A}"`, "{A}", "so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := value(`{"id":7}`)
			r.Headers = headers
			if c.key != "" {
				r.Key = []byte(c.key)
			}
			o := decode(t, loadText(t, oneField(c.field, c.when)), r)
			got := o.Status
			if o.Action == mapping.Refuse {
				got = o.Cause
			}
			if got != c.want {
				t.Errorf("got %s (%s), want %s", got, o.Message, c.want)
			}
		})
	}
}

// atelier is a shop's own mapping: CloudEvents, an order in several parts.
const atelier = `
version: 1
mappings:
- preset: shopify
  match: {topics: ["shop.shopify"]}
  fields: {order_id: {path: $.name, type: id}}
- name: atelier
  match: {topics: ["shop.orders.v2"]}
  each: $.parts[*]
  fields:
    order_id:  {first_of: [{path: $.number}, {ce: subject}], type: id, pattern: '^[A-Z]{2}-[0-9/]+$'}
    status:    {path: $.state, normalize: [trim, lower]}
    type:      {ce: type}
    due:       {path: $.due, type: number}
    received:  {path: $.received, type: number}
    withdrawn: {path: $.withdrawn_at, type: present}
  rules:
  - {when: 'type != "shop.order.changed" || withdrawn', then: ignore}
  - {when: 'status == "confirmed" && received != null && covers(received, due)', then: paid}
  status: {paid: ["paid"], submitted: ["confirmed", "on account"], ignore: ["basket"]}
`

func TestTheWorkedExample(t *testing.T) {
	t.Parallel()
	m := loadText(t, atelier)
	changed := func(kind, data string) event.Record {
		return event.Record{
			Place: event.Place{Topic: "shop.orders.v2"},
			Value: []byte(`{"specversion":"1.0","type":"` + kind + `","source":"/s","id":"1","subject":"AT-9","data":` + data + `}`),
		}
	}
	part := func(rest string) event.Record { return changed("shop.order.changed", `{"parts":[{`+rest+`}]}`) }
	for _, c := range []struct {
		name   string
		record event.Record
		want   []string
	}{
		{"all is received", part(`"number":"AT-7/1","state":" Confirmed ","due":"120.00","received":"120.00"`), []string{"paid AT-7/1"}},
		{"all but a part of a cent is received", part(`"number":"AT-7/1","state":" Confirmed ","due":"120.0001","received":119.99999999999999`), []string{"paid AT-7/1"}},
		{"nothing is received", part(`"number":"AT-7/1","state":" Confirmed ","due":"120.00","received":"0"`), []string{"submitted AT-7/1"}},
		{"withdrawn", part(`"number":"AT-7/1","state":"paid","withdrawn_at":"2026-01-01"`), []string{"ignore"}},
		{"an id that fails the pattern", part(`"number":7,"state":"paid"`), []string{"BadOrderID"}},
		{"an unknown status", part(`"number":"AT-7/1","state":"lost"`), []string{"UnknownStatus"}},
		{"a sum with a comma", part(`"number":"AT-7/1","state":"confirmed","due":"80,00","received":"1"`), []string{"FieldError"}},
		{"no number", part(`"state":"paid"`), []string{"paid AT-9"}},
		{
			"a bad one does not sink its neighbours", changed("shop.order.changed",
				`{"parts":[{"number":"AT-1","state":"paid"},{"number":7,"state":"paid"},null,{"number":"AT-2","state":"basket"},{"number":"AT-3","state":"on account"}]}`),
			[]string{"paid AT-1", "BadOrderID", "MissingStatus", "ignore", "submitted AT-3"},
		},
		{"an event of another type without parts", changed("shop.customer.changed", `{"name":"x"}`), []string{"ignore"}},
		{"an event of another type without data", changed("shop.customer.changed", `null`), []string{"ignore"}},
		{"an event of this type without parts", changed("shop.order.changed", `{"name":"x"}`), []string{"NotAList"}},
		{"parts that are no list", changed("shop.order.changed", `{"parts":{}}`), []string{"NotAList"}},
		{"no parts", changed("shop.order.changed", `{"parts":[]}`), []string{"ignore"}},
		{
			"a thousand parts", changed("shop.order.changed", `{"parts":[`+strings.Repeat(`{"number":"AT-1","state":"paid"},`, 999)+`{}]}`),
			append(slices.Repeat([]string{"paid AT-1"}, 999), "MissingStatus"),
		},
		{"more than a thousand parts", changed("shop.order.changed", `{"parts":[`+strings.Repeat(`{"number":"AT-1"},`, 1000)+`{}]}`), []string{"TooManyOrders"}},
		{"the other mapping, its id replaced", event.Record{Place: event.Place{Topic: "shop.shopify"}, Value: []byte(`{"id":1,"name":"#1001","financial_status":"paid","cancelled_at":null,"test":false}`)}, []string{"paid #1001"}},
		{"a topic of neither", event.Record{Place: event.Place{Topic: "stock"}, Value: []byte(`{}`)}, []string{"NotDecodable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := m.Decode(t.Context(), c.record)
			if err != nil || !slices.Equal(short(got), c.want) {
				t.Errorf("got %v, %v (%v), want %v", short(got), got, err, c.want)
			}
		})
	}
	got := decode(t, m, part(`"number":"AT-7/1","state":"confirmed","due":"80,00","received":"1"`))
	if want := "rules[1]: due is a string that is not a number"; got.Message != want {
		t.Errorf("got %q, want %q", got.Message, want)
	}
}

func TestAnIDIsMeasuredOnceMoreWhenItIsWhole(t *testing.T) {
	t.Parallel()
	m := loadText(t, "fields: {order_id: {path: $.id, extract: '^no (.+)$', normalize: [lower]}}\nrules: [{when: 'true', then: paid}]\n")
	// Ⱥ has two bytes, its small letter three.
	for id, want := range map[string]string{
		"no 17": "paid 17", "no " + strings.Repeat("x", 512): "paid " + strings.Repeat("x", 512), "no " + strings.Repeat("x", 513): "BadOrderID",
		"no " + strings.Repeat("Ⱥ", 200): "BadOrderID", "17": "MissingOrderID",
	} {
		if got := short(must(t, m, value(`{"id":"`+id+`"}`)))[0]; got != want {
			t.Errorf("%.20s: got %.20s, want %.20s", id, got, want)
		}
	}
}

func TestWithoutAListNothingIsCalled(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
each: $.orders[*]
fields: {order_id: {key: $}, kind: {header: kind}, status: {path: $.s}, sum: {path: $.sum, type: number}}
rules:
- {when: 'kind == "one"', then: paid}
- {when: 'kind == "two" && sum > 0', then: dead-letter}
- {when: 'kind == "three"', then: dead-letter}
- {when: 'status == null', then: ignore}
`)
	for kind, want := range map[string]string{"one": "NotAList", "two": "NotAList", "three": "RuleRefused", "four": "NotAList"} {
		r := event.Record{Key: []byte("17"), Value: []byte(`{"s":null}`), Headers: []event.Header{{Key: "kind", Value: []byte(kind)}}}
		if got := decode(t, m, r); got.Cause != want {
			t.Errorf("%s: got %+v, want %s", kind, got, want)
		}
	}
}

func TestAFieldErrorFailsTheRulesThatReadItAndNoOthers(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields:
  order_id: {path: $.id}
  status:   {path: $.state}
  test:     {path: $.test, type: bool}
  sum:      {path: $.sum, type: number}
  unread:   {path: $.unread, type: number}
rules:
- {when: 'test == true', then: ignore}
- {when: 'status == "part" && sum > 0', then: submitted}
- {when: 'status == "done"', then: paid}
status: {submitted: ["new"]}
`)
	for _, c := range []struct{ name, value, want string }{
		{"a rule before decides", `{"id":1,"state":"part","test":true,"sum":"x"}`, "ignore"},
		{"the rule that reads it fails, though its other half is false", `{"id":1,"state":"done","sum":"x"}`, "FieldError"},
		{"a field that no rule reads", `{"id":1,"state":"done","unread":"x"}`, "paid 1"},
		{"a null field that is compared", `{"id":1,"state":"part"}`, "FieldError"},
		{"a null field that is not reached", `{"id":1,"state":"done"}`, "paid 1"},
		{"a flawed id that no rule reads", `{"id":1.5,"state":"done"}`, "BadOrderID"},
		{"a flawed id of an ignored event", `{"id":1.5,"state":"done","test":1}`, "ignore"},
		{"a flawed status", `{"id":1,"state":{}}`, "FieldError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := m.Decode(t.Context(), value(c.value))
			if err != nil || short(got)[0] != c.want {
				t.Errorf("got %+v, %v, want %s", got, err, c.want)
			}
		})
	}
	if got, want := decode(t, m, value(`{"id":1,"state":"part"}`)).Message, "rules[1] fails: sum is missing: no path $.sum"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARuleOverTheCostLimitIsACauseAndNotAHang(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, text: {path: $.text}}
rules:
- {when: 'text.matches("(a|aa)+$")', then: ignore}
- {when: '[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, text != string(a*b*c))))', then: paid}
`)
	begin := time.Now()
	for text, want := range map[string]string{"a": "ignore", "b": "RuleCost", strings.Repeat("a", 60000) + "b": "RuleCost"} {
		got := decode(t, m, value(`{"id":1,"text":"`+text+`"}`))
		if got.Cause != want && got.Action.String() != want {
			t.Errorf("got %+v for %.9q, want %s", got, text, want)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestOtherwiseSaysWhatBecomesOfAnUnknownStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, otherwise, value, want string }{
		{"by default", ``, `{"id":1,"status":"x"}`, "UnknownStatus"},
		{"dead-letter", `otherwise: dead-letter`, `{"id":1,"status":"x"}`, "UnknownStatus"},
		{"ignore", `otherwise: ignore`, `{"id":1,"status":"x"}`, "ignore"},
		{"ignore without an id", `otherwise: ignore`, `{"status":"x"}`, "ignore"},
		{"pass", `otherwise: pass`, `{"id":1,"status":"x"}`, "x 1"},
		{"pass without an id", `otherwise: pass`, `{"status":"x"}`, "MissingOrderID"},
		{"a list before otherwise", `otherwise: pass`, `{"id":1,"status":"7"}`, "paid 1"},
		{"a list before otherwise, as a number", `otherwise: pass`, `{"id":1,"status":7}`, "paid 1"},
		{"a missing status is none that is unknown", `otherwise: ignore`, `{"id":1}`, "MissingStatus"},
		{"an empty status neither", `otherwise: pass`, `{"id":1,"status":""}`, "MissingStatus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := loadText(t, "fields: {order_id: {path: $.id}, status: {path: $.status}}\nstatus:\n  paid: [7]\n  "+c.otherwise+"\n")
			got, err := m.Decode(t.Context(), value(c.value))
			if err != nil || short(got)[0] != c.want {
				t.Errorf("got %+v, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestWithoutAStatusFieldTheRulesAreAll(t *testing.T) {
	t.Parallel()
	const rules = "fields: {order_id: {path: $.id}, paid: {path: $.paid, type: bool}}\nrules: [{when: 'paid == true', then: paid}]\n"
	for text, want := range map[string]string{rules: "MissingStatus", rules + "status: {otherwise: ignore}\n": "ignore"} {
		got, err := loadText(t, text).Decode(t.Context(), value(`{"id":1,"paid":false}`))
		if err != nil || short(got)[0] != want {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
}

func TestAReasonStandsInTheLetter(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, a: {path: $.a}, status: {path: $.s}}
rules:
- {when: 'a == "x"', then: dead-letter, reason: "enrich the event"}
- {when: 'a == "y"', then: dead-letter}
status: {paid: ["paid"]}
`)
	for a, message := range map[string]string{"x": "enrich the event", "y": "rules[1]"} {
		got := decode(t, m, value(`{"id":1,"s":"paid","a":"`+a+`"}`))
		want := mapping.Item{OrderID: "1", Status: "paid", Cause: "RuleRefused", Message: message}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAnOutcomeNamesWhatDecided(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	m := loadText(t, `
fields: {order_id: {path: $.id}, a: {path: $.a}, status: {path: $.s}}
rules:
- {when: 'a == "x"', then: dead-letter, reason: "enrich the event"}
- {when: 'a == "y"', then: paid}
- {when: 'a == "`+long+`"', then: ignore}
status: {paid: ["paid"]}
`)
	for text, want := range map[string]string{
		`{"id":1,"a":"x"}`:               `rules[0]: a == "x"`,
		`{"id":1,"a":"y"}`:               `rules[1]: a == "y"`,
		`{"a":"y"}`:                      `rules[1]: a == "y"`,
		`{"id":1,"s":"paid"}`:            "status.paid",
		`{"id":1,"s":"new"}`:             "status.otherwise",
		`{"id":1,"s":[]}`:                "fields.status",
		`{"id":1,`:                       "the value",
		`{"id":1,"a":"` + long + `"}`:    `rules[2]: a == "` + long[:512-len(`rules[2]: a == "…`)] + "…",
		`{"id":1,"a":["no"],"s":"paid"}`: `rules[0]: a == "x"`,
	} {
		got, err := m.Decode(t.Context(), value(text))
		if err != nil || got[0].By != want {
			t.Errorf("%s: got %+v, %v, want it decided by %s", text, got, err, want)
		}
	}
}

func TestTheRecordsTimeStandsInForTheEvents(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, event_time: {path: $.at}, paid_at: {path: $.at, type: time}}
rules:
- {when: 'event_time == timestamp("2026-05-01T00:00:00Z") && paid_at == null', then: submitted}
- {when: 'event_time == timestamp("2026-04-01T00:00:00Z") && paid_at != null', then: paid}
`)
	at := time.Date(2026, 5, 1, 3, 0, 0, 0, time.FixedZone("Moscow", 3*60*60))
	for text, want := range map[string]string{`"0001-01-01T00:00:00Z"`: "submitted", `"2026-04-01T00:00:00Z"`: "paid", `null`: "submitted"} {
		r := value(`{"id":1,"at":` + text + `}`)
		r.Time = at
		if got := decode(t, m, r); got.Status != want {
			t.Errorf("got %+v for %s, want %s", got, text, want)
		}
	}
}

// TestAnImplausibleRecordTimeIsNotUsedAsTheEventTime: nanoseconds that were taken for milliseconds are the year 57 million.
func TestAnImplausibleRecordTimeIsNotUsedAsTheEventTime(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, event_time: {path: $.at}}
rules:
- {when: 'event_time == null', then: submitted}
- {when: 'event_time > timestamp("2026-01-01T00:00:00Z")', then: paid}
`)
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, at := range map[string]time.Time{
		"nanoseconds": time.UnixMilli(now.UnixNano()), "microseconds": time.UnixMilli(now.UnixMicro()), "seconds": time.UnixMilli(now.Unix()),
		"none": {}, "the year 1601": time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		r := value(`{"id":1}`)
		r.Time = at
		if got := decode(t, m, r); got.Status != "submitted" {
			t.Errorf("%s: got %+v, want no time", name, got)
		}
	}
}
