package retry

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// A refusal sets the pace to keepOfRate times the rate at which calls were accepted in the last second. Each second
	// without a refusal raises the pace by growth, in calls per second, or by a tenth if that is more.
	keepOfRate   = 0.9
	growth       = 1
	growthFactor = 1.1
	// searchAfter is the time without a refusal after which the search for the rate restarts, because the server may have
	// recovered.
	searchAfter = 10 * time.Second
	// ratelessAbove is the pace, in calls per second, above which a learned pace is dropped.
	ratelessAbove = 100_000
	// pacerSlack is how much of a timer's delay the next calls may make up for. At 100/s and below it allows no burst.
	pacerSlack = 10 * time.Millisecond
	// maxRetryAfter bounds how long a Retry-After may stop calls, not counting the random addition.
	maxRetryAfter = 15 * time.Minute
)

// pacer spaces the calls in time. The limit cannot do that: at 20 ms per call, a single slot already makes 50 calls a
// second.
type pacer struct {
	random *rand.Rand
	// setting is the pace that the operator set, in calls per second; 0 means no limit.
	setting float64
	// quiet is the time until which LeadHit asked all callers to wait.
	quiet time.Time
	next  time.Time
	// learned is the pace in calls per second that was learned from refusals; 0 means none. grown is the time up to which
	// learned includes the growth. After a first refusal, or one at a rate far below the pace, only a rate that works is
	// known, not the highest one. In that case, the pace doubles each second until the next refusal (searching). Otherwise
	// it grows slowly until searchAfter has passed.
	learned   float64
	grown     time.Time
	refusedAt time.Time
	searching bool
	sought    time.Time // when the search began
	frozen    bool
	mark      uint64 // like limit.mark
	accepted  meter
}

// start schedules the next call after one that starts now.
func (p *pacer) start(now time.Time) {
	pace := p.pace(now)
	if pace == 0 {
		return
	}
	from := now.Add(-pacerSlack)
	if p.next.After(from) {
		from = p.next
	}
	p.next = from.Add(time.Duration(float64(time.Second) / pace))
}

// pace returns how many calls may start per second; 0 means any number.
func (p *pacer) pace(now time.Time) float64 {
	p.grow(now)
	switch {
	case p.learned == 0:
		return p.setting
	case p.setting == 0:
		return p.learned
	}
	return min(p.setting, p.learned)
}

// grow raises the learned pace for the time that has passed. How often it is called makes no difference, so calling
// Limits does not affect the pace.
func (p *pacer) grow(now time.Time) {
	if p.learned == 0 || p.frozen {
		return
	}
	if at := p.refusedAt.Add(searchAfter); !p.searching && !now.Before(at) {
		p.growTo(at)
		p.searching, p.sought = true, at
	}
	p.growTo(now)
	if p.learned > ratelessAbove {
		p.learned = 0
	}
}

func (p *pacer) growTo(now time.Time) {
	seconds := now.Sub(p.grown).Seconds()
	if seconds <= 0 {
		return
	}
	p.grown = now
	if p.searching {
		p.learned *= math.Exp2(seconds)
	} else {
		p.learned = max(p.learned+growth*seconds, p.learned*math.Pow(growthFactor, seconds))
	}
}

// refused lowers the pace, at most once per round trip, after LeadHit refused the call with the given number because of
// overload. last is the number of the latest call that has begun.
func (p *pacer) refused(now time.Time, number, last uint64) {
	if number <= p.mark {
		return
	}
	p.mark = last
	p.grow(now)
	rate := p.accepted.perSecond(now)
	// The rate covers the last second. If a search is younger than that, this refusal may come from the same overload
	// as the refusal that began the search, so it leaves the search as it is.
	if echo := p.searching && now.Sub(p.sought) < time.Second; !echo {
		p.searching, p.sought = p.learned == 0 || rate < p.learned/2, now
	}
	p.learned = max(1, rate*keepOfRate)
	p.grown, p.refusedAt = now, now
}

// asked obeys a Retry-After. All workers get the same one, so each worker waits up to a fifth longer, at random. A new
// random wait is drawn only when the wait becomes longer. Otherwise one would be drawn for each of perhaps 64
// responses, and every worker would end up with the longest of its draws.
func (p *pacer) asked(now time.Time, wait time.Duration) {
	if wait <= 0 {
		return
	}
	wait = min(wait, maxRetryAfter)
	if until := now.Add(wait); until.After(p.quiet) {
		p.quiet = until.Add(jitter(p.random, wait/5))
	}
}

// freeze stops the growth while LeadHit gets only probes, or a pace is being measured.
func (p *pacer) freeze(now time.Time) {
	p.grow(now)
	p.frozen = true
}

// unfreeze lets the pace grow again.
func (p *pacer) unfreeze(now time.Time) {
	if p.frozen {
		p.frozen, p.grown = false, now
	}
}
