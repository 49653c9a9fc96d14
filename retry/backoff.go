package retry

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Policy spaces the tries of a status change that may still succeed.
type Policy struct {
	// Initial and Max bound the ceiling of a wait: it starts at Initial and doubles with each try, up to Max.
	Initial, Max time.Duration
	// MaxElapsed is for how long one order may fail while others succeed. 0: for ever.
	MaxElapsed time.Duration
	// Random is where the jitter comes from. It is used by whoever uses the owner, one at a time.
	Random *rand.Rand
}

// Backoff spaces the tries of one waiting status change. Ask it once a wait and keep the answer: asking advances it.
type Backoff struct {
	ceiling *backoff.ExponentialBackOff
	random  *rand.Rand
}

// Backoff starts the waits of one status change.
func (p Policy) Backoff() *Backoff {
	return &Backoff{
		random: p.Random,
		// No randomisation: the library spreads around the interval, out of the global source. Full jitter, uniform
		// from 0 to the ceiling, spreads a crowd that failed together best, and our source can be replayed.
		// No MaxElapsedTime: the library would give up after 15 minutes by default; Trial decides that.
		ceiling: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(p.Initial),
			backoff.WithMaxInterval(p.Max),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0),
			backoff.WithMaxElapsedTime(0),
		),
	}
}

// Next returns the time to wait before the next try: between 0 and the ceiling, any value as likely as another.
func (b *Backoff) Next() time.Duration {
	return Jitter(b.random, b.ceiling.NextBackOff())
}

// Jitter draws uniformly from 0 up to ceiling, both included.
func Jitter(random *rand.Rand, ceiling time.Duration) time.Duration {
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(random.Int64N(int64(ceiling) + 1))
}
