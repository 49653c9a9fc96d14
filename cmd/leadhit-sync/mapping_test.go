package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

const payloads = "../../consumer/mapping/testdata/order-events/payloads/"

// tea is a mapping with a rule and lists.
const tea = `version: 1
name: tea
fields:
  order_id: {path: $.no}
  status:   {path: $.state, normalize: [lower]}
  test:     {path: $.test, type: bool}
rules:
- {when: 'test == true', then: ignore}
status: {paid: [paid, settled], submitted: [new]}
`

// decoded decodes the JSON that a command has printed.
func decoded[V any](t *testing.T, text string) V {
	t.Helper()
	var v V
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("got %v of\n%s", err, text)
	}
	return v
}

func TestPresetsAreListedWithTheOrderIDThatTheyTake(t *testing.T) {
	t.Parallel()
	got := command(t, "", "mapping", "presets")
	if lines := strings.Count(got.out, "\n"); got.code != 0 || lines != 1+len(mapping.Presets()) {
		t.Errorf("got exit code %d and %d lines, want a heading and %d presets", got.code, lines, len(mapping.Presets()))
	}
	listing := decoded[struct {
		Schema  string
		Presets []preset
	}](t, command(t, "", "mapping", "presets", "-o", "json").out)
	if listing.Schema != "mapping.presets.v1" || len(listing.Presets) != len(mapping.Presets()) {
		t.Errorf("got %s with %d presets, want %d", listing.Schema, len(listing.Presets), len(mapping.Presets()))
	}
	for _, p := range listing.Presets {
		if !strings.Contains(p.Description, "order id:") || strings.Contains(p.Description, "\n") {
			t.Errorf("%s: got %q, want one line that names the order id", p.Name, p.Description)
		}
		if !strings.Contains(got.out, p.Name+" ") {
			t.Errorf("got no line for %s", p.Name)
		}
	}
}

func TestShowPrintsAPresetThatCanBeLoadedAsAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range mapping.Presets() {
		got := command(t, "", "mapping", "show", name)
		if got.code != 0 || !strings.Contains(got.out, "mappings:") {
			t.Errorf("%s: got %+v, want YAML", name, got)
		}
		if strings.Contains(got.out, "schemas:") {
			continue // its schemas are not beside the copy
		}
		if checked := command(t, "", "mapping", "check", write(t, dir, name+".yaml", got.out)); checked.code != 0 {
			t.Errorf("%s: got %+v for its copy, want no mistakes", name, checked)
		}
	}
	if got := command(t, "", "mapping", "show", "shopfy"); got.code != exitError ||
		!strings.Contains(got.err, `did you mean "shopify"?`) {
		t.Errorf("got %+v, want exit code 1 and a suggestion", got)
	}
}

func TestSchemaIsJSONAndNamesWhatMappingsHave(t *testing.T) {
	t.Parallel()
	got := command(t, "", "mapping", "schema")
	if !json.Valid([]byte(got.out)) || !strings.Contains(got.out, `"unwrap"`) {
		t.Errorf("got %+v, want a JSON Schema of mapping files", got)
	}
}

func TestCheckListsWhatAMappingConsistsOf(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "tea.yaml", tea)
	got := command(t, "", "mapping", "check", file)
	want := `ok    ` + file + `: 1 mapping, no mistakes

mapping  tea
topics   every topic

FIELD     TYPE    FROM
order_id  id      path $.no
status    string  path $.state
test      bool    path $.test

RULE      THEN    WHEN
rules[0]  ignore  test == true

STATUS     CODES
paid       paid, settled
submitted  new
otherwise  dead-letter
`
	if got.code != 0 || got.out != want || got.err != "" {
		t.Errorf("got %+v, want\n%s", got, want)
	}
}

