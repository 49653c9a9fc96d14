package schema_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/schema"
)

func mustAvro(tb testing.TB, text string, references ...schema.Reference) *schema.Schema {
	tb.Helper()
	s, err := schema.Avro(text, references...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// record returns the schema of a record with one field, f.
func record(fieldType string) string {
	return `{"type":"record","name":"R","fields":[{"name":"f","type":` + fieldType + `}]}`
}

func TestAvroValuesAreWrittenWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ schema, payload, want string }{
		"a long above 2^53":           {`"long"`, "828080808080 8020", "9007199254740993"},
		"the least long":              {`"long"`, "ffffffffffffffffff01", "-9223372036854775808"},
		"the greatest int":            {`"int"`, "feffffff0f", "2147483647"},
		"null":                        {`"null"`, "", "null"},
		"true":                        {`"boolean"`, "01", "true"},
		"false":                       {`"boolean"`, "00", "false"},
		"a double in few digits":      {`"double"`, "9a9999999999b93f", "0.1"},
		"a float in few digits":       {`"float"`, "cdcccc3d", "0.1"},
		"a whole double has a point":  {`"double"`, "0000000000488f40", "1001.0"},
		"a huge double":               {`"double"`, "7dc39425ad49b254", "1e+100"},
		"not a number":                {`"double"`, "000000000000f87f", `"NaN"`},
		"infinity":                    {`"float"`, "0000807f", `"Infinity"`},
		"minus infinity":              {`"float"`, "000080ff", `"-Infinity"`},
		"text":                        {`"string"`, "0a d0b0223132", `"а\"12"`},
		"control characters":          {`"string"`, "08 0a001f5c", `"\u000a\u0000\u001f\\"`},
		"bytes that are not UTF-8":    {`"string"`, "04 41ff", "\"A\xff\""},
		"bytes":                       {`"bytes"`, "06 00ff10", `"AP8Q"`},
		"a fixed":                     {`{"type":"fixed","name":"F","size":2}`, "00ff", `"AP8="`},
		"an enum by its symbol":       {`{"type":"enum","name":"E","symbols":["NEW","PAID"]}`, "02", `"PAID"`},
		"a union's value":             {`["null","string"]`, "02 0261", `"a"`},
		"a union's null":              {`["null","string"]`, "00", "null"},
		"a union with null last":      {`["long","null"]`, "00 02", "1"},
		"an array in two blocks":      {`{"type":"array","items":"int"}`, "04 0204 02 06 00", "[1,2,3]"},
		"a block with its size":       {`{"type":"array","items":"int"}`, "03 04 0204 00", "[1,2]"},
		"an empty array":              {`{"type":"array","items":"int"}`, "00", "[]"},
		"a map":                       {`{"type":"map","values":"int"}`, "04 0261 02 0262 04 00", `{"a":1,"b":2}`},
		"a map says a name twice":     {`{"type":"map","values":"int"}`, "04 0261 02 0261 04 00", `{"a":1,"a":2}`},
		"an empty record":             {`{"type":"record","name":"R","fields":[]}`, "", "{}"},
		"a timestamp as written":      {`{"type":"long","logicalType":"timestamp-millis"}`, "b083febb9b67", "1773213303000"},
		"a date as written":           {`{"type":"int","logicalType":"date"}`, "02", "1"},
		"a decimal":                   {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "04 04d2", "12.34"},
		"a decimal keeps its zeros":   {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "04 04b0", "12.00"},
		"a small decimal":             {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`, "02 07", "0.007"},
		"a decimal below zero":        {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`, "02 f9", "-0.007"},
		"a decimal of no bytes":       {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":1}`, "00", "0.0"},
		"a decimal without places":    {`{"type":"bytes","logicalType":"decimal","precision":30}`, "12 010000000000000001", "18446744073709551617"},
		"a fixed decimal":             {`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4,"scale":1}`, "ff38", "-20.0"},
		"a uuid":                      {`{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, "0190b2f0000070008000000000000001", `"0190b2f0-0000-7000-8000-000000000001"`},
		"a uuid of another size":      {`{"type":"fixed","name":"U","size":2,"logicalType":"uuid"}`, "0190", `"AZA="`},
		"a name in another namespace": {`{"type":"record","name":"a.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":1}},{"name":"y","type":"F"},{"name":"z","type":"a.F"}]}`, "000102", `{"x":"AA==","y":"AQ==","z":"Ag=="}`},
		"a name at home is nearer":    {`["null",{"type":"fixed","name":"F","size":1},{"type":"record","name":"a.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":2}},{"name":"y","type":"F"}]}]`, "04 0001 0203", `{"x":"AAE=","y":"AgM="}`},
		"a recursive record":          {`{"type":"record","name":"L","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","L"]}]}`, "02 02 04 00", `{"v":1,"next":{"v":2,"next":null}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustJSON(t, mustAvro(t, test.schema), unhex(t, test.payload)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAvroRefusesPayloadsThatDoNotFitTheSchema(t *testing.T) {
	t.Parallel()
	longs := `{"type":"array","items":"long"}`
	for name, test := range map[string]struct{ schema, payload, why string }{
		"nothing where a value should be": {`"long"`, "", "not a whole number"},
		"a number that is cut short":      {`"long"`, "8080", "not a whole number"},
		"a number of more than 64 bits":   {`"long"`, "ffffffffffffffffffff01", "not a whole number"},
		"a long in an int":                {`"int"`, "8080808010", "out of range"},
		"a low long in an int":            {`"int"`, "8180808010", "out of range"},
		"a boolean of two":                {`"boolean"`, "02", "neither 0 nor 1"},
		"a double that is cut short":      {`"double"`, "00000000000000", "cut short"},
		"a fixed that is cut short":       {`{"type":"fixed","name":"F","size":4}`, "000000", "cut short"},
		"a string that is cut short":      {`"string"`, "0661 62", "a length of 3, more than the 2 that are left"},
		"a length below zero":             {`"string"`, "01", "a length of -1"},
		"the greatest length":             {`"bytes"`, "feffffffffffffffff01", "more than the 0 that are left"},
		"no such symbol":                  {`{"type":"enum","name":"shop.E","symbols":["A"]}`, "02", "shop.E has no number 1"},
		"a symbol below zero":             {`{"type":"enum","name":"shop.E","symbols":["A"]}`, "01", "shop.E has no number -1"},
		"no such branch":                  {`["null","int"]`, "04", "union has no number 2"},
		"bytes after the end":             {`"int"`, "0202", "bytes after the end of the value: 1"},
		"more items than bytes":           {longs, "feffffffffffffffff01 02", "not a whole number"},
		"the least count":                 {longs, "ffffffffffffffffff01 02", "out of range"},
		"a block longer than it says":     {longs, "03 02 0204 00", "should end at byte 3"},
		"a block shorter than it says":    {longs, "03 06 0204 00", "should end at byte 5"},
		"a block larger than the payload": {longs, "01 feffffffffffffffff01 02 00", "a length of"},
		"an array without an end":         {longs, "02 02", "not a whole number"},
		"a map's key that is cut short":   {`{"type":"map","values":"int"}`, "02 0a61", "a length of 5"},
		"a value missing in a record":     {record(`"string"`), "", "not a whole number"},
		"a wide decimal": {
			`{"type":"bytes","logicalType":"decimal","precision":9}`, "8240" + strings.Repeat("7f", 4097), "a decimal of 4097 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRefuse(t, mustAvro(t, test.schema), unhex(t, test.payload), test.why)
		})
	}
}

// The bombs are payloads, most of them only a few bytes long, that would expand into far too much text or nest far too
// deeply. No test runs in parallel with this one, because memory is counted for the whole process.
func TestAvroBombsAreRefusedInBoundedMemory(t *testing.T) {
	var doubling strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doubling, `{"type":"record","name":"D%d","fields":[{"name":"a","type":`, i)
	}
	doubling.WriteString(`"null"`)
	for i := 39; i >= 0; i-- {
		if i == 39 {
			doubling.WriteString(`}]}`)
		} else {
			fmt.Fprintf(&doubling, `},{"name":"b","type":"D%d"}]}`, i+1)
		}
	}
	for name, test := range map[string]struct{ schema, payload, why string }{
		"an array of 2^62 nulls":         {`{"type":"array","items":"null"}`, "feffffffffffffffff01", "expands to"},
		"an array of empty records":      {`{"type":"array","items":{"type":"record","name":"E","fields":[]}}`, "feffffffffffffffff01", "expands to"},
		"a record that holds itself":     {`{"type":"record","name":"R","fields":[{"name":"f","type":"R"}]}`, "", "levels deep"},
		"a chain of a million records":   {`{"type":"record","name":"R","fields":[{"name":"f","type":["null","R"]}]}`, strings.Repeat("02", 1<<20), "levels deep"},
		"arrays in arrays without end":   {`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"array","items":"R"}}]}`, strings.Repeat("02", 1<<20), "levels deep"},
		"records that double each level": {doubling.String(), "", "expands to"},
		"long names around short values": {
			`{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"` + strings.Repeat("n", 10000) + `","type":"null"}]}}`,
			"feffffffffffffffff01", "expands to",
		},
		"decimals with many places": {
			`{"type":"array","items":{"type":"bytes","logicalType":"decimal","precision":65000,"scale":65000}}`,
			"808008" + strings.Repeat("00", 1<<16), "expands to",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, payload := mustAvro(t, test.schema), unhex(t, test.payload)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			mustRefuse(t, s, payload, test.why)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 200<<20 {
				t.Errorf("got %d MiB allocated, want at most 200", got>>20)
			}
		})
	}
}

