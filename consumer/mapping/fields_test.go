package mapping_test

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
)

// oneField returns a mapping that shows the result of the field x. Its items are calls, with the status "so" if the
// rule is true, and "else" if not. It refuses an event with a field error.
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
		{"an object is not text", `{path: $.a}`, `x == null`, `{}`, "FieldError"},
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
		{"not a bool", `{path: $.a, type: bool}`, `x == null`, `"yes"`, "FieldError"},
		{"2 is not a bool", `{path: $.a, type: bool}`, `x == null`, `2`, "FieldError"},
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
		{"not a time", `{path: $.a, type: time}`, `x == null`, `"yesterday"`, "so"},
		{"an object for a time", `{path: $.a, type: time}`, `x == null`, `{}`, "FieldError"},
		{"a zone for times without one", `{path: $.a, type: time, zone: Europe/Moscow}`, `x == timestamp("2026-03-11T07:15:03Z")`, `"2026-03-11 10:15:03"`, "so"},
		{"a layout", `{path: $.a, type: time, layout: "02.01.2006 15:04"}`, `x == timestamp("2026-03-11T07:15:00Z")`, `"11.03.2026 07:15"`, "so"},
		{"a layout and a zone", `{path: $.a, type: time, layout: "02.01.2006 15:04", zone: Asia/Omsk}`, `x == timestamp("2026-03-11T01:15:00Z")`, `"11.03.2026 07:15"`, "so"},
		{"seconds", `{path: $.a, type: time, unix: s}`, `x == timestamp("2026-03-11T07:15:03Z")`, `1773213303`, "so"},
		{"milliseconds in quotes", `{path: $.a, type: time, unix: ms}`, `x == timestamp("2026-03-11T07:15:03.1Z")`, `"1773213303100"`, "so"},
		{"microseconds", `{path: $.a, type: time, unix: us}`, `x == timestamp("2026-03-11T07:15:03.100123Z")`, `1773213303100123`, "so"},
		{"seconds with a fraction", `{path: $.a, type: time, unix: s}`, `x == timestamp("2026-03-11T07:15:03.5Z")`, `1773213303.5`, "so"},
		{"an invalid count", `{path: $.a, type: time, unix: s}`, `x == null`, `"soon"`, "so"},
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
		{"first_of skips null", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `null`, "so"},
		{"first_of skips an empty string", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `""`, "so"},
		{"first_of skips what extract does not match", `{first_of: [{path: $.a, extract: "^x(.)"}, {path: $.id}]}`, `x == "7"`, `"b"`, "so"},
		{"first_of skips what trim empties", `{first_of: [{path: $.a}, {path: $.id}], normalize: [trim]}`, `x == "7"`, `"  "`, "so"},
		{"first_of skips an empty string for something present", `{first_of: [{path: $.a}, {path: $.id}], type: present}`, `x`, `""`, "so"},
		{"first_of stops at false", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "false"`, `false`, "so"},
		{"first_of stops at a flaw", `{first_of: [{path: $.a}, {path: $.id}]}`, `x == "7"`, `[]`, "FieldError"},
		{"first_of with nothing left", `{first_of: [{path: $.a}, {path: $.b}]}`, `x == null`, `null`, "so"},
		{"the last of a list", `{path: "$.a[-1].s"}`, `x == "c"`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"the second last of a list", `{path: "$.a[-2].s"}`, `x == "b"`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"before the start of a list", `{path: "$.a[-4].s"}`, `x == null`, `[{"s":"a"},{"s":"b"},{"s":"c"}]`, "so"},
		{"the first of a list", `{path: "$.a[0]"}`, `x == "a"`, `["a","b"]`, "so"},
		{"an index into an object", `{path: "$.a[0]"}`, `x == null`, `{"0":"a"}`, "so"},
		{"a name in brackets", `{path: "$[''a''][''X-Shopify.Topic'']"}`, `x == "b"`, `{"X-Shopify.Topic":"b"}`, "so"},
		{"a Cyrillic name", `{path: $.a.статус}`, `x == "b"`, `{"статус":"b"}`, "so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			field := strings.ReplaceAll(c.field, "''", "'")
			o := decode(t, loadText(t, oneField(field, c.when)), value(`{"id":7,"a":`+c.value+`}`))
			got := o.Status
			if o.Action == event.Refuse {
				got = o.Cause
			}
			if got != c.want {
				t.Errorf("got %s (%s), want %s", got, o.Message, c.want)
			}
		})
	}
}

func TestAFieldMayBeReadFromOutsideTheValue(t *testing.T) {
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
		{"a header in upper and lower case", `{header: X-Type}`, `x == "paid"`, "", "so"},
		{"the last of equal headers", `{header: x-type}`, `x == "paid"`, "", "so"},
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
			if o.Action == event.Refuse {
				got = o.Cause
			}
			if got != c.want {
				t.Errorf("got %s (%s), want %s", got, o.Message, c.want)
			}
		})
	}
}

func TestTheRecordsTimeReplacesAMissingEventTime(t *testing.T) {
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

// Some producers count in the wrong unit: nanoseconds read as milliseconds give the year 57 million.
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

func TestAnIDIsMeasuredAgainAfterExtract(t *testing.T) {
	t.Parallel()
	m := loadText(t, "fields: {order_id: {path: $.id, extract: '^no (.+)$', normalize: [lower]}}\nrules: [{when: 'true', then: paid}]\n")
	// Ⱥ has two bytes in UTF-8, and its lower-case form has three.
	for id, want := range map[string]string{
		"no 17": "paid 17", "no " + strings.Repeat("x", 512): "paid " + strings.Repeat("x", 512), "no " + strings.Repeat("x", 513): "BadOrderID",
		"no " + strings.Repeat("Ⱥ", 200): "BadOrderID", "17": "MissingOrderID",
	} {
		if got := short(must(t, m, value(`{"id":"`+id+`"}`)))[0]; got != want {
			t.Errorf("%.20s: got %.20s, want %.20s", id, got, want)
		}
	}
}
