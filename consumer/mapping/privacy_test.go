package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
)

// A message becomes a header that every Kafka tool shows, so the payload must not leak into it, whatever is wrong.
func TestMessagesNeverQuoteThePayload(t *testing.T) {
	t.Parallel()
	const secret = "ivan@mail.ru"
	for _, c := range []struct{ name, value string }{
		{"text", secret},
		{"a string", `"` + secret + `"`},
		{"a broken string in a string", `"{\"mail\":\"` + secret + `"`},
		{"a document cut off", `{"mail":"` + secret},
		{"text after it", `{"order_id":"A","status":"paid"}` + secret},
		{"a duplicate name", `{"` + secret + `":1,"` + secret + `":2}`},
		{"a duplicate name deep inside", `{"a":{"` + secret + `":{"b":1,"b":2}}}`},
		{"a bad escape", `{"mail":"` + secret + `\q"}`},
		{"a status of the wrong kind", `{"order_id":"A","status":{"mail":"` + secret + `"}}`},
		{"a status too long", `{"order_id":"A","status":"` + strings.Repeat(secret, 50) + `"}`},
		{"an id of the wrong kind", `{"order_id":["` + secret + `"],"status":"paid"}`},
		{"an id too long", `{"order_id":"` + strings.Repeat(secret, 50) + `","status":"paid"}`},
		{"framed bytes", "\x00\x00\x00\x00\x01" + secret},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, load(t), value(c.value))
			if got.Action != event.Refuse {
				t.Fatalf("got %v, want refuse", got.Action)
			}
			for _, part := range []string{"ivan", "mail.ru"} {
				if strings.Contains(got.Message, part) {
					t.Errorf("got %q, which quotes the payload", got.Message)
				}
			}
		})
	}
}

func TestADuplicateIsFoundAmongThousandsOfNames(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	doc.WriteString(`{"order_id":"A","status":"paid"`)
	for i := range 5000 {
		fmt.Fprintf(&doc, `,"n%d":%d`, i, i)
	}
	m := load(t)
	if got := decode(t, m, value(doc.String()+`}`)); got.Action != event.Call {
		t.Errorf("got %+v, want a call", got)
	}
	if got := decode(t, m, value(doc.String()+`,"n17":0}`)); got.Cause != "DuplicateName" || !strings.Contains(got.Message, "n17") {
		t.Errorf("got %+v, want DuplicateName of n17", got)
	}
	// The decoder is reused, and the names in one record must not count in the next.
	if got := decode(t, m, value(`{"n17":1,"order_id":"A","status":"paid"}`)); got.Action != event.Call {
		t.Errorf("got %+v, want a call", got)
	}
}
