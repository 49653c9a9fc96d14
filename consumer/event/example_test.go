package event_test

import (
	"fmt"

	"leadhit-sync/consumer/event"
)

func ExamplePlace_ID() {
	record := event.Record{Place: event.Place{Topic: "orders", Partition: 3, Offset: 42}}
	fmt.Println(record.ID())
	// Output: orders/3/42
}
