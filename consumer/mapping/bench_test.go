package mapping_test

import (
	"encoding/json"
	"testing"

	"leadhit-sync/consumer/mapping"
)

// event is a shop's order event of some 300 bytes.
const event = `{"event_id":"0b9f6f4e-3e0f-4c60-9d0f-4b8f5f2a7f11","order_id":"A-2026-0004711","status":"paid",` +
	`"created_at":"2026-03-11T07:15:03.412Z","total":{"amount":"12900.00","currency":"RUB"},` +
	`"items":[{"sku":"B-77","qty":1},{"sku":"C-12","qty":3}],"customer":{"id":99012,"city":"Казань"},"source":"web"}`

func BenchmarkDecode(b *testing.B) {
	m := load(b)
	r := mapping.Record{Topic: "orders", Value: []byte(event)}
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		if o := m.Decode(r); o[0].Action != mapping.Call {
			b.Fatalf("got %+v", o)
		}
	}
}

// BenchmarkEncodingJSON reads the same members by the standard library, which folds case and takes duplicates.
func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		var o struct {
			OrderID json.RawMessage `json:"order_id"`
			Status  string          `json:"status"`
		}
		if err := json.Unmarshal([]byte(event), &o); err != nil || o.Status != "paid" {
			b.Fatal(err, o)
		}
	}
}
