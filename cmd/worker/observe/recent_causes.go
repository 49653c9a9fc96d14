package observe

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"leadhit-sync/consumer/status"
)

// lately counts the letters of the last hour by cause, to the minute. The zero value is ready to use. It may be used by
// several goroutines.
type lately struct {
	mu      sync.Mutex
	minutes [60]minute
}

type minute struct {
	number  int64 // minutes since 1970
	letters map[string]int
}

func (l *lately) add(now time.Time, cause string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := now.Unix() / 60
	// Each minute of the hour has a slot. A slot with an older number is from an earlier hour, and is reset.
	m := &l.minutes[number%int64(len(l.minutes))]
	if m.number != number {
		*m = minute{number: number, letters: make(map[string]int)}
	}
	m.letters[cause]++
}

// causes returns the causes of the last hour, those with the most letters first.
func (l *lately) causes(now time.Time) []status.CauseCount {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := make(map[string]int)
	for _, m := range l.minutes {
		if m.number > now.Unix()/60-int64(len(l.minutes)) {
			for cause, n := range m.letters {
				sum[cause] += n
			}
		}
	}
	all := make([]status.CauseCount, 0, len(sum))
	for cause, n := range sum {
		all = append(all, status.CauseCount{Cause: cause, Letters: n})
	}
	slices.SortFunc(all, func(a, b status.CauseCount) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Cause, b.Cause))
	})
	return all
}
