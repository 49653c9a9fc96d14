package desk_test

import (
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/deadletter/desk"
)

func TestAMaskedValueShowsOnlyItsForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, want string }{
		"an order": {
			`{"id":4711,"status":"paid","customer":{"email":"ann@example.com","vip":true,"note":null},"lines":[{"sku":"X-1","price":9.90}]}`,
			"{\n  \"id\": 4711,\n  \"status\": \"paid\",\n  \"customer\": {\n    \"email\": \"•••\",\n    \"vip\": \"•••\",\n    \"note\": null\n  },\n" +
				"  \"lines\": [\n    {\n      \"sku\": \"•••\",\n      \"price\": \"•••\"\n    }\n  ]\n}",
		},
		"an id as text":       {`{"id":"4711"}`, "{\n  \"id\": \"4711\"\n}"},
		"the id within text":  {`{"id":"order 4711"}`, "{\n  \"id\": \"•••\"\n}"},
		"an e-mail as a name": {`{"ann@example.com":1}`, "{\n  \"•••\": \"•••\"\n}"},
		"a number as a name":  {`{"79261234567":1,"c79261234567":2}`, "{\n  \"•••\": \"•••\",\n  \"•••\": \"•••\"\n}"},
		"a person as a name":  {`{"Ann Smith":1}`, "{\n  \"•••\": \"•••\"\n}"},
		"names of schemas":    {`{"@type":1,"$ref":2,"Статус":3,"xmlns:a":4,"line_1":5}`, "{\n  \"@type\": \"•••\",\n  \"$ref\": \"•••\",\n  \"Статус\": \"•••\",\n  \"xmlns:a\": \"•••\",\n  \"line_1\": \"•••\"\n}"},
		"a name twice":        {`{"id":4711,"id":4712}`, "{\n  \"id\": 4711,\n  \"id\": \"•••\"\n}"},
		"a string alone":      {` "ann" `, `"•••"`},
		"an empty object":     {`{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := desk.MaskedValue([]byte(c.value), "4711", "paid", ""); !ok || got != c.want {
				t.Errorf("got %v\n%s\nwant\n%s", ok, got, c.want)
			}
		})
	}
}

func TestAValueThatCannotBeMaskedIsNotShown(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"nothing":            "",
		"text":               "ann@example.com",
		"half an object":     `{"email":"ann@example.com"`,
		"two values":         `{} "ann@example.com"`,
		"Avro":               "\x00\x00\x00\x00\x01\x08paid",
		"only brackets":      strings.Repeat("[", 21) + strings.Repeat("]", 21),
		"more than a screen": `["` + strings.Repeat("a", 64<<10) + `"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := desk.MaskedValue([]byte(value)); ok || got != "" {
				t.Errorf("got %q, want nothing", got)
			}
		})
	}
}

func FuzzAMaskedValueHidesEachText(f *testing.F) {
	f.Add(`{"a":"%","b":["%",{"%":1}]}`)
	f.Fuzz(func(t *testing.T, form string) {
		const canary = "canary@example.com"
		if got, _ := desk.MaskedValue([]byte(strings.ReplaceAll(form, "%", canary)), "paid"); strings.Contains(got, canary) {
			t.Errorf("got\n%s\nwant it hidden", got)
		}
	})
}

func TestOnlyNamesThatAProgrammerGaveAreShown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 64)
	for name, want := range map[string]bool{
		"#text": true, "a-b.c:d_1": true, "_": true, long: true, "$" + long: true, "n1234": true, "n1234x5678": true,
		"": false, "@": false, "@@type": false, "1st": false, "-": false, "a b": false, "a\n": false, long + "n": false,
		"n12345": false, "ann@example": false, "e\u0301": false,
	} {
		text, ok := desk.MaskedValue([]byte("{" + strconv.Quote(name) + ":1}"))
		if shown := strings.Contains(text, strconv.Quote(name)); !ok || shown != want {
			t.Errorf("got %q, %v, want the name %q shown: %v", text, ok, name, want)
		}
	}
}
