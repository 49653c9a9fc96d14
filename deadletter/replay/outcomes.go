package replay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

const (
	// The breaker considers the last breakerOutcomes outcomes, once there are at least breakerLeast.
	breakerOutcomes = 50
	breakerLeast    = 10
)

// Summary says how far a run has come, or how it ended.
type Summary struct {
	Run     string
	Planned int // letters that the plan calls ready
	// The number of letters by outcome. Refused ones became letters again. Failed ones ended without a call. Dismissed
	// ones were closed by an operator.
	Resolved, Refused, Superseded, Failed, Dismissed int
	// Waiting letters are requeued and have no outcome yet. The workers finish them without this run. Untouched letters
	// were not requeued.
	Waiting, Untouched int
	// Changed lists the letters that this run did not replay, because they had changed in the meantime. Others is how
	// many of them another run replays.
	Changed []Change
	Others  int

	Stop Stop   // "" if the run has done everything
	Why  string // in words
}

// Done returns the number of letters that need nothing more from this run.
func (s Summary) Done() int { return s.Planned - s.Waiting - s.Untouched }

// Change says how a letter differs from what was planned.
type Change struct {
	ID ledger.ID
	// The letter's current state. By and Run are those of the replay that was requested in the meantime, if any.
	Is      fold.State
	By, Run string
}

// String describes the change.
func (c Change) String() string {
	switch {
	case c.By != "":
		return fmt.Sprintf("%s: %s was first with run %s", c.ID, c.By, c.Run)
	case c.Is == "":
		return c.ID.String() + " is now unknown"
	case c.Is == fold.Open:
		return c.ID.String() + " is open, but has changed"
	}
	return fmt.Sprintf("%s is now %s", c.ID, c.Is)
}

// ChangedError says that letters have changed since the plan was made.
type ChangedError struct{ Letters []Change }

func (e *ChangedError) Error() string {
	text := fmt.Sprintf("%d of the planned letters changed meanwhile, so none was requeued: %s",
		len(e.Letters), e.Letters[0])
	if more := len(e.Letters) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// changed returns the letters that are not as planned.
func (p Plan) changed(topics Topics) []Change {
	var all []Change
	for _, l := range p.Letters {
		if is, _ := topics.Status(l.ID); !l.same(is) {
			all = append(all, changeOf(l, is))
		}
	}
	return all
}

// same reports whether a letter is still as it was planned.
func (p *Planned) same(is fold.Status) bool {
	return is.N == p.N && is.State == fold.Open && is.Overtaken == p.Overtaken && is.Known && is.Offset == p.Offset
}

func changeOf(l Planned, is fold.Status) Change {
	c := Change{ID: l.ID, Is: is.State}
	if is.N > l.N && is.Replay != nil {
		c.By, c.Run = is.Replay.By, is.Replay.Run
	}
	return c
}

// lost notes that the run does not replay a letter.
func (w *work) lost(l Planned, is fold.Status) {
	c := changeOf(l, is)
	if c.By != "" {
		w.summary.Others++
	}
	w.summary.Changed = append(w.summary.Changed, c)
}

// count updates the numbers in the summary, and passes the summary to Progress.
func (w *work) count() {
	w.summary.Waiting, w.summary.Untouched = len(w.waiting), len(w.left)
	if w.Progress != nil {
		w.Progress(w.summary)
	}
}

// read reads both topics, and records the outcomes.
func (w *work) read(ctx context.Context) error {
	if err := w.topics.Refresh(ctx); err != nil {
		return err
	}
	w.nextRead, w.unread = time.Now().Add(refreshEvery), false
	w.waiting = slices.DeleteFunc(w.waiting, func(a asked) bool { return w.judge(a) })
	w.count()
	if share, trips := w.breaker.trips(); trips && w.summary.Stop == "" && len(w.left) > 0 {
		w.stop(stopBreaker, fmt.Sprintf("%d%% of the last %d outcomes were refusals", share, len(w.breaker.last)))
	}
	return nil
}

// judge records the outcome of a letter. It returns false if there is no outcome yet.
//
// By now, all entries that this run has written have been read back. So if the letter's last replay has another number
// or belongs to another run, something else changed the letter.
func (w *work) judge(a asked) bool {
	is, _ := w.topics.Status(a.ID)
	switch {
	case is.N != a.n || is.Replay == nil || is.Replay.Run != w.ID:
		w.lost(a.Planned, is)
	case is.State == fold.Requeued:
		return false
	case is.State == fold.Resolved:
		w.summary.Resolved++
		w.outcome(a, false)
	case is.State == fold.Superseded:
		w.summary.Superseded++
		w.outcome(a, false)
	case is.State == fold.Open && is.Known && is.Count >= a.n:
		w.summary.Refused++
		w.outcome(a, true)
	case is.State == fold.Open && !is.Unanswered:
		w.summary.Failed++
		w.outcome(a, false)
	default: // closed by an operator, and perhaps reopened
		w.summary.Dismissed++
	}
	return true
}

// outcome passes an outcome to the breaker. If the letter was a canary that is not resolved, outcome stops the run.
func (w *work) outcome(a asked, refused bool) {
	w.breaker.add(refused)
	if w.proven >= w.Canary {
		return
	}
	if is, _ := w.topics.Status(a.ID); is.State == fold.Resolved {
		w.proven++
		return
	}
	what := "could not be replayed"
	switch is, _ := w.topics.Status(a.ID); {
	case refused:
		what = "was refused again"
	case is.State == fold.Superseded:
		what = "is superseded: LeadHit accepted a newer event of its order"
	}
	w.stop(stopCanary, fmt.Sprintf("letter %s %s", a.ID, what))
}

// breaker judges the last outcomes.
type breaker struct {
	share float64
	last  []bool // refused, oldest first
}

func (b *breaker) add(refused bool) {
	b.last = append(b.last, refused)
	if len(b.last) > breakerOutcomes {
		b.last = b.last[1:]
	}
}

// trips reports whether too many of the last outcomes are refusals, and returns their percentage.
func (b *breaker) trips() (percent int, trips bool) {
	if b.share <= 0 || len(b.last) < breakerLeast {
		return 0, false
	}
	refused := 0
	for _, r := range b.last {
		if r {
			refused++
		}
	}
	share := float64(refused) / float64(len(b.last))
	return int(share * 100), share >= b.share
}
