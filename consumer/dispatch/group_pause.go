package dispatch

import (
	"strconv"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter/ledger"
)

// Pause returns the pause that is in force now.
func (d *Dispatcher) Pause() snapshot.Pause {
	if e, paused := d.guard.Pause(); paused {
		return snapshot.Pause{Kind: e.Kind(), Since: e.At, Reason: e.Reason, By: e.By}
	}
	kind, since := d.governor.Probing()
	return snapshot.Pause{Kind: kind, Since: since}
}

// Followed processes the ledger's next entry for this group. When the process starts, pass the whole ledger before the
// first call to Next. Later, pass this worker's own announcements, too, once they are read back.
func (d *Dispatcher) Followed(now time.Time, e ledger.Entry) {
	d.guard.Follow(e)
	d.obeyGuard(now)
	if d.config.Replays && d.letters.Follow(e) && e.Event == ledger.LetterReplay && d.caughtUp {
		d.requeueNow(e)
	}
}

// LedgerLost records that the ledger was recreated. Pass all entries of the new ledger to Followed before the next call
// to Next. Pauses in force that are missing from the new ledger are announced again.
func (d *Dispatcher) LedgerLost() {
	d.guard.Lost()
	d.letters.Lost()
}

// obeyGuard pauses or resumes all calls, as the guard says.
func (d *Dispatcher) obeyGuard(now time.Time) {
	_, paused := d.guard.Pause()
	d.governor.Pause(now, paused)
	if paused {
		d.forgetOrders()
	}
}

// mayStore reports whether a letter about an event that the mapping refused may be stored. During a pause it must not
// be stored, because a mapping that refuses everything would fill the letters' topic without a single call. Letters
// about sent events are few, and are always stored.
func (d *Dispatcher) mayStore() bool {
	_, paused := d.guard.Pause()
	return !paused
}

// letter informs the flood guard about a letter that is about to be stored for the first time.
func (d *Dispatcher) letter(now time.Time, t task) {
	if !d.config.FloodGuard || t.replay != nil {
		return
	}
	s := t.letter()
	fingerprint := d.config.Fingerprint
	if fingerprint == nil {
		fingerprint = plainFingerprint
	}
	d.guard.Refused(now, s.Order, fingerprint(s))
	d.obeyGuard(now)
}

// plainFingerprint groups letters by stage, cause and code.
func plainFingerprint(s turn.Store) string {
	stage := "call"
	if s.Mapping {
		stage = "mapping"
	}
	return stage + "/" + s.Verdict.Cause + "/" + strconv.Itoa(s.Verdict.Code)
}

// announce adds the guard's next entry for the ledger to the effects. Each entry is returned once, and the caller
// retries the write until it succeeds.
func (d *Dispatcher) announce() {
	if found, ok := d.guard.Announcement(); ok {
		e := found // a copy made only here, so that a turn without an announcement does not allocate
		d.out.Announce = &e
	}
}
