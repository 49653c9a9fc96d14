package sandbox_test

import (
	"fmt"
	"net/http/httptest"

	"leadhit-sync/leadhit/sandbox"
)

func ExampleAudit() {
	node := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(node) // what the worker is told to call
	defer server.Close()

	tell(node, "orders-0-1", "A-1", "submitted")
	tell(node, "orders-0-2", "A-1", "paid")
	tell(node, "orders-0-1", "A-1", "submitted") // the order's status goes back

	report := sandbox.Audit(node.Calls(), map[string][]sandbox.Event{
		"A-1": {{ID: "orders-0-1", Status: "submitted"}, {ID: "orders-0-2", Status: "paid"}},
	})
	fmt.Println(report.Executed, report.Repeated)
	fmt.Println(report.Err())
	// Output:
	// 2 1
	// 1 backward, the first: call 3: orders-0-1 of order A-1 (submitted), after its event 1
}
