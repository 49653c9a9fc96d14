package mapping_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/spec"
)

// problems loads a mapping from its text and returns its mistakes, in which file names have no folder.
func problems(tb testing.TB, text string, topics ...string) []string {
	tb.Helper()
	path := file(tb, text)
	_, err := mapping.Load(mapping.Options{Source: path, Topics: topics})
	if err == nil {
		return nil
	}
	var all *spec.FileError
	if !errors.As(err, &all) {
		tb.Fatalf("got %v, want a FileError", err)
	}
	var lines []string
	for _, p := range all.Problems {
		lines = append(lines, strings.ReplaceAll(p.String(), filepath.Dir(path)+string(filepath.Separator), ""))
	}
	return lines
}

func TestAFileWithTenMistakesReportsTen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ten-mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`shop.yaml: no mapping matches the topic "shop.returns"; the file has shopify, atelier`,
		`shop.yaml:5:37: mapping shopify: fields.order_id.path: a name with this character needs brackets: ['name']`,
		`shop.yaml:6:3: mapping atelier: unknown name "unwarp" (did you mean "unwrap"?)`,
		`shop.yaml:11:32: mapping atelier: fields.status: unknown name "normalise" (did you mean "normalize"?)`,
		`shop.yaml:13:36: mapping atelier: fields.due.type: unknown word "nubmer" (did you mean "number"?)`,
		`shop.yaml:14:44: mapping atelier: fields.received.extract: not a valid RE2 expression: missing closing ): ([0-9]+`,
		`shop.yaml:17:45: mapping atelier: rules[0].when: undeclared reference to 'withdrawm' (did you mean 'withdrawn'?)`,
		`shop.yaml:18:12: mapping atelier: rules[1].when: must be true or false, is a number`,
		`shop.yaml:19:38: mapping atelier: rules[2].then: unknown word "piad" (did you mean "paid"?)`,
		`shop.yaml:20:27: mapping atelier: status.paid[1]: quote it: YAML readers differ on what Y is`,
	}
	got := problems(t, string(text), "shop.shopify", "shop.orders.v2", "shop.returns")
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestMistakesAreReportedWithTheirPlace(t *testing.T) {
	t.Parallel()
	const fields = "fields: {order_id: {path: $.id}, status: {path: $.s}}\n"
	for _, c := range []struct{ name, text, want string }{
		{"an empty file", ``, `shop.yaml:1:1: the file is empty`},
		{"a comment alone", "# nothing\n", `shop.yaml:1:1: the file is empty`},
		{"not YAML", "a: [", `shop.yaml:1:1: not YAML: did not find expected node content: the indentation or a quote is wrong, here or below; put a rule in single quotes, with double quotes inside`},
		{"a list", "- 1", `shop.yaml:1:1: mapping shop: must be an object of names and values, is a list`},
		{"two documents", fields + "status: {paid: [x]}\n---\na: 1\n", `shop.yaml:3:1: a second document begins here; a file may hold only one`},
		{"a name twice", fields + fields + "status: {paid: [x]}\n", `shop.yaml:2:1: mapping shop: the name "fields" is used twice`},
		{"another version", "version: 2\n" + fields + "status: {paid: [x]}\n", `shop.yaml:1:10: mapping shop: version: the only version of the language is 1`},
		{"no mappings", "mappings: []\n", `shop.yaml:1:1: the file has no mappings`},
		{"a mapping without a name", "mappings:\n- match: {topics: [a]}\n  " + strings.ReplaceAll(fields, "\n", "") + "\n  status: {paid: [x]}\n", `shop.yaml:2:3: mapping mappings[0]: a mapping needs a name or a preset`},
		{"two with the same name", "mappings:\n- {preset: shopify, match: {topics: [a]}}\n- {preset: shopify, match: {topics: [b]}}\n", `shop.yaml:3:3: mapping shopify: another mapping has the same name; give this one a name of its own`},
		{"two without match", "mappings:\n- {preset: shopify}\n- {preset: plain, match: {topics: [b]}}\n", `shop.yaml:2:3: mapping shopify: match: is missing: with several mappings each must say which topics it is for`},
		{"a topic that two match", "mappings:\n- {preset: shopify, match: {topics: [a]}}\n- {preset: plain, match: {topics: 'a|b'}}\n", `shop.yaml:3:35: the topic "a" is matched by 2 mappings: shopify, plain`},
		{"a match without topics", "preset: shopify\nmatch: {}\n", `shop.yaml:2:8: mapping shopify: match: topics are missing: a list of names, or one RE2 for the whole name`},
		{"a topic that is a number", "preset: shopify\nmatch: {topics: [1]}\n", `shop.yaml:2:18: mapping shopify: match.topics[0]: must be text, is a number`},
		{"no topics", "preset: shopify\nmatch: {topics: []}\n", `shop.yaml:2:17: mapping shopify: match.topics: must name a topic`},
		{"an invalid topic pattern", "preset: shopify\nmatch: {topics: '('}\n", "shop.yaml:2:17: mapping shopify: match.topics: not a valid RE2 expression: missing closing ): ("},
		{"an unknown preset", "preset: shopfy\n", `shop.yaml:1:9: mapping shopfy: preset: unknown preset "shopfy" (did you mean "shopify"?)`},
		{"no rules and no lists", fields, `shop.yaml:1:1: mapping shop: every event would be refused: there are neither rules nor status lists`},
		{"no order_id", "fields: {status: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:1: mapping shop: the field order_id is missing`},
		{"no status", "fields: {order_id: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:1: mapping shop: the status lists need a field named status`},
		{"a field without a source", "fields: {order_id: {path: $.id}, status: {type: string}}\nstatus: {paid: [x]}\n", `shop.yaml:1:34: mapping shop: fields.status: has 0 sources, must have one: path, envelope, header, key, ce or first_of`},
		{"a field with two sources", "fields: {order_id: {path: $.id}, status: {path: $.s, header: s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:34: mapping shop: fields.status: has 2 sources, must have one: path, envelope, header, key, ce or first_of`},
		{"an alternative with two sources", "fields: {order_id: {path: $.id}, status: {first_of: [{path: $.s, header: s}]}}\nstatus: {paid: [x]}\n", `shop.yaml:1:54: mapping shop: fields.status.first_of[0]: has 2 sources, must have one: path, envelope, header, key or ce`},
		{"a source beside first_of", "fields: {order_id: {path: $.id}, status: {path: $.s, first_of: [{header: s}]}}\nstatus: {paid: [x]}\n", `shop.yaml:1:54: mapping shop: fields.status.first_of: a field has one source, or first_of`},
		{"a field that is a word of CEL", "fields: {order_id: {path: $.id}, status: {path: $.s}, in: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:55: mapping shop: fields.in: a field's name must begin with a letter or _, contain only letters, digits and _, and not be a reserved word of CEL`},
		{"an order_id that is a string", "fields: {order_id: {path: $.id, type: string}, status: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:39: mapping shop: fields.order_id.type: order_id must have the type id, so that it reaches LeadHit unchanged`},
		{"a status that is a bool", "fields: {order_id: {path: $.id}, status: {path: $.s, type: bool}}\nstatus: {paid: [x]}\n", `shop.yaml:1:60: mapping shop: fields.status.type: status must have the type string`},
		{"extract without a group", "fields: {order_id: {path: $.id, extract: 'a'}, status: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:42: mapping shop: fields.order_id.extract: has 0 groups, must have one, around the part to extract; write all others as (?:…)`},
		{"a path of many values", "fields: {order_id: {path: '$..id'}, status: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:29: mapping shop: fields.order_id.path: the descent .. leads to many values; write the names on the way`},
		{"a list's path in a field", "fields: {order_id: {path: '$.id[*]'}, status: {path: $.s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:32: mapping shop: fields.order_id.path: only each may use [*]; a field's path leads to one value, and a mapping cannot add up values`},
		{"each without a wildcard", "each: $.a\n" + fields + "status: {paid: [x]}\n", `shop.yaml:1:10: mapping shop: each: a list's path ends in [*]`},
		{"an invalid attribute", "fields: {order_id: {path: $.id}, status: {ce: ce_type}}\nstatus: {paid: [x]}\n", `shop.yaml:1:47: mapping shop: fields.status.ce: the name of a CloudEvents attribute contains only lower-case letters and digits`},
		{"a layout of letters", "fields: {order_id: {path: $.id}, status: {path: $.s}, event_time: {path: $.t, layout: YYYY-MM-DD}}\nstatus: {paid: [x]}\n", `shop.yaml:1:87: mapping shop: fields.event_time.layout: a layout shows how 2 January 2006, 15:04:05 is written, for instance 2006-01-02 15:04:05`},
		{"an unknown zone", "fields: {order_id: {path: $.id}, status: {path: $.s}, event_time: {path: $.t, zone: Moscow}}\nstatus: {paid: [x]}\n", `shop.yaml:1:85: mapping shop: fields.event_time.zone: unknown time zone "Moscow"; want one like Europe/Moscow or UTC`},
		{"a zone for a string", "fields: {order_id: {path: $.id}, status: {path: $.s, zone: UTC}}\nstatus: {paid: [x]}\n", `shop.yaml:1:60: mapping shop: fields.status.zone: only used with type: time`},
		{"layout and unix", "fields: {order_id: {path: $.id}, status: {path: $.s}, event_time: {path: $.t, layout: '2006-01-02', unix: s}}\nstatus: {paid: [x]}\n", `shop.yaml:1:107: mapping shop: fields.event_time.unix: give layout or unix, not both: layout is for a time written as text, unix for a count since 1970`},
		{"present with a pattern", "fields: {order_id: {path: $.id}, status: {path: $.s}, a: {path: $.t, type: present, pattern: x}}\nstatus: {paid: [x]}\n", `shop.yaml:1:55: mapping shop: fields.a: pattern and normalize have no effect with type: present, which ignores the text`},
		{"a rule without then", fields + "rules: [{when: 'true'}]\n", `shop.yaml:2:9: mapping shop: rules[0]: then is missing`},
		{"a rule without when", fields + "rules: [{then: paid}]\n", `shop.yaml:2:9: mapping shop: rules[0]: when is missing`},
		{"a rule that may be null", "fields: {order_id: {path: $.id}, a: {path: $.a, type: bool}}\nrules: [{when: 'a', then: paid}]\n", `shop.yaml:2:16: mapping shop: rules[0].when: must be true or false, is a bool that may be null: write … == true`},
		{"a rule that compares text and number", "fields: {order_id: {path: $.id}, a: {path: $.a}}\nrules:\n- when: >-\n    a == 1\n  then: paid\n", `shop.yaml:3:9: mapping shop: rules[0].when: found no matching overload for '_==_' applied to '(wrapper(string), int)'`},
		{"a place in a block", "fields: {order_id: {path: $.id}, a: {path: $.a}}\nrules:\n- when: |\n    a == 'x' ||\n      b == 'y'\n  then: paid\n", `shop.yaml:5:7: mapping shop: rules[0].when: undeclared reference to 'b'`},
		{"a place after escapes", "fields: {order_id: {path: $.id}, a: {path: $.a}}\nrules: [{when: \"a == \\\"x\\\" || b\", then: paid}]\n", `shop.yaml:2:31: mapping shop: rules[0].when: undeclared reference to 'b'`},
		{"a place after a doubled quote", "fields: {order_id: {path: $.id}, a: {path: $.a}}\nrules: [{when: 'a == ''x'' || b', then: paid}]\n", `shop.yaml:2:31: mapping shop: rules[0].when: undeclared reference to 'b'`},
		{"an unknown status", fields + "status: {shipped: [x], paid: [x]}\n", `shop.yaml:2:10: mapping shop: status: unknown status "shipped": there are ignore, otherwise, paid, submitted`},
		{"a reserved status", "statuses: [ignore]\n" + fields + "status: {ignore: [x]}\n", `shop.yaml:1:12: mapping shop: statuses[0]: "ignore" has a meaning of its own`},
		{"a code in two lists", fields + "status: {paid: [x], submitted: [x]}\n", `shop.yaml:2:33: mapping shop: status.submitted: the code "x" is in status.paid too`},
		{"a code twice", fields + "status: {paid: [x, 'x']}\n", `shop.yaml:2:20: mapping shop: status.paid: the code "x" is used twice`},
		{"another word for otherwise", fields + "status: {paid: [x], otherwise: drop}\n", `shop.yaml:2:32: mapping shop: status.otherwise: unknown word "drop": there are dead-letter, ignore, pass`},
		{"schemas of JSON", "schemas: [{id: 1, file: a}]\n" + fields + "status: {paid: [x]}\n", `shop.yaml:1:11: mapping shop: schemas: only used with decode: avro or decode: protobuf`},
		{"a schema without an id", "decode: avro\nschemas: [{file: a}]\n" + fields + "status: {paid: [x]}\n", `shop.yaml:2:11: mapping shop: schemas[0]: a schema needs an id and a file`},
		{"another spelling of Avro", "decode: Avro\n" + fields + "status: {paid: [x]}\n", `shop.yaml:1:9: mapping shop: decode: unknown word "Avro" (did you mean "avro"?)`},
		{"a mistake of the user in a preset's rule", "preset: shopify\nfields: {test: {path: $.test}}\n", `found no matching overload for '_==_' applied to '(wrapper(string), bool)'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := problems(t, c.text)
			switch {
			case len(got) != 1:
				t.Errorf("got %d problems, want one:\n%s", len(got), strings.Join(got, "\n"))
			case got[0] != c.want && !strings.HasSuffix(got[0], c.want):
				t.Errorf("got  %s\nwant %s", got[0], c.want)
			}
		})
	}
}

func TestOnlyCodesThatEveryReaderReadsAlikePass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, want string }{
		{"paid", ""},
		{`"Y"`, ""},
		{`'010'`, ""},
		{"10", ""},
		{"0", ""},
		{"-1", ""},
		{"v1.2.3", ""},
		{"on account", ""},
		{`"null"`, ""},
		{"оплачен", ""},
		{"Y", "quote it"},
		{"n", "quote it"},
		{"no", "quote it"},
		{"On", "quote it"},
		{"OFF", "quote it"},
		{"yes", "quote it"},
		{"true", "quote it"},
		{"False", "quote it"},
		{"null", "quote it"},
		{"~", "quote it"},
		{"010", "quote it"},
		{"0x1F", "quote it"},
		{"0o17", "quote it"},
		{"1e3", "quote it"},
		{"1.0", "quote it"},
		{"+5", "quote it"},
		{"1_000", "quote it"},
		{"1:30", "quote it"},
		{"2026-03-11", "quote it"},
		{"9007199254740993", "quote it"},
		{".inf", "quote it"},
		{"!!str yes", "quote it"},
		{"<<", "quote it"},
		{"=", "quote it"},
		{"-0", "quote it"},
		{`""`, "must not be empty"},
		{"[x]", "is a list"},
	} {
		got := problems(t, "fields: {order_id: {path: $.id}, status: {path: $.s}}\nstatus: {paid: [always, "+c.code+"]}\n")
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: got %v, want it accepted", c.code, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s: got %v, want it refused with %q", c.code, got, c.want)
		}
	}
}

func TestAUsersPartReplacesThePresets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, value, want string }{
		{"nothing replaced", "preset: shopify\n", `{"id":1,"name":"#1","financial_status":"paid","cancelled_at":null,"test":false}`, "paid 1"},
		{"a field", "preset: shopify\nfields: {order_id: {path: $.name}}\n", `{"id":1,"name":"#1","financial_status":"paid","cancelled_at":null,"test":false}`, "paid #1"},
		{"a field whole, its extract too", "preset: shopify\nfields: {order_id: {path: $.admin_graphql_api_id}}\n", `{"admin_graphql_api_id":"gid://shopify/Order/1","financial_status":"paid","cancelled_at":null,"test":false}`, "paid gid://shopify/Order/1"},
		{"a list", "preset: shopify\nstatus: {ignore: [pending], submitted: [refunded]}\n", `{"id":1,"financial_status":"refunded"}`, "submitted 1"},
		{"a list whole", "preset: shopify\nstatus: {ignore: [voided]}\n", `{"id":1,"financial_status":"refunded"}`, "UnknownStatus"},
		{"otherwise", "preset: shopify\nstatus: {otherwise: ignore}\n", `{"id":1,"financial_status":"lost"}`, "ignore"},
		{"rules", "preset: shopify\nrules: [{when: 'cancelled', then: dead-letter}]\n", `{"id":1,"financial_status":"paid","cancelled_at":"x"}`, "RuleRefused"},
		{"all rules", "preset: shopify\nrules: []\n", `{"id":1,"financial_status":"paid","cancelled_at":"x"}`, "paid 1"},
		{"rules kept", "preset: shopify\n", `{"id":1,"financial_status":"paid","cancelled_at":"x"}`, "ignore"},
		{"unwrap", "preset: plain\nunwrap: debezium\n", `{"op":"u","source":{},"after":{"order_id":1,"status":"paid"}}`, "paid 1"},
		{"each", "preset: plain\neach: $[*]\n", `[{"order_id":1,"status":"paid"}]`, "paid 1"},
		{"a status of its own", "preset: plain\nstatuses: [shipped]\nstatus: {shipped: [sent]}\n", `{"order_id":1,"status":"sent"}`, "shipped 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := loadText(t, c.text).Decode(t.Context(), value(c.value))
			if err != nil || short(got)[0] != c.want {
				t.Errorf("got %+v, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestAPresetsSchemasStayWhenItsListsAreReplaced(t *testing.T) {
	t.Parallel()
	encoded, err := os.ReadFile("testdata/order-events/payloads/confluent-avro-order-paid.b64")
	if err != nil {
		t.Fatal(err)
	}
	value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	m := loadText(t, "preset: confluent-avro\nstatus: {paid: [], submitted: [PAID]}\n")
	if got := decode(t, m, event.Record{Value: value}); got.Status != "submitted" || got.OrderID != "9007199254740993" {
		t.Errorf("got %+v, want submitted", got)
	}
}

func TestARecordFindsItsMappingByItsTopic(t *testing.T) {
	t.Parallel()
	text := `
mappings:
- {preset: plain, match: {topics: ["orders"]}}
- {preset: shopify, match: {topics: 'shop\.[a-z]+'}}
`
	m, err := mapping.Load(mapping.Options{Source: file(t, text), Topics: []string{"orders", "shop.a", "shop.b"}})
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]string{
		"orders": "a 1", "shop.a": "paid 2", "shop.b": "paid 2", "shop.c": "paid 2", "shopXa": "NotDecodable", "my.shop.a": "NotDecodable", "shop.a1": "NotDecodable",
	} {
		got, err := m.Decode(t.Context(), event.Record{Place: event.Place{Topic: topic}, Value: []byte(`{"order_id":1,"status":"a","id":2,"financial_status":"paid","cancelled_at":null,"test":false}`)})
		if err != nil || short(got)[0] != want {
			t.Errorf("%s: got %+v, %v, want %s", topic, got, err, want)
		}
	}
}

func TestLoadRefusesAnInvalidSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options mapping.Options
		is      error
		want    string
	}{
		{"a misspelt preset", mapping.Options{Source: "shopfy"}, nil, `unknown preset "shopfy" (did you mean "shopify"?)`},
		{"no preset at all", mapping.Options{Source: "zzzzzz"}, nil, `unknown preset "zzzzzz"; a file's path ends in .yaml; the presets are: bigcommerce, bitrix`},
		{"a file that is missing", mapping.Options{Source: "./none.yaml"}, os.ErrNotExist, `none.yaml`},
		{"a file in the working folder that is missing", mapping.Options{Source: "none.yml"}, os.ErrNotExist, `none.yml`},
		{"a blank topic", mapping.Options{Source: "plain", Topics: []string{"orders", " "}}, nil, "topic 2 of 2 has no name"},
		{"a topic twice", mapping.Options{Source: "plain", Topics: []string{"orders", "returns", "orders"}}, nil, `topic "orders" is given twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.Load(c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
