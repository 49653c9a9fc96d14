package ledger_test

import (
	"fmt"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// A mapping breaks every order. The guard pauses the group, until an operator resumes and so accepts letters like
// these.
func ExampleGuard() {
	now := time.Date(2026, 11, 22, 10, 2, 11, 0, time.UTC)
	guard := ledger.Guard{Worker: "shop-1/4242", Build: "1.9.0/9f2c41d07ab3"}
	for order := range 100 {
		guard.Refused(now, fmt.Sprint("order ", order), "v1:9f2c41d07ab3")
	}
	pause, paused := guard.Pause()
	fmt.Println(paused, pause.Kind(), pause.Reason)

	announced, _ := guard.Announcement() // the worker appends it to the ledger, and reads it back
	guard.Follow(announced)
	guard.Follow(ledger.Entry{Event: ledger.GuardResume, At: now.Add(time.Hour), By: "alice"})
	for order := range 100 {
		guard.Refused(now, fmt.Sprint("order ", order), "v1:9f2c41d07ab3")
	}
	_, paused = guard.Pause()
	fmt.Println(paused)
	// Output:
	// true flood 100 of the last 200 outcomes were dead letters, of 100 orders
	// false
}
