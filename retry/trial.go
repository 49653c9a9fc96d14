package retry

import "time"

// Tally is what the whole process has seen of LeadHit so far. Only differences between two tallies mean anything.
type Tally struct {
	// Done and Again count the verdicts of those kinds.
	Done, Again uint64
	// Paused is for how long calls were paused in all.
	Paused time.Duration
}

// Trial counts for how long one status change has been failing by its own fault. The zero value is ready.
//
// Nobody can tell a bad order from an outage by looking at that order alone, so time counts only between two of its
// failures between which others fared better: more calls done than to be repeated. In an outage nothing counts,
// and neither does time under a pause.
type Trial struct {
	failing time.Duration
	last    time.Time
	seen    Tally
}

// Failed notes a failure at now and returns for how long the status change has been failing by its own fault. Spent is
// what its last wait and the call took: what it waited for beside, a slot or a commit, is no fault of its own. The tally
// must not yet contain this failure.
func (t *Trial) Failed(now time.Time, spent time.Duration, seen Tally) time.Duration {
	if !t.last.IsZero() && seen.Done-t.seen.Done > seen.Again-t.seen.Again {
		own := now.Sub(t.last) - (seen.Paused - t.seen.Paused)
		t.failing += max(0, min(own, spent))
	}
	t.last, t.seen = now, seen
	t.seen.Again++ // this failure is no evidence about others
	return t.failing
}
