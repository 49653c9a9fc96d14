package retry_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/retry"
)

func refusal() retry.Verdict {
	return retry.Verdict{Kind: retry.Again, Cause: "HTTP 503", Code: 503}
}

// One of ten servers behind a balancer is broken, or LeadHit refuses one kind of order. Refusals that persist at any
// rate of calls are not a sign of overload.
func TestRefusalsAtAnyPaceDoNotStopTheRest(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{20, 1000} {
		for _, share := range []int{10, 20, 33, 50} {
			t.Run(fmt.Sprintf("%d in 100 of %d a second", share, perSecond), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(1, uint64(share)))
				g := retry.NewGovernor(64, 0, random)
				now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
				const seconds = 600
				_, made := answerMany(g, now, time.Second/time.Duration(perSecond), seconds*time.Second, func() retry.Verdict {
					if random.IntN(100) < share {
						return refusal()
					}
					return done()
				})
				if want := perSecond * seconds * 85 / 100; made < want {
					t.Errorf("got %d calls a second, want at least 85 %% of %d", made/seconds, perSecond)
				}
				t.Logf("%.1f of %d calls a second", float64(made)/seconds, perSecond)
			})
		}
	}
}

// A server whose capacity falls also refuses many calls, but only until fewer are made.
func TestOverloadIsNotTakenForAShareOfRefusalsThatStays(t *testing.T) {
	t.Parallel()
	for room, most := range map[float64]float64{5: 0.1, 50: 0.1, 500: 0.1} {
		t.Run(fmt.Sprint(room, " a second"), func(t *testing.T) {
			t.Parallel()
			g := retry.NewGovernor(64, 0, rand.New(rand.NewPCG(1, 2)))
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			const period = time.Second / 1000
			now, _ = answerMany(g, now, period, 10*time.Second, done)
			const seconds = 600
			_, served, refused := answerWithRoom(g, now, period, seconds*time.Second, room)
			if got := float64(refused) / float64(served+refused); got > most {
				t.Errorf("got %.0f %% of the calls refused, want at most %.0f %%", 100*got, 100*most)
			}
			if got := float64(served) / (seconds * room); got < 0.8 {
				t.Errorf("got %.0f %% of the capacity used, want at least 80 %%", 100*got)
			}
			t.Logf("refused %.1f %%, used %.0f %%", 100*float64(refused)/float64(served+refused),
				100*float64(served)/(seconds*room))
		})
	}
}

// answerMany starts a call whenever one may start, but at most one per period. Each gets judge's verdict at once.
func answerMany(g *retry.Governor, now time.Time, period, length time.Duration,
	judge func() retry.Verdict,
) (time.Time, int) {
	made := 0
	for end := now.Add(length); now.Before(end); now = now.Add(period) {
		if g.MayCall(now) {
			made++
			g.Answered(now, fmt.Sprint("order-", made%1000), g.Start(now), judge())
		}
	}
	return now, made
}

func TestAFewRefusalsSlowNothingDown(t *testing.T) {
	for _, perSecond := range []int{60, 3000} {
		t.Run(fmt.Sprint(perSecond, " a second"), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			g := retry.NewGovernor(64, 0, random)
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			_, made := answerMany(g, now, time.Second/time.Duration(perSecond), time.Minute, func() retry.Verdict {
				if random.IntN(100) < 2 {
					return retry.Verdict{Kind: retry.Again, Cause: "HTTP 503", Code: 503}
				}
				return retry.Verdict{Kind: retry.Done, Answered: true}
			})
			if want := 60 * perSecond * 99 / 100; made < want {
				t.Errorf("got %d calls in a minute, want at least %d: one refusal in fifty is not overload", made, want)
			}
		})
	}
}

func TestFullSpeedIsBackHalfAMinuteAfterABurstOfRefusals(t *testing.T) {
	g := retry.NewGovernor(64, 0, rand.New(rand.NewPCG(1, 2)))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const period = time.Second / 3000
	now, _, _ = answerWithRoom(g, now, period, 20*time.Second, 50)
	fine := func() retry.Verdict { return retry.Verdict{Kind: retry.Done, Answered: true} }
	now, _ = answerMany(g, now, period, 30*time.Second, fine)
	if _, made := answerMany(g, now, period, time.Second, fine); made < 2700 {
		t.Errorf("got %d calls a second half a minute after the refusals, want at least 2700", made)
	}
}

// answerWithRoom is answerMany with a server of limited capacity. room is how many calls the server accepts a second,
// with bursts of ten. It refuses the others.
func answerWithRoom(g *retry.Governor, now time.Time, period, length time.Duration,
	room float64,
) (then time.Time, served, refused int) {
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
