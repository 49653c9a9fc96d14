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

// One of ten servers behind a balancer is broken, or a kind of orders: what is refused however little is called is no lack of room.
func TestAShareOfRefusalsThatStaysDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{20, 1000} {
		for _, share := range []int{10, 20, 33, 50} {
			t.Run(fmt.Sprintf("%d of 100 of %d a second", share, perSecond), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(1, uint64(share)))
				g := retry.NewGovernor(retry.Settings{CallsInFlight: 64, Random: random})
				now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
				const seconds = 600
				_, made := answerMany(g, now, time.Second/time.Duration(perSecond), seconds*time.Second, func() retry.Verdict {
					if random.IntN(100) < share {
						return refusal()
					}
					return done()
				})
				if want := perSecond * seconds * 85 / 100; made < want {
					t.Errorf("got %d calls a second, want 85 of 100 of the %d there were", made/seconds, perSecond)
				}
				t.Logf("%.1f of %d calls a second", float64(made)/seconds, perSecond)
			})
		}
	}
}

// A server that suddenly has room for a twentieth of what it took refuses nearly all, too, but only until less is called.
func TestALackOfRoomIsNotTakenForAShareThatStays(t *testing.T) {
	t.Parallel()
	for room, most := range map[float64]float64{5: 0.1, 50: 0.1, 500: 0.1} {
		t.Run(fmt.Sprint(room, " a second"), func(t *testing.T) {
			t.Parallel()
			g := retry.NewGovernor(retry.Settings{CallsInFlight: 64, Random: rand.New(rand.NewPCG(1, 2))})
			now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			const period = time.Second / 1000
			now, _ = answerMany(g, now, period, 10*time.Second, done)
			const seconds = 600
			_, served, refused := answerWithRoom(g, now, period, seconds*time.Second, room)
			if got := float64(refused) / float64(served+refused); got > most {
				t.Errorf("got %.0f %% of the calls refused, want %.0f at most", 100*got, 100*most)
			}
			if got := float64(served) / (seconds * room); got < 0.8 {
				t.Errorf("got %.0f %% of the room used, want 80 at least", 100*got)
			}
			t.Logf("refused %.1f %%, used %.0f %%", 100*float64(refused)/float64(served+refused), 100*float64(served)/(seconds*room))
		})
	}
}