func TestAvroReferencesBringTheirTypes(t *testing.T) {
	t.Parallel()
	money := schema.Reference{Name: "shop.Money", Text: `{"type":"record","name":"shop.Money","fields":[{"name":"amount","type":"long"}]}`}
	line := schema.Reference{Name: "shop.Line", Text: `{"type":"record","name":"shop.Line","fields":[{"name":"price","type":"Money"}]}`}
	s := mustAvro(t, `{"type":"record","name":"shop.Order","fields":[
		{"name":"line","type":"shop.Line"},{"name":"total","type":"Money"}]}`, money, line)
	want := `{"line":{"price":{"amount":1}},"total":{"amount":2}}`
	if got := mustJSON(t, s, unhex(t, "02 04")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTextThatIsNotAnAvroSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":           "",
		"not JSON":          "message M {}",
		"an unknown type":   `"money"`,
		"a missing name":    `{"type":"record","fields":[]}`,
		"a missing type":    record(`"Elsewhere"`),
		"endlessly nested":  strings.Repeat(`{"type":"array","items":`, 100000),
		"deep but complete": strings.Repeat(`{"type":"array","items":`, 20000) + `"int"` + strings.Repeat("}", 20000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := schema.Avro(text); !errors.Is(err, schema.ErrNotDecodable) {
				t.Errorf("got %v, want ErrNotDecodable", err)
			}
		})
	}
	broken := schema.Reference{Name: "shop.Money", Text: "{"}
	if _, err := schema.Avro(`"int"`, broken); !errors.Is(err, schema.ErrNotDecodable) || !strings.Contains(err.Error(), "shop.Money") {
		t.Errorf("got %v, want ErrNotDecodable that names shop.Money", err)
	}
}

func TestAvroErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	s := mustAvro(t, `{"type":"record","name":"R","fields":[{"name":"email","type":"string"},{"name":"f","type":"int"}]}`)
	_, err := s.JSON(append(unhex(t, "0a"), "a@b.c"...))
	if err == nil || strings.Contains(err.Error(), "a@b.c") {
		t.Errorf("got %v, want an error without the address", err)
	}
}
