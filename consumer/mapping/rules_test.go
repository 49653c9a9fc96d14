package mapping_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
)

// atelier is a shop's own mapping file. Its second mapping reads CloudEvents that contain an order in several parts.
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
			"a bad one does not affect the others", changed("shop.order.changed",
				`{"parts":[{"number":"AT-1","state":"paid"},{"number":7,"state":"paid"},null,{"number":"AT-2","state":"basket"},{"number":"AT-3","state":"on account"}]}`),
			[]string{"paid AT-1", "BadOrderID", "MissingStatus", "ignore", "submitted AT-3"},
		},
		{"an event of another type without parts", changed("shop.customer.changed", `{"name":"x"}`), []string{"ignore"}},
		{"an event of another type without data", changed("shop.customer.changed", `null`), []string{"ignore"}},
		{"an event of this type without parts", changed("shop.order.changed", `{"name":"x"}`), []string{"NotAList"}},
		{"parts that are not a list", changed("shop.order.changed", `{"parts":{}}`), []string{"NotAList"}},
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
		{"an earlier rule ignores the event", `{"id":1,"state":"part","test":true,"sum":"x"}`, "ignore"},
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

func TestARuleOverTheCostLimitIsRefused(t *testing.T) {
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

func TestOtherwiseDecidesUnknownStatuses(t *testing.T) {
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
		{"a missing status is not an unknown one", `otherwise: ignore`, `{"id":1}`, "MissingStatus"},
		{"nor is an empty status", `otherwise: pass`, `{"id":1,"status":""}`, "MissingStatus"},
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

func TestWithoutAStatusFieldOnlyRulesDecide(t *testing.T) {
	t.Parallel()
	const rules = "fields: {order_id: {path: $.id}, paid: {path: $.paid, type: bool}}\nrules: [{when: 'paid == true', then: paid}]\n"
	for text, want := range map[string]string{rules: "MissingStatus", rules + "status: {otherwise: ignore}\n": "ignore"} {
		got, err := loadText(t, text).Decode(t.Context(), value(`{"id":1,"paid":false}`))
		if err != nil || short(got)[0] != want {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
}

func TestAReasonBecomesTheMessage(t *testing.T) {
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
		want := event.Item{OrderID: "1", Status: "paid", Cause: "RuleRefused", Message: message}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestAHintStaysWhenTheMessageIsCut(t *testing.T) {
	t.Parallel()
	const hint = "; payload is JSON in a string: set table.expand.json.payload=true in Debezium's outbox router, or write " +
		"it as an object"
	var paths []string
	for _, end := range []string{"a", "b", "c"} {
		paths = append(paths, "{path: $."+strings.Repeat("x", 80)+end+"}")
	}
	m := loadText(t, `
fields:
  order_id: {first_of: [`+strings.Join(paths, ", ")+`]}
  status: {first_of: [{path: $.s}, `+strings.Join(paths, ", ")+`]}
  a: {path: $.a}
rules:
- {when: 'a == "x"', then: dead-letter, reason: "`+strings.Repeat("reason-", 32)+`"}
status: {paid: ["paid"]}
`)
	for text, want := range map[string]string{
		`"s":"paid"`: "order_id is missing: no path $.xxx",
		`"a":"b"`:    "status is missing: no path $.s, no path $.xxx",
		`"a":"x"`:    "reason-reason-",
	} {
		got := decode(t, m, value(`{`+text+`,"payload":"{}"}`)).Message
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "…"+hint) || len(got) > 256 || len(got) < 250 {
			t.Errorf("%s: got %q, %d bytes, want %q … and the hint, in 256 bytes", text, got, len(got), want)
		}
	}
}

func TestALongReasonIsCut(t *testing.T) {
	t.Parallel()
	reason := strings.Repeat("reason-", 100)
	m := loadText(t, `
fields: {order_id: {path: $.id}, a: {path: $.a}, status: {path: $.s}}
rules:
- {when: 'a == "x"', then: dead-letter, reason: "`+reason+`"}
- {when: 'a == "y"', then: ignore, reason: "`+reason+`"}
status: {paid: ["paid"]}
`)
	for _, a := range []string{"x", "y"} {
		got := decode(t, m, value(`{"id":1,"a":"`+a+`"}`)).Message
		if len(got) > 256 || len(got) < 250 || !strings.HasSuffix(got, "…") {
			t.Errorf("a is %s: got %q, %d bytes, want the reason, cut to 256 bytes", a, got, len(got))
		}
	}
}

func TestAnItemNamesTheDecidingPart(t *testing.T) {
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
