package mapping_test

import (
	"encoding/json"
	"os"
	"testing"

	"leadhit-sync/consumer/mapping"
)

// shopifyOrder is a Shopify order as the platform sends it: 2.7 KB, some 40 members, few of them asked for.
func shopifyOrder(tb testing.TB) mapping.Record {
	tb.Helper()
	value, err := os.ReadFile("testdata/order-events/payloads/shopify-orders-paid.json")
	if err != nil {
		tb.Fatal(err)
	}
	return mapping.Record{
		Topic: "orders", Value: value, Headers: []mapping.Header{{Key: "X-Shopify-Topic", Value: []byte("orders/paid")}},
	}
}

// BenchmarkShopifyOrder compares the decoding and ruling of an order with no more than the standard library's reading
// of the same bytes into maps.
func BenchmarkShopifyOrder(b *testing.B) {
	m := loadPreset(b, "shopify")
	r := shopifyOrder(b)
	b.Run("mapping", func(b *testing.B) {
		b.SetBytes(int64(len(r.Value)))
		b.ReportAllocs()
		for b.Loop() {
			if o, err := m.Decode(b.Context(), r); err != nil || o[0].Action != mapping.Call {
				b.Fatalf("got %+v, %v", o, err)
			}
		}
	})
	b.Run("encoding-json-maps", func(b *testing.B) {
		b.SetBytes(int64(len(r.Value)))
		b.ReportAllocs()
		for b.Loop() {
			intoMaps(b, r.Value)
		}
	})
}

func intoMaps(b *testing.B, value []byte) {
	b.Helper()
	var order map[string]any
	if err := json.Unmarshal(value, &order); err != nil || order["financial_status"] != "paid" {
		b.Fatalf("got %v, %v", order, err)
	}
}
