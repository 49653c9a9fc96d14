package mapping_test

import (
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func TestAnAmountIsCoveredWithinHalfACent(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, paid: {path: $.paid, type: number}, due: {path: $.due, type: number}}
rules:
- {when: 'covers(paid, due)', then: paid}
- {when: 'true', then: submitted}
`)
	for _, c := range []struct{ paid, due, want string }{
		{`18.45`, `18.45`, "paid 1"},
		{`"18.4500"`, `"18.4501"`, "paid 1"},
		{`299.98999999999995`, `299.99`, "paid 1"},
		{`100`, `99`, "paid 1"},
		{`18.4451`, `18.45`, "paid 1"},
		{`18.445`, `18.45`, "submitted 1"},
		{`1018.445`, `1018.45`, "submitted 1"},
		{`18.44`, `18.45`, "submitted 1"},
		{`0`, `0.01`, "submitted 1"},
		{`0`, `0`, "paid 1"},
		{`-5`, `0`, "submitted 1"},
		// The yen has no decimals; the Kuwaiti dinar has three.
		{`1290`, `1290`, "paid 1"},
		{`1289`, `1290`, "submitted 1"},
		{`12.345`, `12.345`, "paid 1"},
		{`12.340`, `12.345`, "submitted 1"},
		{`12345678901.23`, `12345678901.23`, "paid 1"},
		{`12345678901.22`, `12345678901.23`, "submitted 1"},
		{`null`, `1`, "FieldError"},
		{`1`, `null`, "FieldError"},
		{`"1,5"`, `1`, "FieldError"},
	} {
		got, err := m.Decode(t.Context(), value(`{"id":1,"paid":`+c.paid+`,"due":`+c.due+`}`))
		if err != nil || short(got)[0] != c.want {
			t.Errorf("%s paid of %s: got %+v, %v, want %s", c.paid, c.due, got, err, c.want)
		}
	}
	if got := decode(t, m, value(`{"id":1,"paid":1}`)).Message; got != "rules[0] fails: due is missing: no path $.due" {
		t.Errorf("got %q, want the field that is missing and its path", got)
	}
}

func TestAnAmountIsComparedWithALiteral(t *testing.T) {
	t.Parallel()
	m := loadText(t, oneField(`{path: $.a, type: number}`, `covers(x, 100) && !covers(x, 200)`))
	if got := decode(t, m, value(`{"id":7,"a":"99.999"}`)); got.Status != "so" {
		t.Errorf("got %+v, want the rule to match", got)
	}
}

func TestAbsentIsNotNull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, field, value, want string }{
		{"absent", `{path: $.a}`, `{"id":1}`, "absent"},
		{"null", `{path: $.a}`, `{"id":1,"a":null}`, "null"},
		{"empty", `{path: $.a}`, `{"id":1,"a":""}`, "else"},
		{"given", `{path: $.a}`, `{"id":1,"a":"b"}`, "else"},
		{"none of several", `{first_of: [{path: $.a}, {path: $.b}]}`, `{"id":1}`, "absent"},
		{"null at one of several", `{first_of: [{path: $.a}, {path: $.b}]}`, `{"id":1,"b":null}`, "null"},
		{"empty at one of several", `{first_of: [{path: $.a}, {path: $.b}]}`, `{"id":1,"b":""}`, "null"},
		{"a string that extract does not match", `{path: $.a, extract: 'x(.)'}`, `{"id":1,"a":"b"}`, "null"},
		{"beneath null", `{path: $.a.b}`, `{"id":1,"a":null}`, "absent"},
		{"a flawed one", `{path: $.a}`, `{"id":1,"a":{}}`, "FieldError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := loadText(t, `
statuses: ["absent", "null", "else"]
mappings:
- name: m
  fields: {order_id: {path: $.id}, x: `+c.field+`}
  rules:
  - {when: 'absent(x)', then: "absent"}
  - {when: 'x == null', then: "null"}
  - {when: 'true', then: "else"}
`)
			got := decode(t, m, value(c.value))
			if got.Status != c.want && got.Cause != c.want {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
}

func TestPresentDistinguishesAbsentFromNull(t *testing.T) {
	t.Parallel()
	m := loadText(t, oneField(`{path: $.a, type: present}`, `!x && absent(x)`))
	for text, want := range map[string]string{`{"id":1}`: "so", `{"id":1,"a":null}`: "else", `{"id":1,"a":"b"}`: "else"} {
		if got := decode(t, m, value(text)); got.Status != want {
			t.Errorf("%s: got %+v, want status %q", text, got, want)
		}
	}
}

func TestAnItemsFieldIsNotAbsentWhereThereIsNoItem(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
each: $.orders[*]
fields: {order_id: {path: $.id}, x: {path: $.x}}
rules: [{when: 'absent(x)', then: ignore}, {when: 'true', then: paid}]
`)
	if got := decode(t, m, value(`{"orders":null}`)); got.Cause != "NotAList" {
		t.Errorf("got %+v, want NotAList", got)
	}
}

