package retry

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// keepOfRate is what a refusal leaves of the rate that was accepted in the last second. Each second without one adds growth
	// calls a second to it, or a tenth if that is more.
	keepOfRate   = 0.9
	growth       = 1
	growthFactor = 1.1
	// searchAfter is how long no refusal counts until the rate is sought anew: the server has got well, not just a little room.
	searchAfter = 10 * time.Second
	// ratelessAbove is where a cap means nothing any more.
	ratelessAbove = 100_000
	// pacerSlack is how much of a timer's lateness the next calls make up for. At 100/s and below it allows no burst.
	pacerSlack = 10 * time.Millisecond
	// maxRetryAfter bounds how long LeadHit may hold us.
	maxRetryAfter = 15 * time.Minute
)

// pacer spaces the calls in time. It is needed beside the limit: at 20 ms a call, a single one in flight is already 50
// calls a second.
type pacer struct {
	random *rand.Rand
	// setting is the operator's cap in calls a second, 0 for none.
	setting float64
	// quiet: LeadHit asked everybody to wait until then.
	quiet time.Time
	next  time.Time
	// learned is the cap that refusals taught, as it was at grown; 0 for none. After a first refusal, or one at a rate far below
	// the cap, nobody knows the bearable rate, only one that is bearable; then it doubles each second until the next refusal
	// (searching), else it grows by growth, until searchAfter.
	learned   float64
	grown     time.Time
	refusedAt time.Time
	searching bool
	sought    time.Time // when the search began
	frozen    bool
	mark      uint64 // as in limit
	accepted  meter
}

// due says whether a call may start now.
func (p *pacer) due(now time.Time) bool { return !now.Before(p.next) }

// start notes that a call starts now.
func (p *pacer) start(now time.Time) {
	rate := p.rate(now)
	if rate == 0 {
		return
	}
	from := now.Add(-pacerSlack)
	if p.next.After(from) {
		from = p.next
	}
	p.next = from.Add(time.Duration(float64(time.Second) / rate))
}

// rate returns the cap in calls a second; 0: none.
func (p *pacer) rate(now time.Time) float64 {
	p.grow(now)
	switch {
	case p.learned == 0:
		return p.setting
	case p.setting == 0:
		return p.learned
	}
	return min(p.setting, p.learned)
}

func (p *pacer) grow(now time.Time) {
	seconds := now.Sub(p.grown).Seconds()
	if p.learned == 0 || p.frozen || seconds <= 0 {
		return
	}
	p.grown = now
	if !p.searching && now.Sub(p.refusedAt) >= searchAfter {
		p.searching, p.sought = true, now
	}
	if p.searching {
		p.learned *= math.Exp2(seconds)
	} else {
		p.learned = max(p.learned+growth*seconds, p.learned*math.Pow(growthFactor, seconds))
	}
	if p.learned > ratelessAbove {
		p.learned = 0
	}
}

// refused lowers the cap, at most once a round trip, because LeadHit had no room for call seq; last is the latest call
// that has begun.
func (p *pacer) refused(now time.Time, seq, last uint64) {
	if seq <= p.mark {
		return
	}
	p.mark = last
	p.grow(now)
	rate := p.accepted.perSecond(now)
	// Within the second that was measured, another refusal is an echo of the first: the search has not begun yet.
	if echo := p.searching && now.Sub(p.sought) < time.Second; !echo {
		p.searching, p.sought = p.learned == 0 || rate < p.learned/2, now
	}
	p.learned = max(1, rate*keepOfRate)
	p.grown, p.refusedAt = now, now
}

// asked obeys a Retry-After. All callers got the same one, so each waits up to a fifth longer, by chance. Only what reaches
// beyond the present wait is drawn anew: of 64 answers at once the longest draw would win, everywhere.
func (p *pacer) asked(now time.Time, wait time.Duration) {
	if wait <= 0 {
		return
	}
	wait = min(wait, maxRetryAfter)
	if until := now.Add(wait); until.After(p.quiet) {
		p.quiet = until.Add(Jitter(p.random, wait/5))
	}
}

// freeze stops the growth: while hardly anything is called, nothing is learned.
func (p *pacer) freeze(now time.Time) {
	p.grow(now)
	p.frozen = true
}

// hold stops the growth while a rate is being tried.
func (p *pacer) hold(now time.Time, trying bool) { //nolint:revive // what holds, not a mode
	if trying == p.frozen {
		return
	}
	p.grow(now)
	p.frozen, p.grown = trying, now
}

// thaw goes on after an outage. The refusals that belonged to it said nothing about a bearable rate.
func (p *pacer) thaw(now time.Time) {
	p.frozen, p.searching, p.grown = false, true, now
}

// meter counts what happened in the last second.
type meter struct {
	origin time.Time
	slot   int64     // the newest one, in tenths of a second since the origin
	counts [11]int64 // ten whole tenths and the one that runs
}

const tenth = 100 * time.Millisecond

func (m *meter) turnTo(now time.Time) {
	if m.origin.IsZero() {
		m.origin = now
	}
	slot := int64(now.Sub(m.origin) / tenth)
	for n := min(slot-m.slot, int64(len(m.counts))); n > 0; n-- {
		m.counts[(slot-n+1)%int64(len(m.counts))] = 0
	}
	m.slot = max(m.slot, slot)
}

func (m *meter) add(now time.Time) {
	m.turnTo(now)
	m.counts[m.slot%int64(len(m.counts))]++
}

func (m *meter) perSecond(now time.Time) float64 {
	m.turnTo(now)
	var sum int64
	for _, n := range m.counts {
		sum += n
	}
	running := now.Sub(m.origin) % tenth
	return float64(sum) / (time.Second + running).Seconds()
}
