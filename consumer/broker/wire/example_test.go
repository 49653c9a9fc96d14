package wire_test

import (
	"fmt"

	"leadhit-sync/consumer/broker/wire"
)

func Example() {
	c := wire.Cursor{B: []byte("\x00\x00\x00\x02\x00\x06orders")}
	fmt.Println(c.Int32(), string(c.Take(int(c.Int16()))), c.Bad)
	fmt.Println(c.Int64(), c.Bad) // nothing is left
	// Output:
	// 2 orders false
	// 0 true
}
