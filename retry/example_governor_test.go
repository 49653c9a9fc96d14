package retry_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"leadhit-sync/retry"
)

// An outage: after 20 failures only a probe may go out, and its success opens the way to a few calls.
func ExampleGovernor() {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	g := retry.NewGovernor(retry.Settings{CallsInFlight: 64, Random: rand.New(rand.NewPCG(1, 2))})

	for order := range 20 {
		if g.MayCall(now) {
			pass := g.Start(now)
			g.Answered(now, fmt.Sprint("order ", order), pass, retry.Verdict{Kind: retry.Again, Cause: "Connect"})
		}
	}
	fmt.Printf("held by: %q, may call: %v\n", g.State(now).Held, g.MayCall(now))

	now = g.Next(now)
	probe := g.Start(now)
	fmt.Printf("probe: %v, another: %v\n", probe.Probe(), g.MayCall(now))

	g.Answered(now, "order 21", probe, retry.Verdict{Kind: retry.Done, Answered: true})
	fmt.Printf("held by: %q, limit: %d\n", g.State(now).Held, g.Limit())
	// Output:
	// held by: "outage", may call: false
	// probe: true, another: false
	// held by: "", limit: 5
}
