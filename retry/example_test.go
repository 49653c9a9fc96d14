package retry_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"leadhit-sync/retry"
)

// In an outage only probes may start. When a probe succeeds, a few calls may start.
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
	limit, _, _ := g.Limits(now)
	fmt.Printf("only probes because of: %q, limit: %d\n", reason, limit)
	// Output:
	// only probes because of: "outage", may call: false
	// probe: true, another: false
	// only probes because of: "", limit: 5
}

// An order fails every ten minutes while other orders succeed. The worker gives up when the order's own waits and calls
// have taken a minute.
func ExampleBackoff() {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	random := rand.New(rand.NewPCG(1, 2))
	g := retry.NewGovernor(64, 0, random)
	call := func(order string, v retry.Verdict) { g.Answered(now, order, g.Start(now), v) }

	policy := retry.Policy{Initial: 500 * time.Millisecond, Max: time.Second, MaxElapsed: time.Minute, Random: random}
	const took = 30 * time.Second
	b := policy.Backoff()
	for attempt := 1; ; attempt++ {
		call("good", retry.Verdict{Kind: retry.Done, Answered: true})
		call("bad", retry.Verdict{Kind: retry.Again, Cause: "HTTP 500", Code: 500})
		if b.Exhausted(now, took, g) {
			fmt.Println("given up after attempt", attempt)
			return
		}
		fmt.Println("attempt", attempt, "failed; it waits at most 1s:", b.Next() <= time.Second)
		now = now.Add(10 * time.Minute) // only the order's own wait and call count
	}
	// Output:
	// attempt 1 failed; it waits at most 1s: true
	// attempt 2 failed; it waits at most 1s: true
	// given up after attempt 3
}
