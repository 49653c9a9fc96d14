package guard_test

import (
	"fmt"
	"testing"
	"time"

	"leadhit-sync/deadletter/ledger"
)

func byHand() ledger.Entry {
	return ledger.Entry{Event: ledger.GuardPause, By: "alice", At: time.Unix(1_700_000_000, 0).UTC(), Reason: "migration"}
}

// The ledger may hold a pause twice, because a write without a response is retried, and after a ledger is lost each
// worker writes the pauses in force.
func TestTwoCopiesOfAPauseEndTogether(t *testing.T) {
	t.Parallel()
	inAnotherZone := byHand()
	inAnotherZone.At = inAnotherZone.At.In(time.FixedZone("Moscow", 3*60*60))
	later := byHand()
	later.At = later.At.Add(time.Millisecond)
	bobs := byHand()
	bobs.By = "bob"
	for name, c := range map[string]struct {
		comes ledger.Entry // after the pause and its resume
		held  string
	}{
		"its second copy":                      {byHand(), ""},
		"a copy with its time in another zone": {inAnotherZone, ""},
		"a later pause":                        {later, ledger.ByHand},
		"another person's pause":               {bobs, ledger.ByHand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after, restarted := newRig(t), newRig(t), newRig(t)
			before.Follow(byHand())
			before.Follow(resume())
			after.Follow(byHand())
			after.Lost()
			for _, e := range []ledger.Entry{byHand(), byHand(), resume()} {
				after.Follow(e)
				restarted.Follow(e)
			}
			for _, r := range []*rig{before, after, restarted} {
				r.wantHeld("")
				r.Follow(c.comes)
				r.wantHeld(c.held)
				r.Follow(resume())
				r.wantHeld("")
			}
		})
	}
}

// A worker that saw the end of a pause in the old ledger and a worker that knows only the new ledger reach the same
// state.
func TestAfterTheLossOfALedgerAllWorkersAgree(t *testing.T) {
	t.Parallel()
	knows, isNew := newRig(t), newRig(t)
	knows.Follow(byHand())
	knows.Follow(resume())
	knows.Lost()
	for _, r := range []*rig{knows, isNew} {
		r.Follow(byHand()) // written by a worker that had not read the resume
		r.wantHeld(ledger.ByHand)
		r.Follow(resume())
		r.wantHeld("")
	}
}

// While a worker follows a whole ledger, everything else waits.
func TestThirtyThousandPausesAreFollowedQuickly(t *testing.T) {
	t.Parallel()
	// The test takes milliseconds. It took minutes when the guard compared each pause with all others.
	const n, limit = 30_000, 30 * time.Second
	r := newRig(t)
	follow := func() {
		for i := range n {
			e := byHand()
			e.At, e.Reason = e.At.Add(time.Duration(i)*time.Second), fmt.Sprint("pause ", i)
			r.Follow(e)
		}
	}
	begun := time.Now()
	follow()
	follow()
	r.Lost()
	follow()
	if took := time.Since(begun); took > limit || len(r.Pauses()) != n {
		t.Errorf("got %d pauses after %v, want %d within %v", len(r.Pauses()), took, n, limit)
	}
}
