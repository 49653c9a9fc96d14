package deadletter_test

import (
	"fmt"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// A letter is stored as a record. Parse restores the letter with its event unchanged.
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
