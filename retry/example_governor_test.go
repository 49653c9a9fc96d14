package retry_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"leadhit-sync/retry"
)

// In an outage only probes may start. The success of one lets a few calls start.
func ExampleGovernor() {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	g := retry.NewGovernor(64, 0, rand.New(rand.NewPCG(1, 2)))

	for order := range 20 {
		if g.MayCall(now) {
			pass := g.Start(now)
			g.Answered(now, fmt.Sprint("order ", order), pass, retry.Verdict{Kind: retry.Again, Cause: "Connect"})
		}
	}
	reason, _ := g.Probing()
	fmt.Printf("only probes because of: %q, may call: %v\n", reason, g.MayCall(now))

	now = g.Next(now)
	probe := g.Start(now)
	fmt.Printf("probe: %v, another: %v\n", probe.Probe, g.MayCall(now))

	g.Answered(now, "order 21", probe, retry.Verdict{Kind: retry.Done, Answered: true})
	reason, _ = g.Probing()
	fmt.Printf("only probes because of: %q, limit: %d\n", reason, g.State(now).Limit)
	// Output:
	// only probes because of: "outage", may call: false
	// probe: true, another: false
	// only probes because of: "", limit: 5
}
