package mapping_test

import (
	"context"
	"fmt"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

func ExampleMapping_Decode() {
	m, err := mapping.Load(mapping.Options{Source: "plain", Topics: []string{"orders"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{
		`{"order_id": 9007199254740993, "status": "paid", "total": 1290.00}`,
		`{"order_id": 1001.0, "status": "paid"}`,
		`null`,
	} {
		items, err := m.Decode(context.Background(), event.Record{Place: event.Place{Topic: "orders"}, Value: []byte(value)})
		if err != nil {
			fmt.Println("a schema cannot be looked up now:", err)
			return
		}
		for _, o := range items {
			fmt.Printf("%v order %q status %q %s (%s)\n", o.Action, o.OrderID, o.Status, o.Cause, o.Message)
		}
	}
	// Output:
	// call order "9007199254740993" status "paid"  ()
	// refuse order "" status "paid" BadOrderID (order_id is the number 1001.0, not a string or an integer)
	// ignore order "" status ""  (JSON null, treated as a tombstone)
}

func ExampleMapping_Explain() {
	m, err := mapping.Load(mapping.Options{Source: "shopify"})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := m.Explain(context.Background(), event.Record{Value: []byte(
		`{"schema": null, "payload": {"id": 5501112223334, "name": "#1001", "financial_status": "paid", "cancelled_at": null, "test": false}}`,
	)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Mapping, e.Envelopes)
	for _, f := range e.Orders[0].Fields[:3] {
		if f.Value == nil {
			fmt.Printf("  %s: %s\n", f.Name, f.Problem)
			continue
		}
		fmt.Printf("  %s: %s from %s\n", f.Name, *f.Value, f.Source)
	}
	fmt.Println("decided by", e.Orders[0].DecidedBy)
	// Output:
	// shopify [Connect schema and payload]
	//   order_id: 5501112223334 from path $.id
	//   status: paid from path $.financial_status
	//   topic: topic is missing
	// decided by status.paid
}
