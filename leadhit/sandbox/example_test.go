package sandbox_test

import (
	"fmt"
	"net/http/httptest"

	"leadhit-sync/leadhit/sandbox"
)

func ExampleSandbox() {
	node := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(node) // its URL is for LEADHIT_URL
	defer server.Close()

	send(node, "orders-0-1", "A-1", "submitted")
	node.Change(func(f *sandbox.Faults) { f.Status = 503 })
	send(node, "orders-0-2", "A-1", "paid")

	for _, call := range node.Calls() {
		fmt.Println(call.ID, call.Answer, call.Executed)
	}
	// Output:
	// orders-0-1 accepted true
	// orders-0-2 failed false
}
