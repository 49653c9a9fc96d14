package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/spec"
)

// mistakes returns the mistakes in a mapping file, each as line:column: text.
func mistakes(t *testing.T, text string) []string {
	t.Helper()
	_, err := mapping.Load(mapping.Options{Source: file(t, text)})
	var bad *spec.FileError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want the mistakes of the file", err)
	}
	var all []string
	for _, p := range bad.Problems {
		p.File, p.Mapping = "", ""
		all = append(all, strings.TrimPrefix(p.String(), ":"))
	}
	return all
}

func TestARuleInAnotherLanguageGetsTheCELForm(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`status = "new"`:                   `7:16: rules[0].when: "=" is not an operator in rules; write ==`,
		`status === "new"`:                 `7:16: rules[0].when: "===" is not an operator in rules; write ==`,
		`status !== "new"`:                 `7:16: rules[0].when: "!==" is not an operator in rules; write !=`,
		`status <> "new"`:                  `7:16: rules[0].when: "<>" is not an operator in rules; write !=`,
		`status =~ "^n"`:                   `7:16: rules[0].when: "=~" is not an operator in rules; write field.matches("…")`,
		`status == "new" and test`:         `7:25: rules[0].when: "and" is not an operator in rules; write &&`,
		`status == "new" AND test`:         `7:25: rules[0].when: "AND" is not an operator in rules; write &&`,
		`status == "new" or test`:          `7:25: rules[0].when: "or" is not an operator in rules; write ||`,
		`status == "new" & test`:           `7:25: rules[0].when: "&" is not an operator in rules; write &&`,
		`status == "new" | test`:           `7:25: rules[0].when: "|" is not an operator in rules; write ||`,
		`not test`:                         `7:10: rules[0].when: "not" is not an operator in rules; write !`,
		`NOT test`:                         `7:9: rules[0].when: "NOT" is not an operator in rules; write !`,
		`status is null`:                   `7:16: rules[0].when: "is" is not an operator in rules; write ==`,
		`status == NULL`:                   `7:19: rules[0].when: "NULL" is not an operator in rules; write null`,
		`status == None`:                   `7:19: rules[0].when: "None" is not an operator in rules; write null`,
		`status == nil`:                    `7:19: rules[0].when: "nil" is not an operator in rules; write null`,
		`test == True`:                     `7:17: rules[0].when: "True" is not an operator in rules; write true`,
		`status IN ["new"]`:                `7:16: rules[0].when: "IN" is not an operator in rules; write in`,
		`status like "new%"`:               `7:16: rules[0].when: "like" is not an operator in rules; write field.startsWith("…"), endsWith, contains or matches`,
		`sum => 1`:                         `7:13: rules[0].when: "=>" is not an operator in rules; write >=`,
		`status == “new”`:                  `7:20: rules[0].when: "“" is not an operator in rules; write a string in straight quotes: "…"`,
		`status == "a = b and c" and test`: `7:33: rules[0].when: "and" is not an operator in rules; write &&`,
		`status == "новый" and test`:       `7:27: rules[0].when: "and" is not an operator in rules; write &&`,
		`lower(status) == "new"`:           `; normalize the field instead: normalize: [trim, lower]`,
		`status.toLowerCase() == "new"`:    `; normalize the field instead: normalize: [trim, lower]`,
		`sum(payments) >= sum`:             `; rules cannot add up values: use a field that holds the shop's total`,
		`now() > 1`:                        `; rules cannot read the clock`,
		`len(status) > 1`:                  `; write size(field)`,
		`isNull(status)`:                   `; write field != null, or give the field type: present`,
	} {
		text := "fields:\n  order_id: {path: $.id}\n  status: {path: $.s}\n  test: {path: $.t, type: present}\n  sum: {path: $.sum, type: number}\nrules:\n- when: " +
			rule + "\n  then: paid\n"
		if strings.Contains(rule, "“") || strings.HasPrefix(rule, "not") {
			text = strings.Replace(text, rule, "'"+rule+"'", 1)
		}
		got := mistakes(t, text)
		found := false
		for _, line := range got {
			found = found || line == want || strings.HasPrefix(want, ";") && strings.HasSuffix(line, want) && strings.Contains(line, "undeclared reference")
		}
		if alone := len(got) == 1 || strings.Contains(rule, "“") || strings.HasPrefix(want, ";"); !found || !alone {
			t.Errorf("%s: got %q, want %q alone", rule, got, want)
		}
	}
}

