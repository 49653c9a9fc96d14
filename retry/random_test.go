package retry_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// TestWhateverHappensACallFallsDue drives a Governor through outages, pauses of its own and pauses of the group, with
// random verdicts, some of them late, and checks what must always be true.
func TestWhateverHappensACallFallsDue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		d := &driver{random: random, rig: newRig(t, func(s *settings) {
			s.Random, s.CallsInFlight, s.CallsPerSecond = random, 1+random.IntN(80), float64(random.IntN(3)*20)
		})}
		for step := range 500 {
			if why := d.step(); why != "" {
				t.Fatalf("seed %d, step %d: %s; limit %d, pace %v", seed, step, why, d.Limit(), d.pace())
			}
		}
	}
}

type driver struct {
	*rig
	random *rand.Rand
	air    []retry.Pass
	mood   int // which verdicts LeadHit gives now
	held   time.Duration
	byHand bool
}

// step performs one random action. It returns a description of what is wrong afterwards; "" if nothing is.
func (d *driver) step() string {
	before := d.now
	switch n := d.random.IntN(20); {
	case n == 0:
		d.mood = d.random.IntN(4)
	case n == 1:
		d.KeyChanged(d.now)
	case n == 2 && d.held > 0 || d.byHand && n < 10:
		d.pauseByHand(false)
	case n == 3:
		d.pauseByHand(d.random.IntN(10) == 0)
	case n < 10 && len(d.air) > 0:
		d.answer()
	default:
		if why := d.start(); why != "" {
			return why
		}
	}
	return d.wrong(before)
}

func (d *driver) pauseByHand(paused bool) {
	d.byHand = paused
	d.Pause(d.now, paused)
}

func (d *driver) answer() {
	moods := [][]retry.Verdict{
		{done()},
		{connect(), timeout(), status(503), done()},
		{connect(), timeout(), status(500)},
		{
			unauthorised(),
			{Kind: retry.Misconfigured, Code: 404},
			{Cause: "NotSent"},
			{Cause: "HTTP 429", Code: 429, RetryAfter: time.Second},
		},
	}
	i := d.random.IntN(len(d.air))
	p := d.air[i]
	d.air = append(d.air[:i], d.air[i+1:]...)
	d.pass(time.Duration(d.random.IntN(500)) * time.Millisecond)
	mood := moods[d.mood]
	d.Answered(d.now, strconv.Itoa(d.random.IntN(30)), p, mood[d.random.IntN(len(mood))])
}

// start starts a call, at once or when one falls due. If none falls due, a call must be in flight, or calls must be
// paused.
func (d *driver) start() string {
	if !d.MayCall(d.now) {
		at := d.Next(d.now)
		switch {
		case at.IsZero() && len(d.air) == 0 && !d.byHand:
			return "no call may start, none is in flight, and none falls due"
		case at.IsZero():
			return ""
		case !at.After(d.now):
			return "the next call falls due in the past"
		}
		d.now = at
		if !d.MayCall(d.now) {
			return "the call that fell due may not start"
		}
	}
	p := d.Start(d.now)
	d.air = append(d.air, p)
	if p.Probe && d.MayCall(d.now.Add(time.Hour)) {
		return "a call may start beside a probe"
	}
	return ""
}

func (d *driver) wrong(before time.Time) string {
	held := d.PausedFor(d.now)
	switch {
	case d.InFlight() != len(d.air):
		return "calls in flight are miscounted"
	case d.Limit() < 1:
		return "the limit is below 1"
	case held < d.held || held-d.held > d.now.Sub(before):
		return "the time that calls were paused has gone back, or exceeds the time that has passed"
	}
	d.held = held
	return ""
}
