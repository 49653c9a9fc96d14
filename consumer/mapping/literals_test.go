package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func TestCheckFindsTextsThatAFieldNeverHas(t *testing.T) {
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
		{`status == "NEW"`, []string{`11:20: rules[1].when: normalize makes status never equal to "NEW"; write "new"`}},
		{`status != "NEW" && raw == "NEW"`, []string{`11:20: rules[1].when: normalize makes status never equal to "NEW"; write "new"`}},
		{`"NEW" == status`, []string{`11:10: rules[1].when: normalize makes status never equal to "NEW"; write "new"`}},
		{`!(status in ["new", "Paid"])`, []string{`11:30: rules[1].when: normalize makes status never equal to "Paid"; write "paid"`}},
		{`kind == "new "`, []string{`11:18: rules[1].when: normalize makes kind never equal to "new "; write "new"`}},
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

func TestCheckFindsWhatCanOnlyBeRefusedOrNeverFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"Avro without schemas": {
			"decode: avro\nfields: {order_id: {path: $.id}, status: {path: $.s}}\nstatus: {paid: [paid]}\n",
			`1:9: decode: no schemas are listed: without SCHEMA_REGISTRY_URL every event is refused as UnknownSchema`,
		},
		"a path into Debezium's envelope": {
			"unwrap: debezium\nfields: {order_id: {path: $.id}, status: {path: $.after.status}}\nstatus: {paid: [paid]}\n",
			`2:49: fields.status.path: with unwrap: debezium a path begins at the row: $.after is not in it; leave it out, or read it with envelope`,
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

func TestAnUnknownCauseIsAMistake(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"UnknownStatuss":  `unknown cause "UnknownStatuss" (did you mean "UnknownStatus"?)`,
		"unknownstatus":   `unknown cause "unknownstatus" (did you mean "UnknownStatus"?)`,
		"missing_orderid": `unknown cause "missing_orderid" (did you mean "MissingOrderID"?)`,
		"":                `unknown cause "": there are BadOrderID, DuplicateName, `,
	} {
		if err := mapping.CheckCause(name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, cause := range mapping.Causes() {
		if err := mapping.CheckCause(cause); err != nil {
			t.Errorf("%s: got %v", cause, err)
		}
	}
}
