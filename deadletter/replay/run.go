package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

const (
	// window is how many letters may be without an outcome at once. The workers send these even after the run has
	// stopped, so they must be few.
	window = 50
	// canaryLimit is how long a canary may take.
	canaryLimit = 60 * time.Second
	// refreshEvery is how often both topics are read while letters wait for their outcome.
	refreshEvery = 250 * time.Millisecond
	// catchUp is how much of the time lost to a slow write or read may be made up. So the mean rate stays as set,
	// without a burst.
	catchUp = 250 * time.Millisecond
	// stopLimit is how long writing the entry about the end of a run may take. The entry only informs people; nothing
	// depends on it.
	stopLimit = 5 * time.Second
)

// Topics are the letters' topic and the ledger.
type Topics interface {
	// Refresh reads both topics to the ends that they have when it is called.
	Refresh(ctx context.Context) error
	// Status returns what both topics say about a letter, as far as they were read. It returns false if neither
	// mentions the letter.
	Status(id ledger.ID) (fold.Status, bool)
	// Append writes an entry to the ledger. After an error, the entry may or may not be stored. A write that has
	// started should not be cut short.
	Append(ctx context.Context, e ledger.Entry) error
}

// Run is one run of a plan.
type Run struct {
	ID string
	// Group, By, Via and Reason go into the run's entries. Filter says in words what the plan selected.
	Group, By, Via, Reason, Filter string

	Rate    float64       // letters a second, above 0
	Canary  int           // letters that must be resolved before others are requeued
	Breaker float64       // the share of refusals among the last outcomes that stops the run; 0 disables it
	Timeout time.Duration // of the whole run
	NoWait  bool          // end once all letters are requeued

	// Progress, if not nil, is called whenever the summary may have changed.
	Progress func(Summary)
}

// Stop says why a run has ended before all its letters had an outcome.
type Stop string

// The reasons to stop. The zero value means that the run has done everything.
const (
	stopCanary  Stop = "canary"  // a canary was not resolved
	stopBreaker Stop = "breaker" // too many of the last outcomes were refusals
	stopTimeout Stop = "timeout"
	Interrupted Stop = "interrupted" // the context has ended
	Broken      Stop = "error"       // a topic could not be read or written
)

// Do requeues the letters that the plan calls ready, and waits for their outcomes. Its error is a [ChangedError] if
// these letters have changed since the plan was made. In that case, no letter is requeued. Other errors come from the
// topics. The summary is complete even after an error.
func (r Run) Do(ctx context.Context, p Plan, topics Topics) (Summary, error) {
	w := newWork(r, p, topics)
	if err := topics.Refresh(ctx); err != nil {
		return w.summary, err
	}
	if changed := p.changed(topics); len(changed) > 0 {
		return w.summary, &ChangedError{changed}
	}
	start := ledger.Entry{Event: ledger.RunStart, Filter: plain(r.Filter, 1024), Count: len(w.left)}
	if err := w.append(ctx, start); err != nil {
		return w.summary, err
	}
	begun := time.Now()
	err := w.work(ctx, begun)
	if err != nil {
		w.stop(Broken, err.Error())
	}
	why := "done"
	if w.summary.Stop != "" {
		why = string(w.summary.Stop) + ": " + w.summary.Why
	}
	// Without this entry, people see an unfinished run. That alone does not make the run a failure.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	_ = w.append(ctx, ledger.Entry{Event: ledger.RunStop, Why: plain(why, 256)})
	return w.summary, err
}

// plain turns text into printable text of at most limit bytes, as entries require.
func plain(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, text)
	for len(text) > limit {
		runes := []rune(text)
		text = string(runes[:len(runes)-1-(len(text)-limit)/4])
	}
	return text
}

// work is a run in progress. One goroutine does everything in turn, so the entries are in the order of the letters.
type work struct {
	Run

	topics  Topics
	left    []Planned // not requeued yet
	waiting []asked   // without an outcome
	unread  bool      // an entry was written but not read back yet
	breaker breaker
	proven  int // canaries that were resolved

	nextAsk, nextRead time.Time
	summary           Summary
}

// asked is a letter for which this run has written an entry.
type asked struct {
	Planned

	n  int
	at time.Time
}

func newWork(r Run, p Plan, topics Topics) *work {
	w := &work{Run: r, topics: topics, left: slices.Clone(p.Letters), breaker: breaker{share: r.Breaker}}
	w.summary = Summary{Run: r.ID, Planned: len(w.left)}
	w.Canary = min(w.Canary, len(w.left))
	w.count()
	return w
}

