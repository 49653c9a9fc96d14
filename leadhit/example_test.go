package leadhit_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
)

func ExampleClient_SetOrderStatus() {
	server := httptest.NewServer(sandbox.New(sandbox.Options{Key: "secret"}))
	defer server.Close()

	client, err := leadhit.Open(leadhit.Options{URL: server.URL, Key: leadhit.FixedKey("secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, status := range []string{"paid", "eaten"} {
		err := client.SetOrderStatus(context.Background(), leadhit.Call{
			ID: "orders-3-42", OrderID: "A-100500", Status: status,
		})
		verdict := leadhit.Judge{}.Judge(err)
		fmt.Printf("%v: %q\n", verdict.Kind, verdict.Message)
	}
	// Output:
	// done: ""
	// dead_letter: "Possible statuses: paid, submitted"
}

func ExampleKey() {
	fmt.Println(leadhit.FixedKey("secret"))
	// Output: ***
}
