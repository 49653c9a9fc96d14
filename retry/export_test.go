package retry

import "time"

// PausedFor returns how long calls were paused in total.
func (g *Governor) PausedFor(now time.Time) time.Duration { return g.pausedFor(now) }

// InFlight counts the calls in flight.
func (g *Governor) InFlight() int { return g.inFlight }