// work requeues letters and waits for their outcomes until everything is done, or something stops the run. The summary
// gives the reason.
func (w *work) work(ctx context.Context, begun time.Time) error {
	end := begun.Add(w.Timeout)
	for {
		if err := w.askDue(ctx); err != nil {
			return err
		}
		if w.summary.Stop != "" || w.finished() {
			return nil
		}
		now := time.Now()
		if w.late(now, end) || !w.wait(ctx, w.nextStep(now, end).Sub(now)) {
			return nil
		}
		if time.Now().Before(w.nextRead) {
			continue
		}
		err := w.read(ctx)
		if ctx.Err() != nil {
			w.stop(Interrupted, interruption(ctx))
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

// StoppedError is the cause of a context that was cancelled because a person stopped the run.
type StoppedError struct{ By string }

func (e *StoppedError) Error() string { return "stopped by " + e.By }

// interruption returns the reason why the context has ended. It names the person who stopped the run, if any.
func interruption(ctx context.Context) string {
	if stopped, ok := errors.AsType[*StoppedError](context.Cause(ctx)); ok {
		return stopped.Error()
	}
	return "interrupted"
}

func (w *work) finished() bool {
	return len(w.left) == 0 && (len(w.waiting) == 0 || w.NoWait && !w.unread && w.proven >= w.Canary)
}

// late stops a run whose time is up, or whose canary takes too long. It reports whether it stopped the run.
func (w *work) late(now, end time.Time) bool {
	switch {
	case w.proven < w.Canary && len(w.waiting) > 0 && now.Sub(w.waiting[0].at) >= canaryLimit:
		w.stop(stopCanary, fmt.Sprintf("letter %s has no outcome after %v", w.waiting[0].ID, canaryLimit))
	case !now.Before(end):
		w.stop(stopTimeout, fmt.Sprintf("not all letters had an outcome after %v", w.Timeout))
	default:
		return false
	}
	return true
}

func (w *work) stop(cause Stop, why string) {
	w.summary.Stop, w.summary.Why = cause, why
}

// nextStep returns the time of the run's next step: to requeue a letter, to read the topics, or to end.
func (w *work) nextStep(now, end time.Time) time.Time {
	next := w.nextRead
	if w.mayAsk() && w.nextAsk.Before(next) {
		next = w.nextAsk
	}
	if end.Before(next) {
		next = end
	}
	if next.Before(now) {
		return now
	}
	return next
}

// wait waits for a duration. It returns false if the context has ended, which stops the run.
func (w *work) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		w.stop(Interrupted, interruption(ctx))
		return false
	}
	return true
}

// mayAsk reports whether another letter may be requeued now, regardless of the rate. Until the canaries are resolved,
// no other letters are requeued.
func (w *work) mayAsk() bool {
	room := window - len(w.waiting)
	if w.proven < w.Canary {
		room = w.Canary - w.proven - len(w.waiting)
	}
	return w.summary.Stop == "" && len(w.left) > 0 && room > 0
}

// askDue requeues the letters that are due.
func (w *work) askDue(ctx context.Context) error {
	interval := time.Duration(float64(time.Second) / w.Rate)
	for w.mayAsk() && ctx.Err() == nil {
		now := time.Now()
		if now.Before(w.nextAsk) {
			return nil
		}
		next := w.left[0]
		w.left = w.left[1:]
		if !w.changedMeanwhile(next) {
			if earliest := now.Add(-catchUp); w.nextAsk.Before(earliest) {
				w.nextAsk = earliest
			}
			w.nextAsk = w.nextAsk.Add(interval)
			if err := w.ask(ctx, next); err != nil {
				return err
			}
		}
		w.count()
	}
	return nil
}

// changedMeanwhile reports whether a letter has changed since it was planned, and so must not be requeued.
func (w *work) changedMeanwhile(l Planned) bool {
	is, _ := w.topics.Status(l.ID)
	if l.same(is) {
		return false
	}
	w.lost(l, is)
	return true
}

// ask writes the entry that requeues a letter. The letter counts as requeued even if the write's outcome is unknown,
// because a worker may send the letter.
func (w *work) ask(ctx context.Context, l Planned) error {
	e := ledger.Entry{
		Event: ledger.LetterReplay, ID: l.ID.String(), N: l.N + 1, Letter: l.Offset, Order: plain(l.Order, 512),
		Force: l.Force,
	}
	w.waiting = append(w.waiting, asked{Planned: l, n: e.N, at: time.Now()})
	w.unread = true
	return w.append(ctx, e)
}

// append fills in the entry's fields about this run, and writes the entry.
func (w *work) append(ctx context.Context, e ledger.Entry) error {
	e.Group, e.At, e.By, e.Via, e.Run = w.Group, time.Now(), w.By, w.Via, w.ID
	if e.Event != ledger.RunStop {
		e.Reason = w.Reason
	}
	return w.topics.Append(ctx, e)
}
