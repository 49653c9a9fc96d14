package schema_test

import (
	"errors"
	"fmt"

	"leadhit-sync/consumer/mapping/schema"
)

func Example() {
	order, err := schema.Avro(`{"type": "record", "name": "Order", "fields": [
		{"name": "id", "type": "long"},
		{"name": "status", "type": ["null", {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}]}
	]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	value := []byte{0, 0, 0, 0, 41, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 2, 2}
	id, payload, _ := schema.Frame(value)
	json, err := order.JSON(payload)
	fmt.Println(id, string(json), err)

	_, err = order.JSON(payload[:8])
	fmt.Println(errors.Is(err, schema.ErrNotDecodable), err)
	// Output:
	// 41 {"id":9007199254740993,"status":"PAID"} <nil>
	// true schema: not decodable: avro: at byte 8: not a whole number
}
