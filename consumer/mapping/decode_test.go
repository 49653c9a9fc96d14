package mapping_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

func load(tb testing.TB) *mapping.Mapping {
	tb.Helper()
	return loadPreset(tb, "plain")
}

// decode returns the only item of a record, with By cleared.
func decode(tb testing.TB, m *mapping.Mapping, r event.Record) event.Item {
	tb.Helper()
	items, err := m.Decode(tb.Context(), r)
	if err != nil || len(items) != 1 {
		tb.Fatalf("got %d items, error %v, want 1", len(items), err)
	}
	items[0].By = ""
	return items[0]
}

func value(text string) event.Record {
	return event.Record{Place: event.Place{Topic: "orders"}, Value: []byte(text)}
}

func TestAnOrderIDReachesLeadHitAsItWasWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("7", 200)
	limit := strings.Repeat("x", 512)
	for _, c := range []struct{ name, literal, want string }{
		{"a string", `"A-1001"`, "A-1001"},
		{"an integer", `1001`, "1001"},
		{"an integer above 2^53", `9007199254740993`, "9007199254740993"},
		{"an integer above 2^64", `18446744073709551616`, "18446744073709551616"},
		{"an integer of 200 digits", long, long},
		{"zero", `0`, "0"},
		{"a string of digits above 2^53", `"9007199254740993"`, "9007199254740993"},
		{"leading zeros", `"000123"`, "000123"},
		{"a number sign", `"#1001"`, "#1001"},
		{"Cyrillic with spaces and a slash", `"ИМ-2026/№ 395"`, "ИМ-2026/№ 395"},
		{"Cyrillic in escapes", `"\u0418\u041c-1"`, "ИМ-1"},
		{"spaces at both ends", `"  17 "`, "  17 "},
		{"a digit string that looks like a float", `"1e3"`, "1e3"},
		{"200 characters", `"` + long + `"`, long},
		{"512 bytes, the most there may be", `"` + limit + `"`, limit},
		{"512 bytes in escapes", `"` + strings.Repeat(`\u0078`, 512) + `"`, limit},
		{"a pair of surrogates", `"\ud83d\ude00"`, "😀"},
		{"a replacement character of the sender's own", `"a\ufffd"`, "a\ufffd"},
		{"control characters", `"a\u0000\nb"`, "a\x00\nb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, load(t), value(`{"status":"paid","order_id":`+c.literal+`}`))
			want := event.Item{OrderID: c.want, Status: "paid", Action: event.Call}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAStatusIsPassedOnUnchanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, literal, want string }{
		{"paid", `"paid"`, "paid"},
		{"an unknown status", `"Оплачен "`, "Оплачен "},
		{"a number as written", `1.50`, "1.50"},
		{"a bool", `true`, "true"},
		{"escapes", `"p\u0061id"`, "paid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, load(t), value(`{"order_id":1,"status":`+c.literal+`}`))
			want := event.Item{OrderID: "1", Status: c.want, Action: event.Call}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestEnvelopesAreOpened(t *testing.T) {
	t.Parallel()
	const plain = `{"order_id":"A","status":"paid"}`
	deep := strings.Repeat("[", 511) + strings.Repeat("]", 511)
	for _, c := range []struct{ name, value string }{
		{"plain JSON", plain},
		{"white space around it", " \r\n\t" + plain + "\n"},
		{"a byte order mark", "\ufeff" + plain},
		{"JSON in a string", strconv.Quote(plain)},
		{"Confluent framing", "\x00\x00\x00\x00\x29" + plain},
		{"Confluent framing, byte order mark, JSON in a string", "\x00\x00\x00\x00\x29\ufeff" + strconv.Quote(plain)},
		{"other members, nested", `{"a":{"order_id":7,"status":[]},"order_id":"A","b":[{"c":null}],"status":"paid"}`},
		{"names that differ only in case", `{"Order_ID":7,"order_id":"A","STATUS":"new","status":"paid"}`},
		{"a name in escapes", `{"order\u005fid":"A","\u0073tatus":"paid"}`},
		{"broken UTF-8 elsewhere", "{\"note\":\"\xff\xfe\",\"order_id\":\"A\",\"status\":\"paid\"}"},
		{"a lone surrogate elsewhere", `{"note":"\ud800","order_id":"A","status":"paid"}`},
		{"a lone surrogate elsewhere, in a string", strconv.Quote(`{"note":"\ud800","order_id":"A","status":"paid"}`)},
		{"broken UTF-8 elsewhere, in a string", "\"{\\\"note\\\":\\\"\xff\\\",\\\"order_id\\\":\\\"A\\\",\\\"status\\\":\\\"paid\\\"}\""},
		{"the greatest depth", `{"a":` + deep + `,"order_id":"A","status":"paid"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, load(t), value(c.value))
			want := event.Item{OrderID: "A", Status: "paid", Action: event.Call}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAnUndecidableEventIsRefusedWithItsCause(t *testing.T) {
	t.Parallel()
	id := func(literal string) string { return `{"status":"paid","order_id":` + literal + `}` }
	status := func(literal string) string { return `{"order_id":"A","status":` + literal + `}` }
	tooDeep := strings.Repeat("[", 512) + strings.Repeat("]", 512)
	for _, c := range []struct{ name, value, cause, message string }{
		{"a float", id(`1001.0`), "BadOrderID", "order_id is the number 1001.0, not a string or an integer"},
		{"an exponent", id(`1e3`), "BadOrderID", "order_id is the number 1e3, not a string or an integer"},
		{"a long float", id(strings.Repeat("1", 60) + ".5"), "BadOrderID", "order_id is the number " + strings.Repeat("1", 37) + "…, not a string or an integer"},
		{"a bool", id(`true`), "BadOrderID", "order_id is a bool, not a string or an integer"},
		{"an object", id(`{"id":1}`), "BadOrderID", "order_id is an object, not a string or an integer"},
		{"an array", id(`[1]`), "BadOrderID", "order_id is an array, not a string or an integer"},
		{"an empty id", id(`""`), "BadOrderID", "order_id is an empty string"},
		{"an id of 513 bytes", id(`"` + strings.Repeat("x", 513) + `"`), "BadOrderID", "order_id is a string of 513 bytes, more than 512"},
		{"an id of 513 bytes in escapes", id(`"` + strings.Repeat(`\u0078`, 513) + `"`), "BadOrderID", "order_id is a string of more than 512 bytes"},
		{"an id of 513 digits", id(strings.Repeat("7", 513)), "BadOrderID", "order_id is an integer of 513 bytes, more than 512"},
		{"an id of broken UTF-8", id("\"a\xff\""), "BadOrderID", "order_id is a string that is not valid UTF-8"},
		{"an id of broken UTF-8 and an escape", id("\"\\n\xff\""), "BadOrderID", "order_id is a string that is not valid UTF-8"},
		{"an id with a lone surrogate", id(`"a\ud800"`), "BadOrderID", "order_id is a string that is not valid UTF-8"},
		{"an id with half a pair", id(`"a\udc00b"`), "BadOrderID", "order_id is a string that is not valid UTF-8"},
		{"an id broken in a string", "\"{\\\"status\\\":\\\"paid\\\",\\\"order_id\\\":\\\"a\xff\\\"}\"", "BadOrderID", "order_id is a string that is not valid UTF-8"},
		{"a null id", id(`null`), "MissingOrderID", "order_id is null"},
		{"no id", `{"status":"paid"}`, "MissingOrderID", "order_id is missing: no path $.order_id"},
		{"an id whose name differs in case", `{"status":"paid","Order_Id":"A"}`, "MissingOrderID", "order_id is missing: no path $.order_id"},
		{"no status", `{"order_id":"A"}`, "MissingStatus", "status is missing: no path $.status"},
		{"neither", `{}`, "MissingStatus", "status is missing: no path $.status"},
		{"a null status", status(`null`), "MissingStatus", "status is null"},
		{"an empty status", status(`""`), "MissingStatus", "status is an empty string"},
		{"an object for a status", status(`{}`), "FieldError", "status is an object, not a string, number or bool"},
		{"an array for a status", status(`["paid"]`), "FieldError", "status is an array, not a string, number or bool"},
		{"a status of 513 bytes", status(`"` + strings.Repeat("x", 513) + `"`), "FieldError", "status is a string of 513 bytes, more than 512"},
		{"a status of 513 digits", status(strings.Repeat("7", 513)), "FieldError", "status is a number of 513 bytes, more than 512"},
		{"a status of broken UTF-8", status("\"\xff\""), "FieldError", "status is a string that is not valid UTF-8"},
		{"an array", `[{"order_id":"A","status":"paid"}]`, "MissingStatus", "status is missing: no path $.status; the event is a list: each: $[*] reads its items"},
		{"a number", `17`, "MissingStatus", "status is missing: no path $.status"},
		{"a bool", `false`, "MissingStatus", "status is missing: no path $.status"},
		{"an array in a string", `"[1]"`, "MissingStatus", "status is missing: no path $.status; the event is a list: each: $[*] reads its items"},
		{"a string in a string", `"\"{}\""`, "MissingStatus", "status is missing: no path $.status; the event is a JSON string without an object: let the producer write the object itself"},
		{"a string that holds no document", `"paid"`, "MissingStatus", "status is missing: no path $.status; the event is a JSON string without an object: let the producer write the object itself"},
		{"a string that holds a document cut off", `"{\"order_id\""`, "NotJSON", "the JSON in a string: the JSON document breaks off after 11 bytes"},
		{"text", `order 17 is paid`, "NotJSON", "not JSON at byte 0 of 16"},
		{"a document cut off", `{"order_id":"A","status":"pa`, "NotJSON", "the JSON document breaks off after 28 bytes"},
		{"white space", " \n", "NotJSON", "the value holds nothing but white space"},
		{"only a byte order mark", "\ufeff", "NotJSON", "the value holds nothing but white space"},
		{"text after it", `{"order_id":"A","status":"paid"} x`, "NotJSON", "text after the JSON document, from byte 32 of 34"},
		{"a second document", `{"order_id":"A","status":"paid"}{}`, "NotJSON", "text after the JSON document, from byte 32 of 34"},
		{"an extra comma", `{"order_id":"A","status":"paid",}`, "NotJSON", "not JSON at byte 31 of 33"},
		{"a leading zero", id(`0123`), "NotJSON", "not JSON at byte 29 of 33"},
		{"a duplicate name", `{"order_id":"A","status":"new","status":"paid"}`, "DuplicateName", "the name status is used twice in one object, again at byte 31 of 47"},
		{"a duplicate name deep inside", `{"order_id":"A","status":"paid","a":[{"b":1,"b":2}]}`, "DuplicateName", "the name b is used twice in one object, again at byte 44 of 52"},
		{"a duplicate in escapes", `{"order_id":"A","status":"paid","order\u005fid":"B"}`, "DuplicateName", "the name order_id is used twice in one object, again at byte 32 of 52"},
		{"a duplicate that is an address", `{"a@b.ru":1,"a@b.ru":2}`, "DuplicateName", "a name is used twice in one object, again at byte 12 of 23"},
		{"a duplicate that is a telephone number", `{"79991234567":1,"79991234567":2}`, "DuplicateName", "a name is used twice in one object, again at byte 17 of 33"},
		{"one level too deep", `{"a":` + tooDeep + `,"order_id":"A","status":"paid"}`, "TooDeep", "more than 512 objects and arrays within one another"},
		{"far too deep", strings.Repeat("[", 1<<20), "TooDeep", "more than 512 objects and arrays within one another"},
		{"more than 4 MiB", strings.Repeat(" ", 4<<20) + "1", "TooLarge", "the value has 4194305 bytes, more than 4194304"},
		{"a zero-length value", "", "EmptyValue", "the value is empty, which is neither a tombstone nor JSON"},
		{"framed bytes that are not JSON", "\x00\x00\x00\x00\x29\x02\x04", "UnsupportedEncoding", "the value is framed for a schema registry (schema 41), but its payload is not JSON; set decode: avro or decode: protobuf, to match the schema"},
		{"a frame around nothing", "\x00\x00\x00\x00\x29", "UnsupportedEncoding", "the value is framed for a schema registry (schema 41), but its payload is not JSON; set decode: avro or decode: protobuf, to match the schema"},
		{"less than a frame", "\x00\x00", "NotJSON", "not JSON at byte 0 of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := decode(t, load(t), event.Record{Value: append([]byte{}, c.value...)})
			if got.Action != event.Refuse || got.Cause != c.cause || got.Message != c.message {
				t.Errorf("got %v %s: %q, want refuse %s: %q", got.Action, got.Cause, got.Message, c.cause, c.message)
			}
			if len(got.Message) > 256 {
				t.Errorf("got a message of %d bytes, want at most 256", len(got.Message))
			}
		})
	}
}

func TestARefusalCarriesTheReadableFields(t *testing.T) {
	t.Parallel()
	m := load(t)
	if got := decode(t, m, value(`{"order_id":"A","status":{}}`)); got.OrderID != "A" || got.Status != "" {
		t.Errorf("got order %q, status %q, want order A alone", got.OrderID, got.Status)
	}
	if got := decode(t, m, value(`{"order_id":1.5,"status":"paid"}`)); got.OrderID != "" || got.Status != "paid" {
		t.Errorf("got order %q, status %q, want status paid alone", got.OrderID, got.Status)
	}
}

func TestTombstonesAreIgnoredUnlessTheyAreCloudEvents(t *testing.T) {
	t.Parallel()
	ce := []event.Header{{Key: "ce_id"}, {Key: "CE_Source"}, {Key: "ce_type"}, {Key: "ce_specversion"}}
	ignore := event.Item{Action: event.Ignore, Message: "a tombstone"}
	for _, c := range []struct {
		name   string
		record event.Record
		want   event.Item
	}{
		{"a null value", event.Record{}, ignore},
		{"a null value without ce_specversion", event.Record{Headers: ce[:3]}, ignore},
		{"a null value without ce_id", event.Record{Headers: ce[1:]}, ignore},
		{"a null value without ce_source", event.Record{Headers: append(ce[:1:1], ce[2:]...)}, ignore},
		{"a null value without ce_type", event.Record{Headers: append(ce[:2:2], ce[3])}, ignore},
		{"a null value with all four", event.Record{Headers: ce}, event.Item{Cause: "MissingStatus", Message: "status is missing: no path $.status"}},
		{"JSON null", value(" null "), event.Item{Action: event.Ignore, Message: "JSON null, treated as a tombstone"}},
		{"JSON null in a string", value(`"null"`), event.Item{Action: event.Ignore, Message: "JSON null, treated as a tombstone"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := decode(t, load(t), c.record); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestASchemaNamedByAHeaderIsNotJSON(t *testing.T) {
	t.Parallel()
	r := event.Record{Value: []byte("\x02\x04"), Headers: []event.Header{{Key: "__value_schema_id", Value: []byte{1}}}}
	if got := decode(t, load(t), r); got.Cause != "UnsupportedEncoding" {
		t.Errorf("got cause %q, want UnsupportedEncoding", got.Cause)
	}
}

func TestItemsOutliveTheRecordsBytes(t *testing.T) {
	t.Parallel()
	r := value(`{"order_id":"A-1001","status":"in transit"}`)
	got := decode(t, load(t), r)
	clear(r.Value)
	if got.OrderID != "A-1001" || got.Status != "in transit" {
		t.Errorf("got %q, %q after the record's bytes were reused", got.OrderID, got.Status)
	}
}

func TestAMappingIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := load(t)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 500 {
				id := strconv.Itoa(worker*1000 + i)
				if i%7 == 0 {
					decode(t, m, value(`{"order_id":"`+id))
				}
				if got := decode(t, m, value(`{"order_id":"\u0023`+id+`","status":"paid"}`)); got.OrderID != "#"+id {
					t.Errorf("got order %q, want %q", got.OrderID, "#"+id)
				}
			}
		})
	}
	group.Wait()
}
