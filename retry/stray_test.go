package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

// answerMany lets calls start as often as they may, one in a period at most, each answered at once by judge.
func answerMany(g *retry.Governor, now time.Time, period, length time.Duration, judge func() retry.Verdict) (time.Time, int) {
	made := 0
	for end := now.Add(length); now.Before(end); now = now.Add(period) {
		if g.MayCall(now) {
			made++
			g.Answered(now, fmt.Sprint("order-", made%1000), g.Start(now), judge())
		}
	}
	return now, made
}

func TestStrayRefusalsSlowNothingDown(t *testing.T) {
	for _, perSecond := range []int{60, 3000} {
		t.Run(fmt.Sprint(perSecond, " a second"), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			g := retry.NewGovernor(retry.Settings{CallsInFlight: 64, Random: random})
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			_, made := answerMany(g, now, time.Second/time.Duration(perSecond), time.Minute, func() retry.Verdict {
				if random.IntN(100) < 2 {
					return retry.Verdict{Kind: retry.Again, Cause: "HTTP 503", Code: 503}
				}
				return retry.Verdict{Kind: retry.Done, Answered: true}
			})
			if want := 60 * perSecond * 99 / 100; made < want {
				t.Errorf("got %d calls in a minute, want %d at least: one in fifty refused is no overload", made, want)
			}
		})
	}
}

func TestFullSpeedIsBackHalfAMinuteAfterABurstOfRefusals(t *testing.T) {
	g := retry.NewGovernor(retry.Settings{CallsInFlight: 64, Random: rand.New(rand.NewPCG(1, 2))})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const period = time.Second / 3000
	now, _, _ = answerWithRoom(g, now, period, 20*time.Second, 50)
	fine := func() retry.Verdict { return retry.Verdict{Kind: retry.Done, Answered: true} }
	now, _ = answerMany(g, now, period, 30*time.Second, fine)
	if _, made := answerMany(g, now, period, time.Second, fine); made < 2700 {
		t.Errorf("got %d calls a second half a minute after the refusals, want 2700 at least", made)
	}
}

// answerWithRoom is answerMany for a server that has room for so many calls a second, ten of them at once, and refuses the others.
func answerWithRoom(g *retry.Governor, now time.Time, period, length time.Duration, room float64) (then time.Time, served, refused int) {
	tokens := 10.0
	for end := now.Add(length); now.Before(end); now = now.Add(period) {
		tokens = min(10, tokens+period.Seconds()*room)
		if !g.MayCall(now) {
			continue
		}
		verdict := refusal()
		if tokens < 1 {
			refused++
		} else {
			tokens--
			served++
			verdict = done()
		}
		g.Answered(now, fmt.Sprint("order-", (served+refused)%1000), g.Start(now), verdict)
	}
	return now, served, refused
}
