package retry

import "time"

const (
	// overloadShare is the share of the last second's responses at which signs of overload begin to count.
	overloadShare = 0.1
	// shrinkFor is how long refusals shrink the pace before it is measured. After that, all responses of the last second,
	// from which the pace is computed, are newer than the first refusal.
	shrinkFor = 1100 * time.Millisecond
	// episodeOver is the time after which an episode ends if no refusal has counted, because making fewer calls has
	// helped.
	episodeOver = 2 * time.Second
	// At the reduced pace, measureCalls responses are examined. If fewer arrive in measureTime, measureLeast are
	// enough.
	measureCalls = 20
	measureLeast = 5
	measureTime  = 5 * time.Second
	// toleratedFor is how long a finding remains valid. Each new finding costs two seconds at a lower pace.
	toleratedFor = time.Minute
	// toleratedMost is the largest share of refusals that is tolerated.
	toleratedMost = 0.9
)

// slowdown finds out whether refusals end when we make fewer calls. An overloaded server refuses almost no call if it
// gets only nine tenths as many calls as it accepted in the last second. A broken server behind a balancer, or a kind
// of order that breaks a server, causes refusals however few calls we make. Slowing down because of them would stop all
// other orders for nothing.
//
// An episode begins with a refusal that counts. Refusals shrink the limit and the pace until the pace is one that the
// server accepted for a whole second. That pace is kept while the next responses are examined. If a tenth or more are
// refusals even then, the learned pace is dropped, and for a minute refusals up to twice that share do not count.
type slowdown struct {
	phase phase
	began time.Time // of the phase
	last  time.Time // when the last refusal that counted arrived
	// from is the number of the last call that began before the measurement. responses and refused count later calls.
	from               uint64
	responses, refused int
	// tolerated is the share up to which refusals do not count. It applies until the time in the next field.
	tolerated float64
	until     time.Time
}

// phase says whether the worker is shrinking the number of calls, or measuring the effect.
type phase uint8

const (
	noEpisode phase = iota
	shrinking
	measuring
)

// tolerance returns the share of refusals, from 0 to 1, below which they are not a sign of overload.
func (s *slowdown) tolerance(now time.Time) float64 {
	if now.Before(s.until) {
		return max(overloadShare, s.tolerated)
	}
	return overloadShare
}

// measuring reports whether the pace must not change because it is being measured.
func (s *slowdown) measuring() bool { return s.phase == measuring }

// shrunk records that a refusal has shrunk the limit and the pace. last is the number of the latest call that has
// begun.
func (s *slowdown) shrunk(now time.Time, last uint64) {
	if s.phase == noEpisode || now.Sub(s.last) >= episodeOver {
		s.phase, s.began = shrinking, now
	}
	if s.last = now; now.Sub(s.began) >= shrinkFor {
		s.phase, s.began, s.from, s.responses, s.refused = measuring, now, last, 0, 0
	}
}

// answered records the response to a call. It reports whether a measurement has ended and found refusals that do not
// end when fewer calls are made.
func (s *slowdown) answered(now time.Time, number uint64, v Verdict) (useless bool) {
	if s.phase != measuring || number <= s.from {
		return false
	}
	s.responses++
	if v.refused() {
		s.refused++
	}
	if s.responses < measureCalls && now.Sub(s.began) < measureTime {
		return false
	}
	s.phase = noEpisode
	share := float64(s.refused) / float64(s.responses)
	if s.responses < measureLeast || share < overloadShare {
		return false
	}
	s.tolerated, s.until = min(2*share, toleratedMost), now.Add(toleratedFor)
	return true
}

// stop ends an episode without a finding.
func (s *slowdown) stop() { s.phase = noEpisode }

// outage ends an episode and forgets what earlier ones found, because their refusals may have been the beginning of the
// outage.
func (s *slowdown) outage() { *s = slowdown{} }