func TestCheckReportsEveryMistakeWithItsPlace(t *testing.T) {
	t.Parallel()
	file := "../../consumer/mapping/testdata/ten-mistakes.yaml"
	got := command(t, "", "mapping", "check", file, "--topics", "nobodys")
	lines := strings.Split(strings.TrimSpace(got.err), "\n")
	if got.code != exitError || got.out != "" || len(lines) < 10 {
		t.Errorf("got exit code %d, %q and %d lines, want 1, nothing and at least 10 lines", got.code, got.out, len(lines))
	}
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(file) + `(:\d+:\d+)?: .`)
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("got line %q, want file, line, column", line)
		}
	}
	asJSON := command(t, "", "mapping", "check", file, "--topics", "nobodys", "-o", "json")
	report := decoded[checkedFile](t, asJSON.out)
	if asJSON.code != exitError || len(report.Mistakes) != len(lines) || report.Mistakes[9].Line == 0 {
		t.Errorf("got exit code %d and %d mistakes in JSON, want 1 and %d", asJSON.code, len(report.Mistakes), len(lines))
	}
}

func TestCheckWarnsOfWhatIsProbablyAMistakeAndFailsWhenStrict(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "tea.yaml", strings.Replace(tea, "submitted: [new]", "submitted: [New]", 1))
	got := command(t, "", "mapping", "check", file)
	if got.code != 0 || !strings.Contains(got.out, "\nwarn  "+file+":9:") ||
		!strings.Contains(got.out, `"New" can never match`) {
		t.Errorf("got %+v, want a warning about New with its place", got)
	}
	if got := command(t, "", "mapping", "check", file, "--strict"); got.code != exitError ||
		!strings.Contains(got.out, "warn") {
		t.Errorf("got %+v, want exit code 1", got)
	}
	report := decoded[checkedFile](t, command(t, "", "mapping", "check", file, "-o", "json").out)
	if len(report.Findings) != 1 || report.Findings[0].Line != 9 || report.Mappings[0].Name != "tea" {
		t.Errorf("got %+v, want one finding in line 9 of tea", report)
	}
}

func TestCheckWantsEachTopicInExactlyOneMapping(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "two.yaml", `mappings:
- {preset: shopify, match: {topics: [a, b]}}
- {preset: magento, match: {topics: [b]}}
`)
	got := command(t, "", "mapping", "check", file, "--topics", "a,c")
	if got.code != exitError || !strings.Contains(got.err, `"b" is matched by 2 mappings: shopify, magento`) ||
		!strings.Contains(got.err, `no mapping matches the topic "c"`) {
		t.Errorf("got %+v, want both topics named", got)
	}
}

func TestAFileThatIsNotThereExitsWithOne(t *testing.T) {
	t.Parallel()
	for _, line := range [][]string{
		{"mapping", "check", "none.yaml"},
		{"mapping", "test", "none.yaml"},
		{"mapping", "explain", "none.yaml"},
		{"mapping", "test", write(t, t.TempDir(), "tea.yaml", tea)},
	} {
		if got := command(t, "", line...); got.code != exitError || !strings.Contains(got.err, "no such file") ||
			got.out != "" {
			t.Errorf("%q: got %+v, want exit code 1 and the file's name", line, got)
		}
	}
}

