package retry

import "time"

const (
	// shrinkFor is how long an episode's refusals only shrink the rate: then the last second's answers, from which the rate is
	// taken, are all younger than the first of them.
	shrinkFor = 1100 * time.Millisecond
	// episodeOver is after how long without a refusal that counts an episode is over: less was called, and all is well.
	episodeOver = 2 * time.Second
	// lookAnswers of calls at the reduced rate are looked at, or those of lookFor if they are not fewer than lookLeast.
	lookAnswers = 20
	lookLeast   = 5
	lookFor     = 5 * time.Second
	// standingFor is how long what was found is believed. To find it out again costs two seconds at a lower rate.
	standingFor = time.Minute
	// standingMost is the largest share of refusals that is put up with.
	standingMost = 0.9
)

// standing finds out whether refusals end when less is called. A server without room takes nine tenths of what it took in the
// last second, and refuses next to none of that. One broken server of ten behind a balancer, or a kind of orders that it cannot
// bear, is refused at any rate: to slow down, and down again, would bring all other orders to a standstill for nothing.
//
// An episode begins with a refusal that counts. Refusals shrink limit and rate until the rate is one that the server took in a
// whole second; then it is held, and the next answers are looked at. If a tenth and more is refused even then, the rate is free
// again, and up to twice that share counts for nothing for a minute.
type standing struct {
	phase phase
	began time.Time // of the phase
	last  time.Time // refusal that counted
	// from is the last call that began before the look, answers and refused what came of later ones.
	from             uint64
	answers, refused int
	// tolerated is the share of refusals that counts for nothing until then.
	tolerated float64
	until     time.Time
}

// phase of an episode.
type phase uint8

const (
	noEpisode phase = iota
	shrinking
	looking
)

// tolerance returns the share of refusals, from 0 to 1, below which they are no sign of overload.
func (s *standing) tolerance(now time.Time) float64 {
	if now.Before(s.until) {
		return max(overloadShare, s.tolerated)
	}
	return overloadShare
}

// holds says that the rate must stay as it is: it is being tried.
func (s *standing) holds() bool { return s.phase == looking }

// shrunk takes note that a refusal has shrunk limit and rate; latest is the last call that has begun.
func (s *standing) shrunk(now time.Time, latest uint64) {
	if s.phase == noEpisode || now.Sub(s.last) >= episodeOver {
		s.phase, s.began = shrinking, now
	}
	if s.last = now; now.Sub(s.began) >= shrinkFor {
		s.phase, s.began, s.from, s.answers, s.refused = looking, now, latest, 0, 0
	}
}

// answered takes the answer to a call, and says whether with it a look has ended that found refusals which less does not end.
func (s *standing) answered(now time.Time, number uint64, v Verdict) (found bool) {
	if s.phase != looking || number <= s.from {
		return false
	}
	s.answers++
	if refused(v) {
		s.refused++
	}
	if s.answers < lookAnswers && now.Sub(s.began) < lookFor {
		return false
	}
	s.phase = noEpisode
	left := float64(s.refused) / float64(s.answers)
	if s.answers < lookLeast || left < overloadShare {
		return false
	}
	s.tolerated, s.until = min(2*left, standingMost), now.Add(standingFor)
	return true
}

// stop ends an episode without a finding: an outage says nothing about it.
func (s *standing) stop() { s.phase = noEpisode }
