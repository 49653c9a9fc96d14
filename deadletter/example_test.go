package deadletter_test

import (
	"fmt"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// A letter travels as a record and comes back with its event as it was.
func ExampleParse() {
	record := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: 3, Offset: 118273},
			Key:   []byte("4711"), Value: []byte(`{"order_id":"4711","status":"lost"}`),
		},
		Item: deadletter.NoItem, OrderID: "4711", Status: "lost",
		Stage: deadletter.StageCall, Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
	}.Encode()

	letter, err := deadletter.Parse(record)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(letter.ID(), letter.Cause, letter.Message)
	fmt.Printf("%s\n", letter.Value)
	// Output:
	// orders/3/118273 ValidationError Possible statuses: paid, submitted
	// {"order_id":"4711","status":"lost"}
}

// The newest letters that match a filter.
func ExampleList() {
	records := func(yield func(event.Record, error) bool) {
		letter := deadletter.Letter{
			Record: event.Record{Place: event.Place{Topic: "orders", Offset: 17}},
			Item:   deadletter.NoItem, OrderID: "4711", Status: "lost", Stage: deadletter.StageCall,
			Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
			FailedAt: time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC),
		}
		yield(letter.Encode(), nil)
	}
	found, err := deadletter.List(records, deadletter.Filter{Cause: "ValidationError", Limit: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range found.Letters {
		fmt.Println(l.ID(), l.OrderID, l.Status, l.Cause)
	}
	// Output: orders/0/17 4711 lost ValidationError
}
