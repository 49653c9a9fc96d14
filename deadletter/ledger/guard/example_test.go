package guard_test

import (
	"fmt"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/guard"
)

// A wrong mapping turns every event into a letter. The guard pauses the group. An operator resumes it, which accepts
// further letters like these.
func ExampleGuard() {
	now := time.Date(2026, 11, 22, 10, 2, 11, 0, time.UTC)
	g := guard.Guard{Worker: "shop-1/4242", Build: "1.9.0/9f2c41d07ab3"}
	for order := range 100 {
		g.Refused(now, fmt.Sprint("order ", order), "v1:9f2c41d07ab3")
	}
	pause, paused := g.Pause()
	fmt.Println(paused, pause.Kind(), pause.Reason)

	announced, _ := g.Announcement() // the worker appends it to the ledger, and reads it back
	g.Follow(announced)
	g.Follow(ledger.Entry{Event: ledger.GuardResume, At: now.Add(time.Hour), By: "alice"})
	for order := range 100 {
		g.Refused(now, fmt.Sprint("order ", order), "v1:9f2c41d07ab3")
	}
	_, paused = g.Pause()
	fmt.Println(paused)
	// Output:
	// true flood 100 of the last 200 items were dead letters, of 100 orders
	// false
}
