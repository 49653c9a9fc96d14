package tree_test

import (
	"fmt"

	"leadhit-sync/consumer/mapping/tree"
)

func ExampleScanner_Scan() {
	var plan tree.Plan
	path, err := tree.ParsePath("$.history[-1].status")
	if err != nil {
		fmt.Println(err)
		return
	}
	status := plan.Add(path)
	var s tree.Scanner
	if err := s.Scan(&plan, []byte(`{"id": 9007199254740993, "history": [{"status": "new"}, {"status": "paid"}]}`)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", s.At(status))
	// Output:
	// "paid"
}
