package mapping_test

import (
	"fmt"

	"leadhit-sync/consumer/mapping"
)

func ExampleMapping_Decode() {
	m, err := mapping.Load("plain", []string{"orders"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{
		`{"order_id": 9007199254740993, "status": "paid", "total": 1290.00}`,
		`{"order_id": 1001.0, "status": "paid"}`,
		`null`,
	} {
		for _, o := range m.Decode(mapping.Record{Topic: "orders", Value: []byte(value)}) {
			fmt.Printf("%v order %q status %q %s (%s)\n", o.Action, o.OrderID, o.Status, o.Cause, o.Message)
		}
	}
	// Output:
	// call order "9007199254740993" status "paid"  ()
	// refuse order "" status "paid" BadOrderID (order_id is the number 1001.0, not a string or an integer)
	// ignore order "" status ""  (JSON null, as good as a tombstone)
}
