package dispatch

// These are the values of ReplayWaits.
const (
	waitBacklog   = "backlog"   // until the partition is fetched up to the end that its log had at the assignment
	waitPartition = "partition" // until the broker knows the partition
	waitPlace     = "place"     // until fewer than CallsInFlight replays are taken up
	waitLetter    = "letter"    // until its letter is fetched
	waitLane      = "lane"      // until the earlier events of its order have ended
	waitRetry     = "retry"     // until its backoff ends: a call failed
	waitCall      = "call"      // for a slot, the end of a pause, or the response to its call
	waitOutcome   = "outcome"   // until its outcome is stored
)

// replaysWaitFor returns what keeps the replays of a partition from being taken up.
func (p *partition) replaysWaitFor() string {
	switch {
	case !p.callable():
		return waitPartition
	case p.window.position < p.end:
		return waitBacklog
	default:
		return waitPlace
	}
}

// waitsFor returns what a replay that is taken up waits for.
func (r *replay) waitsFor() string {
	switch {
	case r.event == nil:
		return waitLetter
	case r.event.waits > 0:
		return waitLane
	}
	switch r.event.items[0].state {
	case waiting:
		return waitRetry
	case ready, parked, inFlight:
		return waitCall
	default:
		return waitOutcome
	}
}
