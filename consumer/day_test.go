package consumer_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer"
)

// However long an outage lasts, it takes no more memory than one window of events needs. It is logged once when it
// starts and once when it ends. The test allows a growth of 180 KiB an hour, or 4 MiB a day.
func TestHoursWithoutLeadHitUseNoMoreMemoryAndAreLoggedOnce(t *testing.T) {
	notWithRace(t)
	bubble(t, 2, func(w *world) {
		w.leadhitDoes(fails)
		const orders, window, hours = 600, 200, 4
		for n := range orders {
			w.produce(n%2, fine, fmt.Sprint("o", n))
		}
		k := w.start(func(o *consumer.Options) {
			o.Dispatch.WindowEvents = window
			o.Dispatch.Retry.Max = time.Minute
			o.Dispatch.Session = time.Minute // the commits that renew the lease are most of the work in this test
		})
		time.Sleep(time.Hour)
		early, calls := w.holds(), len(w.ledger.calledNow())
		time.Sleep(hours * time.Hour)
		late := w.holds()
		k.wantWindow(window + 100) // one more fetch
		if got := len(w.ledger.calledNow()) - calls; got > hours*3600/10 {
			w.t.Errorf("got %d calls in %d hours, want one in 15 s on average", got, hours)
		}
		w.t.Logf("after an hour: %v; %d hours later: %v; %d calls", early, hours, late, len(w.ledger.calledNow()))
		if late.goroutines > early.goroutines+10 || late.heap > early.heap+hours*180<<10 {
			w.t.Errorf("got %v after an hour and %v %d hours later, want no growth", early, late, hours)
		}
		w.toldOnce("calls paused")
		w.leadhitDoes(answers(10 * time.Millisecond))
		w.settle(2 * time.Minute)
		w.toldOnce("calls resumed")
		if warnings := w.logs.say("level=WARN"); len(warnings) != 1 {
			w.t.Errorf("got %d warnings, want only the one about the outage: %q", len(warnings), warnings)
		}
		if len(w.ledger.letters) > 0 {
			w.t.Errorf("got letters %v, want none", w.ledger.letters)
		}
	})
}

// notWithRace skips a test with -short. `make test` runs this package with -short and the race detector, and then its
// long tests without either, because they last for hours of virtual time, and the race detector makes them six times as
// slow. They start no goroutines that the other tests do not start.
func notWithRace(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes too long with the race detector; runs without -short")
	}
}

// wantWindow checks that no partition has more unfinished events than the given maximum.
func (k *worker) wantWindow(most int) {
	k.world.t.Helper()
	for _, p := range k.State().Dispatch.Partitions {
		if p.Unfinished > most {
			k.world.t.Errorf("got %d unfinished events of %v, want at most %d", p.Unfinished, p.Partition, most)
		}
	}
}

type held struct {
	goroutines int
	heap       uint64
}

func (h held) String() string {
	return fmt.Sprintf("%d goroutines, %.1f MiB", h.goroutines, float64(h.heap)/(1<<20))
}

// holds returns the number of goroutines and the memory in use, excluding garbage and the test's own record of commits.
func (w *world) holds() held {
	w.logs.mu.Lock()
	w.logs.lines = slices.Clip(slices.DeleteFunc(w.logs.lines, func(line string) bool {
		return strings.Contains(line, "commits in generation")
	}))
	w.logs.mu.Unlock()
	fewest := fewestGoroutines()
	runtime.GC() // twice, because pools keep their content through one collection
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{fewest, m.HeapAlloc}
}
