package observe

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/deadletter/ledger/fold"
)

// letters sends the figures about letters of owned partitions, so that a sum over the workers counts each letter once.
// The sum excludes letters of partitions that no worker owns.
func (g *gauges) letters(to sender, now time.Time) {
	keeps, limited := g.source.Retention()[g.source.Letters]
	since := time.Time{}
	if limited {
		since = now.Add(-keeps)
	}
	c := g.source.Consumer.LetterCounts(since)
	const help = "Letters of this worker's partitions that wait for somebody (open) or for their replay (requeued). " +
		"Overtaken letters do not count as open."
	to.send(prometheus.GaugeValue, "letters_open", help, float64(c.Open), []string{"state"}, string(fold.Open))
	to.send(prometheus.GaugeValue, "letters_open", help, float64(c.Requeued), []string{"state"}, string(fold.Requeued))
	oldest := age(now, c.Oldest)
	to.gauge("letters_oldest_open_age_seconds", "Age of the oldest open letter, since it was stored; 0 if none is open.",
		oldest)
	if limited {
		to.gauge("letters_min_ttl_seconds", "How soon retention may delete the oldest open letter, or a letter stored now; "+
			"absent if the letters' retention is unknown or unlimited.", keeps.Seconds()-oldest)
	}
	for _, outcome := range dispatch.ReplayOutcomes() {
		to.send(prometheus.CounterValue, "replay_outcomes_total", "Replays that ended, by outcome ("+
			strings.Join(dispatch.ReplayOutcomes(), ", ")+").", float64(c.Outcomes[outcome]), []string{"outcome"}, outcome)
	}
	for _, what := range dispatch.ReplayWaits() {
		to.send(prometheus.GaugeValue, "replays_waiting", "Replays without an outcome, by what they wait for ("+
			strings.Join(dispatch.ReplayWaits(), ", ")+").", float64(c.Waiting[what]), []string{"for"}, what)
	}
}

// mostFingerprints limits how many fingerprints a worker remembers. Each takes about 100 bytes.
const mostFingerprints = 10_000

// fingerprints remembers which causes have letters. The zero value is ready to use. It may be used by several
// goroutines.
type fingerprints struct {
	mu sync.Mutex
	// known maps a fingerprint to false while this worker is storing the first letter with that fingerprint. The letter
	// may be read back before the write has returned.
	known map[string]bool
}

// add records a fingerprint, unless it is already recorded, or mostFingerprints are recorded. Beyond that limit no
// cause counts as new.
func (f *fingerprints) add(fingerprint string, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, found := f.known[fingerprint]; found || len(f.known) >= mostFingerprints {
		return
	}
	if f.known == nil {
		f.known = make(map[string]bool)
	}
	f.known[fingerprint] = known
}

// stored reports whether a letter of this worker was the first with its fingerprint.
func (f *fingerprints) stored(fingerprint string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, found := f.known[fingerprint]
	if !found || known {
		return false
	}
	f.known[fingerprint] = true
	return true
}
