package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func TestCheckFindsTextsThatAFieldNeverEquals(t *testing.T) {
	t.Parallel()
	const head = `fields:
  order_id: {path: $.id}
  status: {path: $.s, normalize: [trim, lower]}
  kind: {path: $.k, normalize: [trim]}
  raw: {path: $.r}
  code: {path: $.c, pattern: '^[0-9]+$'}
  either: {first_of: [{path: $.a}, {path: $.b}]}
rules:
- when: 'raw in ["NEW", " x "] && kind == "NEW" && code == "7" && either == "x" && status == "ä"'
  then: ignore
`
	for _, c := range []struct {
		when string
		want []string
	}{
		{`status == "NEW"`, []string{`11:20: rules[1].when: after normalize, status is never "NEW"; write "new"`}},
		{`status != "NEW" && raw == "NEW"`, []string{`11:20: rules[1].when: after normalize, status is never "NEW"; write "new"`}},
		{`"NEW" == status`, []string{`11:10: rules[1].when: after normalize, status is never "NEW"; write "new"`}},
		{`!(status in ["new", "Paid"])`, []string{`11:30: rules[1].when: after normalize, status is never "Paid"; write "paid"`}},
		{`kind == "new "`, []string{`11:18: rules[1].when: after normalize, kind is never "new "; write "new"`}},
		{`raw == "" || status.startsWith("wc-") || kind.contains(" ") || code.startsWith("A") || either == null`, nil},
	} {
		m, err := mapping.Load(mapping.Options{Source: file(t, head+"- when: "+quotedYAML(c.when)+"\n  then: paid\n")})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range m.Check().Findings {
			f.File, f.Mapping = "", ""
			got = append(got, strings.TrimPrefix(f.String(), ":"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.when, got, c.want)
		}
	}
}

func quotedYAML(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func TestCheckFindsCodesAndPathsThatNeverMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"Avro without schemas": {
			"decode: avro\nfields: {order_id: {path: $.id}, status: {path: $.s}}\nstatus: {paid: [paid]}\n",
			`1:9: decode: no schemas are listed: without SCHEMA_REGISTRY_URL every event is refused as UnknownSchema`,
		},
		"a path into Debezium's envelope": {
			"unwrap: debezium\nfields: {order_id: {path: $.id}, status: {path: $.after.status}}\nstatus: {paid: [paid]}\n",
			`2:49: fields.status.path: with unwrap: debezium a path begins at the row, which has no after; drop that step, or use envelope instead of path`,
		},
		"a column with the name of an envelope": {
			"unwrap: debezium\nfields: {order_id: {path: $.id}, status: {path: $.after}}\nstatus: {paid: [paid]}\n", "",
		},
	} {
		var all []string
		for _, f := range loadText(t, c.text).Check().Findings {
			f.File, f.Mapping = "", ""
			all = append(all, strings.TrimPrefix(f.String(), ":"))
		}
		if got := strings.Join(all, "\n"); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestCheckFindsPartsWithoutEffect(t *testing.T) {
	t.Parallel()
	const head = "fields:\n  order_id: {path: $.id}\n  status: {path: $.s, normalize: [trim, lower]}\n  a: {path: $.a}\n  b: {path: $.b, type: present}\n"
	rules := func(when ...string) string {
		var text strings.Builder
		text.WriteString(head + "rules:\n")
		for _, w := range when {
			text.WriteString("- {when: '" + w + "', then: ignore}\n")
		}
		return text.String() + "- {when: 'b && a == \"used\"', then: paid}\n"
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing idle", rules(`a == "x"`, `a == "y" && b`, `!b`), nil},
		{"a field that nobody reads", head + "rules: [{when: 'b', then: ignore}]\nstatus: {paid: [x]}\n", []string{"fields.a: no rule reads it"}},
		{"codes that normalize changes", rules() + "status: {paid: [Paid, ' x', y1]}\n", []string{
			`status.paid: the code "Paid" can never match: normalize makes it "paid"`, `status.paid: the code " x" can never match: normalize makes it "x"`,
		}},
		{"a topic that is not read", "match: {topics: [orders, returns]}\n" + rules(), []string{`match.topics: the topic "returns" is not among those that are read`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := mapping.Load(mapping.Options{Source: file(t, c.text), Topics: []string{"orders"}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range m.Check().Findings {
				got = append(got, f.Where+": "+f.Text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckListsThePartsOfAMapping(t *testing.T) {
	t.Parallel()
	got := loadText(t, atelier).Check()
	if len(got.Mappings) != 2 || len(got.Findings) != 0 {
		t.Fatalf("got %+v, want two mappings without findings", got)
	}
	m := got.Mappings[1]
	if m.Name != "atelier" || !slices.Equal(m.Topics, []string{"shop.orders.v2"}) || m.Each != "$.parts[*]" || m.Otherwise != "dead-letter" {
		t.Errorf("got %+v", m)
	}
	if f := m.Fields[0]; f.Name != "order_id" || f.Type != "id" || !slices.Equal(f.Sources, []string{"path $.number", "ce subject"}) {
		t.Errorf("got field %+v", f)
	}
	if r := m.Rules[1]; r.Then != "paid" || !strings.HasPrefix(r.When, "status ==") {
		t.Errorf("got rule %+v", r)
	}
	if l := m.Lists[1]; l.Status != "submitted" || !slices.Equal(l.Codes, []string{"confirmed", "on account"}) {
		t.Errorf("got list %+v", l)
	}
}