func TestExplainShowsEachFieldAndWhatDecided(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "tea.yaml", tea)
	for _, c := range []struct {
		name, event string
		args        []string
		want        []string
	}{
		{"a call", `{"no": "T-1", "state": "PAID"}`, nil, []string{
			"mapping    tea\n", "envelopes  none\n", "order_id  T-1    id      path $.no\n",
			"test      null   bool    is missing\n",
			"decided by  status.paid\n", `call        set_order_status(order_id="T-1", status="paid")`,
		}},
		{
			"a rule", `{"no": "T-1", "state": "PAID", "test": "1"}`, nil,
			[]string{"decided by  rules[0]: test == true\n", "ignore      LeadHit is not called\n"},
		},
		{"a field that cannot be used", `{"no": "T-1", "state": "paid", "test": "maybe"}`, nil, []string{
			"test      cannot be used  bool    path $.test: test is", "refuse      FieldError: rules[0]: test is",
			"becomes a dead letter",
		}},
		{"no JSON", `T-1`, nil, []string{"decided by  the value\n", "refuse      NotJSON: "}},
		{"an empty value", ``, nil, []string{"refuse      EmptyValue: "}},
		{"a tombstone", `ignored`, []string{"--null"}, []string{"decided by  the value\n", "ignore "}},
		{
			"what a terminal would obey", `{"no": "T\u001b[31m", "state": "paid"}`, nil,
			[]string{`order_id  "T\x1b[31m"`, `order_id="T\x1b[31m"`},
		},
		{"empty strings", `{"no": "T", "state": ""}`, nil, []string{`status    ""     string`}},
	} {
		got := command(t, c.event, append([]string{"mapping", "explain", file}, c.args...)...)
		if got.code != 0 || got.err != "" || strings.ContainsRune(got.out, '\x1b') {
			t.Errorf("%s: got %+v, want exit code 0", c.name, got)
		}
		for _, want := range c.want {
			if !strings.Contains(got.out, want) {
				t.Errorf("%s: got\n%s\nwant %q in it", c.name, got.out, want)
			}
		}
	}
}

func TestExplainTakesKeyHeadersAndTopicFromFlags(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "two.yaml", `mappings:
- name: one
  match: {topics: [one]}
  fields: {order_id: {key: $}, status: {header: state}}
  status: {paid: ["a=b"]}
- {preset: plain, match: {topics: [other]}}
`)
	got := command(t, "{}", "mapping", "explain", file, "--topic", "one", "--key", "K-1", "--header", "x=", "--header",
		"State=a=b")
	for _, want := range []string{
		"order_id  K-1    id      key $\n", "status    a=b    string  header state\n",
		`call        set_order_status(order_id="K-1", status="paid")`,
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
	got = command(t, "{}", "mapping", "explain", file)
	if !strings.Contains(got.out, "mapping    none\n") || !strings.Contains(got.out, "no mapping matches this topic") {
		t.Errorf("got %+v without a topic, want it to say that none is for it", got)
	}
}

func TestExplainAndTestWarnOfAStatusThatLeadHitRefuses(t *testing.T) {
	t.Parallel()
	const warning = `LeadHit refuses the status "PAID": it knows submitted, paid; status lists in a mapping translate it, for instance paid: ["PAID"]`
	got := command(t, `{"order_id":"1","status":"PAID"}`, "mapping", "explain", "plain")
	if got.code != 0 || !strings.HasSuffix(got.out, "\nwarn  "+warning+"\n") {
		t.Errorf("got %+v, want the warning", got)
	}
	if got := command(t, `{"order_id":"1","status":"paid"}`, "mapping", "explain", "plain"); strings.Contains(got.out,
		"warn") {
		t.Errorf("got %+v, want no warning", got)
	}
	cases := write(t, t.TempDir(), "plain.cases.yaml", `cases:
- {name: a, value: '{"order_id":"1","status":"PAID"}', want: {order_id: 1, status: PAID}}
- {name: b, value: '{"order_id":"1","status":"paid"}', want: {order_id: 1, status: paid}}
`)
	got = command(t, "", "mapping", "test", "plain", "--cases", cases)
	if got.code != 0 || strings.Count(got.out, "warn") != 1 || !strings.Contains(got.out, `warn  case "a": `+warning) {
		t.Errorf("got %+v, want one warning, about case a", got)
	}
}

