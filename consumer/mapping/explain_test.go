package mapping_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
)

func TestExplainShowsTheSourceOfEachFieldAndTheDecidingPart(t *testing.T) {
	t.Parallel()
	m := loadText(t, `
fields:
  order_id:   {first_of: [{path: $.number}, {header: x-id}]}
  status:     {path: $.state, normalize: [lower]}
  sum:        {path: $.sum, type: number}
  test:       {path: $.test, type: bool}
  gone:       {path: $.gone, type: present}
  event_time: {path: $.at}
rules:
- {when: 'test == true', then: ignore}
status: {paid: [paid]}
`)
	r := value(`{"state":"PAID","sum":"80,00","at":"2026-03-11T10:15:03+03:00"}`)
	r.Headers = []event.Header{{Key: "X-ID", Value: []byte("A-1")}}
	e, err := m.Explain(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "mapping": "shop",
 "envelopes": [],
 "orders": [
  {
   "fields": [
    {
     "name": "order_id",
     "type": "id",
     "value": "A-1",
     "source": "header x-id"
    },
    {
     "name": "status",
     "type": "string",
     "value": "paid",
     "source": "path $.state"
    },
    {
     "name": "sum",
     "type": "number",
     "value": null,
     "source": "path $.sum",
     "failed": true,
     "problem": "sum is a string that is not a number"
    },
    {
     "name": "test",
     "type": "bool",
     "value": null,
     "problem": "test is missing"
    },
    {
     "name": "gone",
     "type": "present",
     "value": "false",
     "problem": "gone is missing"
    },
    {
     "name": "event_time",
     "type": "time",
     "value": "2026-03-11T07:15:03Z",
     "source": "path $.at"
    }
   ],
   "decided_by": "status.paid",
   "outcome": {
    "order_id": "A-1",
    "status": "paid",
    "action": "call"
   }
  }
 ]
}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestExplainNamesTheDecidingPart(t *testing.T) {
	t.Parallel()
	m := loadText(t, atelier)
	const part = `{"specversion":"1.0","type":"shop.order.changed","source":"/s","id":"1","data":{"parts":`
	for _, c := range []struct {
		name, value string
		by, rule    []string
	}{
		{
			"each order by itself", part + `[{"number":"AT-1","state":"paid"},{"withdrawn_at":1},{"number":"AT-2","state":"lost"},{"number":"AT-3"}]}}`,
			[]string{"status.paid", "rules[0]", "status.otherwise", "fields.status"},
			[]string{"", `type != "shop.order.changed" || withdrawn`, "", ""},
		},
		{"the list", part + `[]}}`, []string{"$.parts[*]"}, []string{""}},
		{"no list", part + `1}}`, []string{"$.parts[*]"}, []string{""}},
		{"a rule without a list", strings.Replace(part, "order.changed", "x", 1) + `1}}`, []string{"rules[0]"}, []string{`type != "shop.order.changed" || withdrawn`}},
		{"the value", `{`, []string{"the value"}, []string{""}},
		{"a field of a rule", part + `[{"number":"AT-1","state":"confirmed","received":"x"}]}}`, []string{"rules[1]"}, []string{`status == "confirmed" && received != null && covers(received, due)`}},
	} {
		r := value(c.value)
		r.Topic = "shop.orders.v2"
		e, err := m.Explain(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		var by, rule []string
		var explained []event.Item
		for _, o := range e.Orders {
			by, rule, explained = append(by, o.DecidedBy), append(rule, o.Rule), append(explained, o.Item)
		}
		if items, err := m.Decode(t.Context(), r); err != nil || !slices.Equal(explained, items) {
			t.Errorf("%s: got %+v from Explain, %+v, %v from Decode", c.name, explained, items, err)
		}
		if !slices.Equal(by, c.by) || !slices.Equal(rule, c.rule) {
			t.Errorf("%s: got %q by %q, want %q by %q", c.name, by, rule, c.by, c.rule)
		}
	}
	e, err := m.Explain(t.Context(), event.Record{Place: event.Place{Topic: "stock"}})
	if err != nil || e.Orders[0].DecidedBy != "match.topics" {
		t.Errorf("got %+v, %v for a topic that no mapping matches", e, err)
	}
}
