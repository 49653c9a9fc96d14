package mapping_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// agreed is a mapping with many paths, some within others.
const agreed = `
each: $.list[*]
fields:
  order_id: {path: $.id}
  whole:    {envelope: $}
  a:        {envelope: $.a}
  ab:       {envelope: $.a.b}
  ab_last:  {envelope: "$.a.b[-1]"}
  ab0c:     {envelope: "$.a.b[0].c"}
  ab2:      {envelope: "$['a']['b'][2]"}
  c_last2:  {envelope: "$.c[-2].a"}
  cc:       {envelope: "$.c[-1][-1]"}
  list0:    {envelope: "$.list[0].id"}
  last:     {envelope: "$.list[-1].a"}
  cyr:      {envelope: $.б}
  item:     {path: $}
  item_a:   {path: $.a}
  item_ab:  {path: "$.a[-1].b"}
  item_c1:  {path: "$.c[1]"}
rules: [{when: 'true', then: ignore}]
`

// reference returns the paths in agreed as lists of steps. Paths within an item start with "each".
func reference() map[string][]any {
	return map[string][]any{
		"order_id": {"each", "id"}, "whole": {}, "a": {"a"}, "ab": {"a", "b"}, "ab_last": {"a", "b", -1}, "ab0c": {"a", "b", 0, "c"},
		"ab2": {"a", "b", 2}, "c_last2": {"c", -2, "a"}, "cc": {"c", -1, -1}, "list0": {"list", 0, "id"}, "last": {"list", -1, "a"},
		"cyr": {"б"}, "item": {"each"}, "item_a": {"each", "a"}, "item_ab": {"each", "a", -1, "b"}, "item_c1": {"each", "c", 1},
	}
}