func TestExplainInJSONNamesTheCalls(t *testing.T) {
	t.Parallel()
	event, err := os.ReadFile(payloads + "wildberries-status-list.json")
	if err != nil {
		t.Fatal(err)
	}
	got := decoded[struct {
		Schema, Mapping string
		Calls           []explainedCall
	}](t, command(t, string(event), "mapping", "explain", "wildberries", "-o", "json").out)
	want := []explainedCall{
		{"set_order_status", callParams{"5632423", "paid"}},
		{"set_order_status", callParams{"5632424", "submitted"}},
	}
	if got.Schema != "mapping.explain.v1" || got.Mapping != "wildberries" || !slices.Equal(got.Calls, want) {
		t.Errorf("got %+v, want the calls %+v", got, want)
	}
	text := command(t, string(event), "mapping", "explain", "wildberries").out
	if strings.Count(text, "decided by") != 3 || !strings.Contains(text, "order 2 of 3\n") {
		t.Errorf("got\n%s\nwant three orders", text)
	}
}

// tried writes tea.yaml and the given cases to files, and runs the cases.
func tried(t *testing.T, cases string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "tea.cases.yaml", cases)
	write(t, dir, "events/paid.json", `{"no": 9007199254740993, "state": "Paid"}`)
	write(t, dir, "events/empty.json", "")
	write(t, dir, "events/paid.b64", "eyJubyI6ICJCLTEiLCAic3RhdGUiOiAicGFpZCJ9\n")
	return command(t, "", append([]string{"mapping", "test", write(t, dir, "tea.yaml", tea)}, args...)...)
}

func TestCasesThatAreAsTheyShouldBePass(t *testing.T) {
	t.Parallel()
	got := tried(t, `cases:
- name: a number keeps its digits
  file: events/paid.json
  want: {order_id: "9007199254740993", status: paid}
- {name: base64, file: events/paid.b64, want: [{order_id: B-1, status: paid}]}
- {name: an empty file, file: events/empty.json, want: {refuse: EmptyValue}}
- {name: &name a tombstone, headers: {copied: *name}, value: null, want: ignore}
- {name: a test, value: '{"test": true}', want: [ignore]}
- name: a block of text
  topic: any
  key: 17
  headers: {a: b}
  value: |
    {"no": 7,
     "state": "new"}
  want: {order_id: 7, status: submitted}
`)
	want := `ok  a number keeps its digits  call 9007199254740993 paid
ok  base64                     call B-1 paid
ok  an empty file              refuse EmptyValue
ok  a tombstone                ignore
ok  a test                     ignore
ok  a block of text            call 7 submitted

6 cases, all passed
no case tries tea: status.otherwise
`
	if got.code != 0 || got.out != want || got.err != "" {
		t.Errorf("got %+v, want\n%s", got, want)
	}
}

func TestCasesThatDifferAreShownAndExitWithOne(t *testing.T) {
	t.Parallel()
	const cases = `cases:
- {name: right, value: '{"no": "1", "state": "new"}', want: {order_id: 1, status: submitted}}
- {name: another status, value: '{"no": "1", "state": "new"}', want: {order_id: 1, status: paid}}
- {name: another id, value: '{"no": "01", "state": "new"}', want: {order_id: 1, status: submitted}}
- {name: another cause, value: '{"no": "1", "state": "x"}', want: {refuse: MissingStatus}}
- {name: a call, value: '{"no": "1", "state": "paid"}', want: ignore}
- {name: no call, value: '{"no": "1", "state": "paid", "test": 1}', want: {order_id: 1, status: paid}}
- {name: one order, value: '{"no": "1", "state": "paid"}', want: [{order_id: 1, status: paid}, ignore]}
`
	got := tried(t, cases)
	if got.code != exitError || !strings.Contains(got.out, "7 cases, 6 failed\n") ||
		strings.Count(got.out, "FAIL") != 6 {
		t.Errorf("got %+v, want exit code 1 and six differences", got)
	}
	for _, want := range []string{
		"FAIL  another status  want call 1 paid\n                      got  call 1 submitted\n                      by   " +
			"status.submitted\n",
		"got  refuse UnknownStatus", "by   rules[0]: test == true", "by   status.otherwise: the status is in no list",
		"want call 1 paid; ignore",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("got\n%s\nwant %q in it", got.out, want)
		}
	}
	asJSON := tried(t, cases, "-o", "json")
	report := decoded[trial](t, asJSON.out)
	if asJSON.code != exitError || report.Failed != 6 || len(report.Cases) != 7 || report.Cases[1].OK ||
		report.Cases[1].Got != "call 1 submitted" {
		t.Errorf("got exit code %d and %+v, want the same in JSON", asJSON.code, report)
	}
}

