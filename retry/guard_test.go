package retry_test

import (
	"fmt"
	"testing"
	"time"

	"leadhit-sync/retry"
)

func byHand() retry.Entry {
	return retry.Entry{By: "alice", At: time.Unix(1_700_000_000, 0).UTC(), Reason: "migration"}
}

// TestAPauseThatStandsTwiceEndsOnce: a write without an answer is repeated, and after the loss of a ledger each worker writes
// what is in force.
func TestAPauseThatStandsTwiceEndsOnce(t *testing.T) {
	t.Parallel()
	inAnotherZone := byHand()
	inAnotherZone.At = inAnotherZone.At.In(time.FixedZone("Moscow", 3*60*60))
	later := byHand()
	later.At = later.At.Add(time.Millisecond)
	bobs := byHand()
	bobs.By = "bob"
	for name, c := range map[string]struct {
		comes retry.Entry // after the pause and its resume
		held  string
	}{
		"its second copy":                      {byHand(), ""},
		"a copy with the time of another zone": {inAnotherZone, ""},
		"a later pause":                        {later, retry.HeldByHand},
		"another's pause":                      {bobs, retry.HeldByHand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after, restarted := newRig(t), newRig(t), newRig(t)
			before.Follow(before.now, byHand())
			before.Follow(before.now, resume())
			after.Follow(after.now, byHand())
			after.LedgerLost()
			for _, e := range []retry.Entry{byHand(), byHand(), resume()} {
				after.Follow(after.now, e)
				restarted.Follow(restarted.now, e)
			}
			for _, r := range []*rig{before, after, restarted} {
				r.wantHeld("")
				r.Follow(r.now, c.comes)
				r.wantHeld(c.held)
				r.Follow(r.now, resume())
				r.wantHeld("")
			}
		})
	}
}

// TestALedgerThatWasMadeAnewIsReadLikeByANewWorker: who saw the end of a pause in the old one comes to what the others come to.
func TestALedgerThatWasMadeAnewIsReadLikeByANewWorker(t *testing.T) {
	t.Parallel()
	knows, isNew := newRig(t), newRig(t)
	knows.Follow(knows.now, byHand())
	knows.Follow(knows.now, resume())
	knows.LedgerLost()
	for _, r := range []*rig{knows, isNew} {
		r.Follow(r.now, byHand()) // of a worker that had not read the resume
		r.wantHeld(retry.HeldByHand)
		r.Follow(r.now, resume())
		r.wantHeld("")
	}
}

// TestManyPausesAreFollowedAtOnce: a ledger is followed in one turn, in which all else waits.
func TestManyPausesAreFollowedAtOnce(t *testing.T) {
	t.Parallel()
	const n, limit = 30_000, 30 * time.Second // it takes a thousandth of that, and took minutes when each was compared with all
	r := newRig(t)
	follow := func() {
		for i := range n {
			e := byHand()
			e.At, e.Reason = e.At.Add(time.Duration(i)*time.Second), fmt.Sprint("pause ", i)
			r.Follow(r.now, e)
		}
	}
	begun := time.Now()
	follow()
	follow()
	r.LedgerLost()
	follow()
	if took := time.Since(begun); took > limit || len(r.Pauses()) != n {
		t.Errorf("got %d pauses after %v, want %d within %v", len(r.Pauses()), took, n, limit)
	}
}
