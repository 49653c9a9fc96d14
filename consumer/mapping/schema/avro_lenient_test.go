package schema_test

import (
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/schema"
)

// Registries return these schemas and Java accepts them, although the specification or our parser does not.
func TestAvroSchemasOfRegistriesAreRead(t *testing.T) {
	t.Parallel()
	const value = "0a 4e2d353031 02 0870616964"
	const want = `{"number":"N-501","status":"paid"}`
	order := func(head, fields string) string {
		return `{"type":"record",` + head + `,"fields":[` + fields + `]}`
	}
	const number, status = `{"name":"number","type":"string"}`, `{"name":"status","type":["null","string"],"default":null}`
	for name, text := range map[string]string{
		"a namespace with a hyphen":         order(`"name":"Value","namespace":"my-shop.public.orders"`, number+","+status),
		"a full name with a hyphen":         order(`"name":"my-shop.public.orders.Value"`, number+","+status),
		"a namespace that begins oddly":     order(`"name":"Value","namespace":"1c.2024.заказы"`, number+","+status),
		"an empty part of a namespace":      order(`"name":"Value","namespace":"shop..orders"`, number+","+status),
		"a name in Cyrillic":                order(`"name":"Заказ"`, number+","+status),
		"the name of an inner class":        order(`"name":"com.shop.Events$Order"`, number+","+status),
		"a name that begins with a digit":   order(`"name":"2024_order"`, number+","+status),
		"a default of another type":         order(`"name":"V"`, `{"name":"number","type":"string","default":0},`+status),
		"a default of the second branch":    order(`"name":"V"`, number+`,{"name":"status","type":["null","string"],"default":""}`),
		"the text null for null":            order(`"name":"V"`, number+`,{"name":"status","type":["null","string"],"default":"null"}`),
		"null where null is not a branch":   order(`"name":"V"`, `{"name":"number","type":"string","default":null},`+status),
		"an alias that is not a name":       order(`"name":"V","aliases":["my-shop.Old Value"]`, `{"name":"number","type":"string","aliases":["номер заказа"]},`+status),
		"an alias that is not a list":       order(`"name":"V","aliases":"Old"`, number+","+status),
		"a doc that is not text":            order(`"name":"V","doc":{"en":"An order"}`, `{"name":"number","type":"string","doc":null},`+status),
		"an unknown order":                  order(`"name":"V"`, `{"name":"number","type":"string","order":"none"},`+status),
		"attributes of Connect":             order(`"name":"V","connect.name":"my-shop.V","connect.version":2`, `{"name":"number","type":{"type":"string","avro.java.string":"String","connect.default":1}},`+status),
		"a decimal without a precision":     order(`"name":"V"`, number+`,{"name":"status","type":["null",{"type":"string","logicalType":"decimal"}]}`),
		"a namespace that is null":          order(`"name":"V","namespace":null`, number+","+status),
		"a type within a type":              order(`"name":"V"`, `{"name":"number","type":{"type":{"type":"string"}}},{"name":"status","type":{"type":["null","string"]}}`),
		"comments":                          "// an order\n" + order(`"name":"V","doc":"see // and /* there */"`, number+", /* of the\nshop */ "+status) + "\n// end",
		"a byte order mark before the text": "\ufeff" + order(`"name":"V"`, number+","+status),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustJSON(t, mustAvro(t, text), unhex(t, value)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// According to the specification, a default belongs to the first branch. Here the default null does not, but that
// changes nothing, because a payload identifies its branch by number.
func TestAnAvroDefaultOfAnotherBranchChangesNoBranch(t *testing.T) {
	t.Parallel()
	s := mustAvro(t, `{"type":"record","name":"V","fields":[{"name":"status","type":["string","null"],"default":null}]}`)
	for payload, want := range map[string]string{"00 0870616964": `{"status":"paid"}`, "02": `{"status":null}`} {
		if got := mustJSON(t, s, unhex(t, payload)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAvroNamesOfFieldsAndSymbolsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ schema, payload, want string }{
		"a field that begins with a digit": {`{"type":"record","name":"R","fields":[{"name":"1id","type":"int"}]}`, "02", `{"1id":1}`},
		"a field with a hyphen":            {`{"type":"record","name":"R","fields":[{"name":"order-id","type":"int"}]}`, "02", `{"order-id":1}`},
		"a field with a space and quotes":  {`{"type":"record","name":"R","fields":[{"name":"the \"id\"","type":"int"}]}`, "02", `{"the \"id\"":1}`},
		"a field with a dot":               {`{"type":"record","name":"R","fields":[{"name":"order.id","type":"int"}]}`, "02", `{"order.id":1}`},
		"a field in Cyrillic":              {`{"type":"record","name":"R","fields":[{"name":"номер","type":"int"}]}`, "02", `{"номер":1}`},
		"a symbol with a hyphen":           {`{"type":"enum","name":"E","symbols":["on-hold","wc-paid"]}`, "02", `"wc-paid"`},
		"a symbol that is a number":        {`{"type":"enum","name":"E","symbols":["1","2"],"default":"9"}`, "02", `"2"`},
		"a symbol in Cyrillic":             {`{"type":"enum","name":"E","symbols":["новый","оплачен"]}`, "02", `"оплачен"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustJSON(t, mustAvro(t, test.schema), unhex(t, test.payload)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// According to the specification, readers ignore an invalid logical type and read the base type.
func TestAnAvroDecimalThatIsNotValidIsBytes(t *testing.T) {
	t.Parallel()
	for name, attributes := range map[string]string{
		"no precision":             `"type":"bytes"`,
		"a precision of zero":      `"type":"bytes","precision":0`,
		"a precision below zero":   `"type":"bytes","precision":-1,"scale":2`,
		"a precision in quotes":    `"type":"bytes","precision":"20","scale":"2"`,
		"a precision with a point": `"type":"bytes","precision":20.0,"scale":2`,
		"a scale above precision":  `"type":"bytes","precision":2,"scale":5`,
		"a scale below zero":       `"type":"bytes","precision":2,"scale":-1`,
		"more digits than bytes":   `"type":"fixed","name":"F","size":2,"precision":40,"scale":2`,
		"a precision that is null": `"type":"bytes","precision":null`,
	} {
		payload := "04 04d2"
		if strings.Contains(attributes, "fixed") {
			payload = "04d2"
		}
		s := mustAvro(t, record(`{`+attributes+`,"logicalType":"decimal"}`))
		if got, want := mustJSON(t, s, unhex(t, payload)), `{"f":"BNI="}`; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, fixed := range []string{`"size":1,"precision":2`, `"size":2,"precision":4`, `"size":4,"precision":9`, `"size":16,"precision":38`} {
		if s := mustAvro(t, record(`{"type":"fixed","name":"F",`+fixed+`,"logicalType":"decimal"}`)); s == nil {
			t.Errorf("%s: got no schema", fixed)
		}
	}
}

func TestAnAvroTypeMayBeDefinedTwiceInTheSameWords(t *testing.T) {
	t.Parallel()
	row := func(fields string) string {
		return `{"type":"record","name":"Row","fields":[{"name":"id","type":"int"}` + fields + `]}`
	}
	change := func(before, after string) string {
		return `{"type":"record","name":"Change","namespace":"my-shop","fields":[{"name":"before","type":["null",` + before +
			`]},{"name":"after","type":["null",` + after + `]}]}`
	}
	const payload, want = "00 02 02", `{"before":null,"after":{"id":1}}`
	money := `{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}`
	for name, test := range map[string]struct{ schema, payload, want string }{
		"the same":                        {change(row(""), row("")), payload, want},
		"the same but for defaults":       {change(row(""), strings.Replace(row(""), `"type":"int"`, `"type":"int","default":0`, 1)), payload, want},
		"the same with its full name":     {change(row(""), strings.Replace(row(""), `"Row"`, `"my-shop.Row"`, 1)), payload, want},
		"what it needs, by name":          {change(row(`,{"name":"sum","type":`+money+`}`), row(`,{"name":"sum","type":"Money"}`)), "00 02 02 04", `{"before":null,"after":{"id":1,"sum":{"cents":2}}}`},
		"the same name in two namespaces": {change(row(""), `{"type":"record","name":"Row","namespace":"other","fields":[{"name":"n","type":"int"}]}`), payload, `{"before":null,"after":{"n":1}}`},
		"a type that holds itself":        {change(row(`,{"name":"next","type":["null","Row"]}`), row(`,{"name":"next","type":["null","Row"]}`)), "00 02 02 00", `{"before":null,"after":{"id":1,"next":null}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustJSON(t, mustAvro(t, test.schema), unhex(t, test.payload)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	for name, text := range map[string]string{
		"other fields":    change(row(""), row(`,{"name":"sum","type":"long"}`)),
		"other types":     change(row(""), strings.Replace(row(""), `"int"`, `"long"`, 1)),
		"other symbols":   change(`{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"enum","name":"E","symbols":["B"]}`),
		"another size":    change(`{"type":"fixed","name":"F","size":1}`, `{"type":"fixed","name":"F","size":2}`),
		"another scale":   change(`{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":9,"scale":1}`, `{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":9,"scale":2}`),
		"within itself":   row(`,{"name":"x","type":` + row("") + `}`),
		"a nameless type": change(row(""), `{"type":"record","fields":[]}`),
	} {
		if _, err := schema.Avro(text); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestAnAvroReferenceMayRepeatATypeOfAnother(t *testing.T) {
	t.Parallel()
	const money = `{"type":"record","name":"my-shop.Money","fields":[{"name":"amount","type":"long"}]}`
	line := `{"type":"record","name":"my-shop.Line","fields":[{"name":"price","type":` + money + `}]}`
	s := mustAvro(t, `{"type":"record","name":"my-shop.Order","fields":[{"name":"line","type":"Line"},{"name":"total","type":"Money"}]}`,
		schema.Reference{Name: "money", Text: money}, schema.Reference{Name: "line", Text: line}, schema.Reference{Name: "again", Text: money})
	if got, want := mustJSON(t, s, unhex(t, "02 04")), `{"line":{"price":{"amount":1}},"total":{"amount":2}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAvroFieldsThatANewerSchemaAddsMayBeMissingAtTheEnd(t *testing.T) {
	t.Parallel()
	const added = `{"type":"record","name":"R","fields":[{"name":"id","type":"int"},{"name":"paid","type":"boolean","default":false},
		{"name":"ts_us","type":"long","default":"x"},{"name":"none","type":"null","default":null}]}`
	s := mustAvro(t, added)
	for payload, want := range map[string]string{
		"02":       `{"id":1}`,
		"02 01":    `{"id":1,"paid":true}`,
		"02 01 04": `{"id":1,"paid":true,"ts_us":2,"none":null}`,
	} {
		if got := mustJSON(t, s, unhex(t, payload)); got != want {
			t.Errorf("%s: got %s, want %s", payload, got, want)
		}
	}
	mustRefuse(t, s, unhex(t, ""), "not a whole number")
	mustRefuse(t, s, unhex(t, "02 01 80"), "not a whole number")
	mustRefuse(t, mustAvro(t, `{"type":"record","name":"Outer","fields":[{"name":"f","type":`+added+`}]}`), unhex(t, "02"), "cut short") // within another record, fields must not be missing
	mustRefuse(t, mustAvro(t, strings.Replace(added, `,"default":"x"`, "", 1)), unhex(t, "02"), "cut short")
}

func TestAnAvroTypeMayBeNamedBeforeItIsDefined(t *testing.T) {
	t.Parallel()
	s := mustAvro(t, `{"type":"record","name":"my-shop.R","fields":[{"name":"a","type":["null","Later"]},
		{"name":"b","type":{"type":"record","name":"Later","fields":[{"name":"n","type":"int"},{"name":"more","type":["null","Later"]}]}}]}`)
	if got, want := mustJSON(t, s, unhex(t, "02 02 00 04 02 06 00")), `{"a":{"n":1,"more":null},"b":{"n":2,"more":{"n":3,"more":null}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
