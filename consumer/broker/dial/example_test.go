package dial_test

import (
	"errors"
	"fmt"

	"leadhit-sync/consumer/broker/dial"
)

// Mistakes in the options are reported before any connection is opened, each with the option's name.
func ExampleNew() {
	_, err := dial.New(dial.Options{Brokers: []string{"kafka-1:9092", "kafka-2"}})
	if mistake, ok := errors.AsType[*dial.OptionError](err); ok {
		fmt.Printf("%s: %v\n", mistake.Option, mistake)
	}

	// Output:
	// brokers: broker "kafka-2": address kafka-2: missing port in address
}