func TestMistakesInFunctionsAreReported(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]string{
		`absent(dropped_at)`:    "unknown field \"dropped_at\"",
		`absent("x")`:           "absent takes the name of a field",
		`covers(x, 1.0)`:        "found no matching overload for 'covers'",
		`covers(x)`:             "found no matching overload for 'covers'",
		`covers(x, 1.0) == "a"`: "found no matching overload for",
	} {
		_, err := mapping.Load(mapping.Options{Source: file(t, oneField(`{path: $.a}`, when))})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", when, err, want)
		}
	}
}

func TestAReasonQuotesTheFieldsThatItNames(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields: {order_id: {path: $.id}, event: {path: $.event}, test: {path: $.test, type: present}}
rules:
- {when: 'event == "known"', then: ignore, reason: 'about {event}'}
- {when: 'true', then: dead-letter, reason: 'unknown event {event}, test {test}; {} stays'}
`)
	for text, want := range map[string]string{
		`{"id":1,"event":"orders/x"}`:                 `unknown event "orders/x", test false; {} stays`,
		`{"id":1,"event":"","test":1}`:                `unknown event "", test true; {} stays`,
		`{"id":1,"event":"a\"b\n"}`:                   `unknown event "a\"b\n", test false; {} stays`,
		`{"id":1,"event":"Заказ"}`:                    `unknown event "Заказ", test false; {} stays`,
		`{"id":1}`:                                    `unknown event (missing), test false; {} stays`,
		`{"id":1,"event":null}`:                       `unknown event (null), test false; {} stays`,
		`{"id":1,"event":"known"}`:                    `about "known"`,
		`{"event":"` + strings.Repeat("x", 99) + `"}`: `unknown event "` + strings.Repeat("x", 77) + `…", test false; {} stays`,
	} {
		if got := decode(t, m, value(text)); got.Message != want {
			t.Errorf("%s: got %+v, want %s", text, got, want)
		}
	}
	_, err := mapping.Load(mapping.Options{Source: file(t, `
fields: {order_id: {path: $.id}, event: {path: $.event}}
rules: [{when: 'true', then: dead-letter, reason: 'unknown {evnet}'}]
`)})
	if want := `rules[0].reason: unknown field "evnet" (did you mean "event"?)`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnUnreadableFieldIsNotAbsent(t *testing.T) {
	t.Parallel()
	m := loadText(t, oneField(`{path: $.a}`, `absent(x)`))
	if got := decode(t, m, value(`{"id":1,"a":{}}`)); got.Cause != "FieldError" {
		t.Errorf("got %+v, want FieldError", got)
	}
	for _, finding := range m.Check().Findings {
		t.Errorf("got the finding %v, want none: the rule reads the field", finding)
	}
}