func TestAFieldMayBeNamedLikeAnOperator(t *testing.T) {
	t.Parallel()
	got := mistakes(t, "fields: {order_id: {path: $.id}, like: {path: $.l}, is: {path: $.i}}\nrules:\n- {when: 'like == is && lost', then: paid}\n")
	if len(got) != 1 || !strings.Contains(got[0], "undeclared reference to 'lost'") {
		t.Errorf("got %q, want the undeclared name alone", got)
	}
}

func TestUnreadableYAMLSaysWhatToLookFor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"fields:\n\torder_id: {path: $.id}\n":                                  "2:1: a tab; YAML requires spaces",
		"fields:\n  order_id: {path: $.id}\n\tstatus: {path: $.s}\n":           "3:1: a tab; YAML requires spaces",
		"fields:\n  order_id: {path: $.id}\n  \tstatus: {path: $.s}\n":         "3:3: a tab; YAML requires spaces",
		"fields: {order_id: {path: $.id}}\nrules:\n-\t{when: 'x', then: paid}": "3:2: a tab; YAML requires spaces",
		"rules:\n- {when: 'status == 'new'', then: paid}\n":                    "2:1: not YAML: did not find expected ',' or '}': a bracket is not closed, or text in it needs quotes; put a rule in single quotes, with double quotes inside",
		"rules:\n- {when: !deleted, then: paid}\n":                             "2:1: not YAML: did not find expected ',' or '}': a bracket is not closed, or text in it needs quotes; put a rule in single quotes, with double quotes inside",
		"rules:\n- when: 'status == 'new''\n  then: paid\n":                    "2:1: not YAML: did not find expected key: the indentation or a quote is wrong, here or below; put a rule in single quotes, with double quotes inside",
		"rules:\n- when: a: b\n":                                               "2:1: not YAML: mapping values are not allowed in this context: text with a colon and a space in it needs quotes",
		"description: Shop: orders\n":                                          "1:1: not YAML: mapping values are not allowed in this context: text with a colon and a space in it needs quotes",
		"status: {paid: [@x]}\n":                                               "1:1: not YAML: found character that cannot start any token: text that begins with @, ` or % needs quotes",
		"fields: {order_id: {path: \"$.\\id\"}}\n":                             `1:1: not YAML: found unknown escape character: in double quotes \ begins an escape; use single quotes`,
		"match: {topics: *orders}\n":                                           "1:1: not YAML: unknown anchor 'orders' referenced: text that begins with * needs quotes",
		"name: x\ndescription: a\x01b\n":                                       "2:15: not YAML: control characters are not allowed",
	} {
		if got := mistakes(t, text); len(got) != 1 || got[0] != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestATabWithinTextIsRead(t *testing.T) {
	t.Parallel()
	m := loadText(t, "fields:\n  order_id: {path: $.id}\n  status:\t{path: $.s}\nstatus: {paid: [\"a\tb\"]}\n")
	if got := decode(t, m, value(`{"id":"A","s":"a\tb"}`)); got.Status != "paid" {
		t.Errorf("got %+v, want paid", got)
	}
}

func TestASumOverAListIsNotPartOfTheLanguageAndSaysSo(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"$.payments[*].amount":       "a field's path leads to one value, and a mapping cannot add up values",
		"$.payments.sum()":           "paths have no functions; read a field that holds the result",
		"$.payments[?(@.ok)].amount": "paths have no filters; use rules, or each for the items of a list",
	} {
		got := mistakes(t, "fields: {order_id: {path: $.id}, sum: {path: '"+path+"', type: number}}\nrules: [{when: 'sum > 0', then: paid}]\n")
		if len(got) != 1 || !strings.HasSuffix(got[0], want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	m := loadText(t, "fields: {order_id: {path: $.id}, sum: {path: $.payments, type: number}}\nrules: [{when: 'sum > 0', then: paid}]\nstatus: {otherwise: ignore}\n")
	if got := decode(t, m, value(`{"id":"A","payments":[{"amount":1}]}`)); got.Cause != "FieldError" || !strings.Contains(got.Message, "a mapping cannot add up values") {
		t.Errorf("got %+v, want FieldError and why", got)
	}
}