func TestMistakesInCasesAreReportedAllAtOnceWithTheirPlaces(t *testing.T) {
	t.Parallel()
	got := tried(t, `cases:
- {name: a, valeu: '{}', want: ignore}
- {name: b, value: {no: 1}, want: ignore}
- {name: c, value: '{}'}
- {value: '{}', want: ignore}
- {name: d, value: '{}', file: x, want: ignore}
- {name: e, file: none.json, want: ignore}
- {name: f, value: '{}', want: nothing}
- {name: g, value: '{}', want: {order_id: 1}}
- {name: h, value: '{}', want: {order_id: 007, status: yes}}
- {name: i, value: '{}', want: []}
- {name: a, value: '{}', want: ignore}
- just text
- {name: j, value: '{}', headers: [x], want: ignore}
- {name: k, value: '{}', topic: {}, want: ignore}
- {name: l, value: '{}', want: {refuse: UnknownStatuss}}
- {name: m, value: '{}', want: [{refuse: NotJson}, {refuse: ""}]}
`)
	want := []string{
		`:2:13: cases[0]: unknown name "valeu"`, `:2:3: cases[0]: a case needs either value or file`,
		`:3:20: cases[1].value: must be text`, `:4:3: cases[2]: want is missing`, `:5:3: cases[3]: a case needs a name`,
		`:6:3: cases[4]: a case needs either value or file`, `:7:19: cases[5].file: open`, `:8:32: cases[6].want: want {`,
		`:9:32: cases[7].want: want {`, `:10:43: cases[8].want.order_id: quote it`, `:11:32: cases[9].want: is empty`,
		`:12:3: cases[10]: another case has the name "a"`, `:13:3: cases[11]: must be an object`,
		`:14:35: cases[12].headers: must be an object`,
		`:15:33: cases[13].topic: must be text`, `:16:41: cases[14].want.refuse: unknown cause "UnknownStatuss" (did you mean "UnknownStatus"?)`,
		`:17:42: cases[15].want[0].refuse: unknown cause "NotJson" (did you mean "NotJSON"?)`,
		`:17:61: cases[15].want[1].refuse: unknown cause ""`,
	}
	if got.code != exitError || got.out != "" {
		t.Errorf("got exit code %d and %q, want 1 and nothing on stdout", got.code, got.out)
	}
	for _, w := range want {
		if !strings.Contains(got.err, "tea.cases.yaml"+w) {
			t.Errorf("got\n%s\nwant %q in it", got.err, w)
		}
	}
	if got := tried(t, "cases:\n\t- {name: a}\n"); !strings.Contains(got.err,
		"tea.cases.yaml:2:1: a tab; YAML requires spaces") {
		t.Errorf("got %+v, want the tab's place", got)
	}
	for _, text := range []string{"", "cases: []", "cases: 1", "[]", "cases:\n- {", "case: []"} {
		if got := tried(t, text); got.code != exitError || !strings.HasPrefix(filepath.Base(got.err), "tea.cases.yaml") {
			t.Errorf("%q: got %+v, want exit code 1 and a line about the file", text, got)
		}
	}
}

func TestCasesMayBeElsewhere(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "other.yaml", "cases: [{name: a, value: 'null', want: ignore}]")
	if got := command(t, "", "mapping", "test", "shopify", "--cases", file); got.code != 0 ||
		!strings.Contains(got.out, "1 case, all passed") {
		t.Errorf("got %+v, want one case of a preset to pass", got)
	}
}
