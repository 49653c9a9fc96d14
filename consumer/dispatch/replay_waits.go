package dispatch

// These are the values of ReplayWaits.
const (
	waitBacklog   = "backlog"   // the partition is not fetched up to the end that its log had at the assignment
	waitPartition = "partition" // the broker does not know the partition
	waitPlace     = "place"     // CallsInFlight replays are already taken up
	waitLetter    = "letter"    // its letter is being fetched
	waitLane      = "lane"      // an event of its order comes first
	waitRetry     = "retry"     // a call failed
	waitCall      = "call"      // a slot, the end of a pause, or the response to its call
	waitOutcome   = "outcome"   // the outcome is being stored
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