func TestOnePassAndEncodingJSONGiveTheSameFieldsForAHundredThousandEvents(t *testing.T) {
	t.Parallel()
	const seed = 20261125
	m := loadText(t, agreed)
	random := rand.New(rand.NewPCG(seed, seed))
	values, orders := 0, 0
	for n := range events {
		g := generator{random: random}
		g.object(0)
		e, err := m.Explain(t.Context(), event.Record{Value: g.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		doc, list := readIntoMaps(t, g.Bytes())
		if len(e.Orders) != max(1, len(list)) {
			t.Fatalf("event %d of seed %d: got %d orders, want %d\n%s", n, seed, len(e.Orders), len(list), g.Bytes())
		}
		for i, item := range list {
			found, differ := compare(e.Orders[i].Fields, doc, item)
			if differ != "" {
				t.Fatalf("event %d of seed %d, order %d: %s\n%s", n, seed, i, differ, g.Bytes())
			}
			values += found
			orders++
		}
	}
	// With a generator that generates nothing, both readers would agree too.
	if values < events/2 || orders < events {
		t.Errorf("got %d values of %d orders, want more of both", values, orders)
	}
}

// readIntoMaps reads an event with encoding/json, and returns it with its list. An event without a list counts as one
// order without fields.
func readIntoMaps(t *testing.T, text []byte) (doc map[string]any, list []any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		t.Fatalf("encoding/json refuses %s: %v", text, err)
	}
	list, isList := doc["list"].([]any)
	if !isList {
		return doc, []any{absent{}}
	}
	return doc, list
}

// compare returns how many fields have a value, and what is wrong with the first field that differs.
func compare(fields []mapping.ExplainedField, doc map[string]any, item any) (found int, differ string) {
	paths := reference()
	for _, f := range fields {
		at := follow(doc, item, paths[f.Name])
		want := asText(at)
		if f.Name == "order_id" {
			want = asID(at)
		}
		if got := describe(f); got != want {
			return found, fmt.Sprintf("got %s %s, want %s", f.Name, got, want)
		}
		if f.Value != nil {
			found++
		}
	}
	return found, ""
}

type absent struct{}

func describe(f mapping.ExplainedField) string {
	switch {
	case f.Failed:
		return "failed"
	case f.Value == nil:
		return "null"
	}
	return strconv.Quote(*f.Value)
}

// follow returns the value at the end of the steps.
func follow(doc map[string]any, item any, steps []any) any {
	var at any = doc
	for _, s := range steps {
		switch step := s.(type) {
		case string:
			at = memberOf(at, item, step)
		case int:
			at = elementOf(at, step)
		}
	}
	return at
}

func memberOf(at, item any, name string) any {
	if name == "each" {
		return item
	}
	object, _ := at.(map[string]any)
	if v, ok := object[name]; ok {
		return v
	}
	return absent{}
}

func elementOf(at any, index int) any {
	list, _ := at.([]any)
	if index < 0 {
		index += len(list)
	}
	if index < 0 || index >= len(list) {
		return absent{}
	}
	return list[index]
}

// asText returns the value that a field of type string would have.
func asText(v any) string {
	switch v := v.(type) {
	case nil, absent:
		return "null"
	case string:
		return strconv.Quote(v)
	case json.Number:
		return strconv.Quote(v.String())
	case bool:
		return strconv.Quote(strconv.FormatBool(v))
	}
	return "failed"
}

// asID returns the value that a field of type id would have.
func asID(v any) string {
	number, isNumber := v.(json.Number)
	_, isBool := v.(bool)
	if isBool || v == "" || isNumber && strings.ContainsAny(number.String(), ".eE-") {
		return "failed"
	}
	return asText(v)
}

// A generator writes events that often have a value at the paths in agreed.
type generator struct {
	bytes.Buffer
	random *rand.Rand
}

func (g *generator) space() {
	if g.random.IntN(8) == 0 {
		g.WriteString([]string{" ", "\n", "\t", "\r\n  "}[g.random.IntN(4)])
	}
}

func (g *generator) object(depth int) {
	names := []string{"a", "b", "c", "id", "list", "б", "A", "a.b", "other", "схема", "x\ty"}
	g.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	g.WriteByte('{')
	for i, name := range names[:g.random.IntN(len(names)+1)] {
		if i > 0 {
			g.WriteByte(',')
		}
		g.space()
		g.text(name)
		g.space()
		g.WriteByte(':')
		g.value(depth+1, name)
	}
	g.space()
	g.WriteByte('}')
}

func (g *generator) value(depth int, name string) {
	g.space()
	kind := g.random.IntN(10)
	if depth > 4 {
		kind %= 6
	}
	if depth < 3 && g.random.IntN(2) == 0 {
		kind = map[string]int{"list": 8, "c": 8, "b": 8, "a": 6}[name]
	}
	switch kind {
	case 0:
		g.WriteString("null")
	case 1:
		g.WriteString([]string{"true", "false"}[g.random.IntN(2)])
	case 2, 3:
		numbers := []string{"0", "-1", "1.50", "1e3", "9007199254740993", "18446744073709551616", "-0.0", "7"}
		g.WriteString(numbers[g.random.IntN(len(numbers))])
	case 4, 5:
		texts := []string{"", "paid", "ИМ-2026/№ 395", "\"quoted\\\"", "😀", "000123", "line\nbreak", "{[]}", "<&>"}
		g.text(texts[g.random.IntN(len(texts))])
	case 6, 7:
		g.object(depth)
	default:
		g.WriteByte('[')
		for i := range g.random.IntN(5) {
			if i > 0 {
				g.WriteByte(',')
			}
			g.value(depth+1, "")
		}
		g.space()
		g.WriteByte(']')
	}
	g.space()
}

// text writes a string, with an unnecessary escape here and there.
func (g *generator) text(s string) {
	g.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			g.WriteByte('\\')
			g.WriteRune(r)
		case r < ' ' || r < 0x10000 && g.random.IntN(6) == 0:
			escape := fmt.Sprintf(`\u%04x`, r)
			g.WriteString(escape)
		default:
			g.WriteRune(r)
		}
	}
	g.WriteByte('"')
}
