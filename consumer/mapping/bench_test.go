package mapping_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
)

// shopifyOrder returns a Shopify order of 2.7 KB as the platform sends it, without white space. It has about 80
// members, of which the mapping reads only a few.
func shopifyOrder(tb testing.TB) event.Record {
	tb.Helper()
	value, err := os.ReadFile("testdata/order-events/payloads/shopify-orders-paid.json")
	if err != nil {
		tb.Fatal(err)
	}
	var order bytes.Buffer
	if err := json.Compact(&order, value); err != nil {
		tb.Fatal(err)
	}
	const item = `,{"id":1071823173,"fulfillable_quantity":1,"grams":200,"name":"IPod Nano - 8gb","price":"199.00","product_id":632910392,"quantity":1,` +
		`"requires_shipping":true,"sku":"IPOD2008BLACK","taxable":true,"title":"IPod Nano","total_discount":"0.00","variant_id":39072856,` +
		`"variant_inventory_management":"shopify","variant_title":"black","vendor":null,"tax_lines":[{"price":"3.98","rate":0.06,"title":"State Tax"}]}`
	padded := bytes.TrimSuffix(order.Bytes(), []byte("}"))
	padded = append(padded, `,"more_items":[{"id":1}`...)
	for len(padded) < 2700 {
		padded = append(padded, item...)
	}
	return event.Record{
		Place: event.Place{Topic: "orders"}, Value: append(padded, "]}"...), Headers: []event.Header{{Key: "X-Shopify-Topic", Value: []byte("orders/paid")}},
	}
}

// BenchmarkDecode decodes a Shopify order and applies the rules. In the same run it measures the standard library,
// which only reads the same bytes into maps. It reports how many times faster Decode is.
func BenchmarkDecode(b *testing.B) {
	m := loadPreset(b, "shopify")
	r := shopifyOrder(b)
	b.SetBytes(int64(len(r.Value)))
	b.ReportAllocs()
	for b.Loop() {
		if o, err := m.Decode(b.Context(), r); err != nil || o[0].Action != event.Call {
			b.Fatalf("got %+v, %v", o, err)
		}
	}
	ours := b.Elapsed() / time.Duration(b.N)
	const rounds = 2000
	begin := time.Now()
	for range rounds {
		intoMaps(b, r.Value)
	}
	theirs := time.Since(begin) / rounds
	b.ReportMetric(float64(theirs)/float64(ours), "times-faster")
}

// BenchmarkEncodingJSON reads the same order with the standard library into maps, without any rules.
func BenchmarkEncodingJSON(b *testing.B) {
	r := shopifyOrder(b)
	b.SetBytes(int64(len(r.Value)))
	b.ReportAllocs()
	for b.Loop() {
		intoMaps(b, r.Value)
	}
}

func intoMaps(b *testing.B, value []byte) {
	b.Helper()
	var order map[string]any
	if err := json.Unmarshal(value, &order); err != nil || order["financial_status"] != "paid" {
		b.Fatalf("got %v, %v", order, err)
	}
}
