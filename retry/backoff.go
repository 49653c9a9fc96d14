package retry

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Policy spaces the attempts of a status change that may still succeed.
type Policy struct {
	// Initial and Max bound the ceiling of a wait. The ceiling starts at Initial and doubles with each attempt, up to Max.
	Initial, Max time.Duration
	// MaxElapsed is how long one order may fail while others succeed; 0 means forever.
	MaxElapsed time.Duration
	// Random is the source of jitter. It is not safe for concurrent use, so only the goroutine that uses the Backoff
	// may use it.
	Random *rand.Rand
}

// Backoff spaces the attempts of one status change, and reports when they are exhausted. Create it after the first
// attempt has failed.
type Backoff struct {
	ceiling    *backoff.ExponentialBackOff
	random     *rand.Rand
	maxElapsed time.Duration

	wait    time.Duration // the last result of Next
	failing time.Duration // how long the status change has been failing through its own fault
	last    time.Time     // the last failure
	seen    tally         // as of the last failure
}

// Backoff returns a new Backoff for one status change.
func (p Policy) Backoff() *Backoff {
	return &Backoff{
		random: p.Random, maxElapsed: p.MaxElapsed,
		// The library randomises around the interval and uses the global source of random numbers. Full jitter, uniform from
		// 0 to the ceiling, best spreads calls that failed together, and a simulation can replay our source. So the library
		// only doubles the ceiling. By default it would also give up after 15 minutes; that is for Exhausted to decide.
		ceiling: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(p.Initial),
			backoff.WithMaxInterval(p.Max),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0),
			backoff.WithMaxElapsedTime(0),
		),
	}
}

// Next draws the time to wait before the next attempt, uniformly from 0 to the ceiling. Each call doubles the
// ceiling, so call it once per wait.
func (b *Backoff) Next() time.Duration {
	b.wait = jitter(b.random, b.ceiling.NextBackOff())
	return b.wait
}

// Exhausted records a failed call and reports whether the status change has used up MaxElapsed. took is how long the
// call took. g must already have the call's verdict.
//
// One order alone cannot show whether it is at fault or LeadHit is down. So the time between two failures of the order
// counts only if more calls for other orders succeeded than failed in between. In an outage nothing counts, and neither
// does time in which calls were paused. Of the remaining time, only the last wait and the call itself count: waiting
// for a slot or a commit is not the order's fault.
func (b *Backoff) Exhausted(now time.Time, took time.Duration, g *Governor) bool {
	seen := g.tally
	seen.paused = g.pausedFor(now)
	failed := seen.failed - b.seen.failed - 1 // this failure says nothing about others
	if !b.last.IsZero() && seen.succeeded-b.seen.succeeded > failed {
		own := now.Sub(b.last) - (seen.paused - b.seen.paused)
		b.failing += max(0, min(own, b.wait+took))
	}
	b.last, b.seen = now, seen
	return b.maxElapsed > 0 && b.failing >= b.maxElapsed
}

// tally counts the verdicts since the process started, and adds up the time in which calls were paused.
type tally struct {
	succeeded, failed uint64 // verdicts on calls
	paused            time.Duration
}

// count adds a verdict. A rejected key says nothing about orders.
func (t *tally) count(v Verdict) {
	switch v.Kind {
	case Done, DeadLetter:
		t.succeeded++
	case Again, Misconfigured:
		t.failed++
	case Unauthorised:
	}
}

// jitter draws uniformly from 0 to ceiling, inclusive.
func jitter(random *rand.Rand, ceiling time.Duration) time.Duration {
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(random.Int64N(int64(ceiling) + 1))
}
