package terminal_test

import (
	"os"

	"leadhit-sync/cmd/terminal"
)

func ExamplePage() {
	var p terminal.Page
	p.Line("3 events, nothing was called")
	p.Row("CALL", "TIMES", "EXAMPLE")
	p.Row("paid", "2", "orders/0/17")
	p.Row("submitted", "1", "orders/3/4")
	if err := p.Print(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// 3 events, nothing was called
	// CALL       TIMES  EXAMPLE
	// paid       2      orders/0/17
	// submitted  1      orders/3/4
}
