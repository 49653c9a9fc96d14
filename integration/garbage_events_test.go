package integration_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// garbage returns events of the kinds that reach every topic sooner or later, each with its required outcome.
func garbage() map[string]audit.Event {
	called := func(value, order string) audit.Event {
		return audit.Event{Value: []byte(value), Want: audit.Called, Order: order, Status: "paid"}
	}
	unmappable := func(value, cause string) audit.Event {
		return audit.Event{Value: []byte(value), Want: audit.Unmappable, Cause: cause}
	}
	id := func(literal string) string { return fmt.Sprintf(`{"order_id":%s,"status":"paid"}`, literal) }
	events := map[string]audit.Event{
		"not JSON":                      unmappable("order 17 was paid", "NotJSON"),
		"JSON that breaks off":          unmappable(`{"order_id":"17","status":`, "NotJSON"),
		"text after the JSON":           unmappable(id(`"17"`)+" and more", "NotJSON"),
		"a BOM":                         called("\xef\xbb\xbf"+id(`"bom"`), "bom"),
		"duplicate keys":                unmappable(`{"order_id":"1","status":"paid","status":"submitted"}`, "DuplicateName"),
		"5 MiB":                         unmappable(`{"order_id":"1","status":"paid","note":"`+strings.Repeat("x", 5<<20)+`"}`, "TooLarge"),
		"3 MiB":                         called(`{"order_id":"large","status":"paid","note":"`+strings.Repeat("x", 3<<20)+`"}`, "large"),
		"an empty value":                {Value: []byte{}, Want: audit.Unmappable, Cause: "EmptyValue"},
		"a tombstone":                   {Value: nil, Want: audit.Untouched},
		"JSON null":                     {Value: []byte("null"), Want: audit.Untouched},
		"an id of 2^53+1":               called(id("9007199254740993"), "9007199254740993"),
		"an id of 1.0":                  unmappable(id("1.0"), "BadOrderID"),
		"an id of true":                 unmappable(id("true"), "BadOrderID"),
		"an id of null":                 unmappable(id("null"), "MissingOrderID"),
		"no id":                         unmappable(`{"status":"paid"}`, "MissingOrderID"),
		"no status":                     unmappable(`{"order_id":"1"}`, "MissingStatus"),
		"an id of 5000 bytes":           unmappable(id(`"`+strings.Repeat("7", 5000)+`"`), "BadOrderID"),
		"an id of broken UTF-8":         unmappable(id("\"a\xff\""), "BadOrderID"),
		"an id of a lone surrogate":     unmappable(id(`"a\ud800"`), "BadOrderID"),
		"broken UTF-8 elsewhere":        called("{\"order_id\":\"elsewhere\",\"status\":\"paid\",\"note\":\"\xff\"}", "elsewhere"),
		"an id with spaces and a hash":  called(id(`" #0017 "`), " #0017 "),
		"an id that tries to be HTML":   called(id(`"<script>alert(1)</script>"`), "<script>alert(1)</script>"),
		"an id with a newline and NUL":  called(id(`"a\n\u0000b"`), "a\n\x00b"),
		"objects 10000 deep":            unmappable(strings.Repeat(`{"a":`, 10000)+"1"+strings.Repeat("}", 10000), "TooDeep"),
		"a status that LeadHit refuses": {Value: []byte(`{"order_id":"s","status":"lost"}`), Want: audit.Refused, Order: "s", Status: "lost", Cause: "ValidationError"},
	}
	headers := called(id(`"headers"`), "headers")
	refused := unmappable("not JSON either", "NotJSON")
	for i := range 100 {
		h := kgo.RecordHeader{Key: fmt.Sprintf("header-%d", i%90), Value: bytes.Repeat([]byte{byte(i)}, i)} // some repeat
		headers.Headers, refused.Headers = append(headers.Headers, h), append(refused.Headers, h)
	}
	refused.Headers[7].Value = nil
	events["100 headers"], events["100 headers, refused"] = headers, refused
	return events
}

// testGarbage: whatever a topic contains, no partition stops.
func (s *suite) testGarbage(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("garbage", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 2, sandbox.Faults{})
		orders := shop.NewOrders("order", 20, 4)
		var events []audit.Event
		for name, event := range garbage() {
			event.Key = []byte(name)
			events = append(events, event)
			for range 10 { // events for other orders, which must not be affected
				events = append(events, orders.Next())
			}
		}
		r.write(t, append(events, audit.Event{Value: []byte("no key"), Want: audit.Unmappable, Cause: "NotJSON"}))
		w := r.newWorker(t)
		w.start(t)
		r.finish(t, 2*time.Minute)
		w.stop(t)
		if report := r.audit(t); report.Repeats != 0 {
			t.Errorf("got %d repeated calls, want none", report.Repeats)
		}
	})
}
