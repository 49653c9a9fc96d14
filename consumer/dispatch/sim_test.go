package dispatch_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSimulator runs SIM_SEEDS histories (by default 2,800), starting with the seed SIM_FROM (by default 0), and stops
// at the first violation. Three in four histories have replays. SIM_SEED repeats one history and prints it.
func TestSimulator(t *testing.T) {
	if seed, ok := setting(t, "SIM_SEED"); ok {
		if _, err := simulate(seed, t.Logf); err != nil {
			t.Fatal(violation(seed, err))
		}
		return
	}
	seeds, ok := setting(t, "SIM_SEEDS")
	if !ok {
		seeds = 2800
	}
	from, _ := setting(t, "SIM_FROM")
	began := time.Now()
	sum, err := simulateAll(from, seeds)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(sum.summary(time.Since(began)))
	if !ok && sum.withReplays < 2000 {
		t.Errorf("got %d histories with replays, want at least 2000", sum.withReplays)
	}
	if seeds >= 500 && (sum.crashes == 0 || sum.pauses == 0 || sum.outages == 0 || sum.floods == 0 || sum.letters == 0 || sum.ambiguous == 0 || sum.orphans == 0 || sum.resolved == 0 || sum.superseded == 0 || sum.again == 0 || sum.lateLetters == 0 || sum.skipped == 0 || sum.strays == 0 || sum.unexplained == 0) {
		t.Errorf("got no case of some fault, want each at least once: %+v", sum)
	}
}

// setting reads a number from the environment.
func setting(t *testing.T, name string) (uint64, bool) {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, true
}

func violation(seed uint64, err error) string {
	return fmt.Sprintf("seed %d: %v\nreplay: SIM_SEED=%d go test ./consumer/dispatch -run TestSimulator", seed, err,
		seed)
}

// simulateAll runs the seeds on all processors. Of several violations, it reports the one with the lowest seed.
func simulateAll(from, seeds uint64) (figures, error) {
	var (
		next   atomic.Uint64
		mu     sync.Mutex
		sum    figures
		first  error
		lowest = from + seeds
		group  sync.WaitGroup
	)
	next.Store(from)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for {
				seed := next.Add(1) - 1
				mu.Lock()
				stop := seed >= lowest
				mu.Unlock()
				if stop {
					return
				}
				f, err := simulate(seed, nil)
				mu.Lock()
				sum.add(f)
				if err != nil && seed < lowest {
					lowest, first = seed, fmt.Errorf("%s", violation(seed, err))
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return sum, first
}

func (f *figures) summary(took time.Duration) string {
	mean := 0.0
	if f.losses > 0 {
		mean = float64(f.repeats) / float64(f.losses)
	}
	return fmt.Sprintf("%d seeds, %.0f virtual hours in %v: %d events, %d calls, %d commits (%d without a response), %d letters (%d exhausted), "+
		"%d pauses, %d outages noticed, %d floods, %d crashes, %d calls that outlived a generation, %d clean ends, %d generations; repeats per crash mean %.2f, max %d of %d; exposed at most %d %% of the bound; "+
		"%d replays in %d histories: %d calls, %d resolved, %d superseded, %d refused again; %d letters marked, %d came late; %d repeats skipped, orders in two partitions in %d histories, keys without an explanation %d times",
		f.seeds, f.virtual.Hours(), took.Round(100*time.Millisecond), f.events, f.calls, f.commits, f.ambiguous, f.letters, f.exhausted,
		f.pauses, f.outages, f.floods, f.crashes, f.orphans, f.clean, f.rebalances, mean, f.maxRepeats, f.bound, f.risk,
		f.replays, f.withReplays, f.replayed, f.resolved, f.superseded, f.again, f.marks, f.lateLetters, f.skipped, f.strays, f.unexplained)
}
