package view

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// Run is a run of replays: what was requested, and the outcome.
type Run struct {
	Name, By, Reason, Filter string
	Count                    int // the number of letters that the run's start requested
	// Started and Stopped are zero if the ledger has no such entry. Why says how the run ended.
	Started, Stopped time.Time
	Why              string
	// Asked is the number of the run's replays that counted; the next six fields say what happened to these. Refused
	// counts those that were refused again, Failed those that ended without a call, and Dismissed those that were
	// dismissed while they waited. Lost is the number of replays that did not count, mostly because another person was
	// first.
	Asked, Waiting, Resolved, Superseded, Refused, Failed, Dismissed, Lost int
}

// run is a run while its entries are being read.
type run struct {
	Run

	replays []*replay
}

// replay is one replay that counted.
type replay struct {
	run   string
	group *group
	id    ledger.ID
	n     int
	// outcome is the outcome in the ledger; "" if there is none.
	outcome ledger.Event
}

// Runs returns the runs of the view's group with their outcomes so far, the oldest first.
func (v *View) Runs() []Run {
	var all []Run
	for _, r := range v.runs {
		all = append(all, r.count())
	}
	return all
}

// count returns the run with its counts as of now, because any replay may still get an outcome.
func (r *run) count() Run {
	is := r.Run
	counts := map[ReplayOutcome]*int{
		replayWaiting: &is.Waiting, replayResolved: &is.Resolved, replaySuperseded: &is.Superseded,
		replayRefused: &is.Refused, replayFailed: &is.Failed, replayDismissed: &is.Dismissed,
	}
	for _, p := range r.replays {
		is.Asked++
		*counts[p.now()]++
	}
	return is
}

// ReplayOutcome is what happened to one replay.
type ReplayOutcome string

// The outcomes of a replay, as people read them.
const (
	replayWaiting    ReplayOutcome = "waiting" // none yet
	replayResolved   ReplayOutcome = "resolved"
	replaySuperseded ReplayOutcome = "superseded"
	replayRefused    ReplayOutcome = "refused" // LeadHit or the mapping refused it again
	replayFailed     ReplayOutcome = "failed"  // it ended without a call
	replayDismissed  ReplayOutcome = "dismissed"
)

// Replay is a replay that belongs to a run and whose entry in the ledger counted.
type Replay struct {
	ID      ledger.ID
	Order   string // "" if the letter expired
	Outcome ReplayOutcome
}

// Replays returns the replays of a run of the view's group. Those that a person must look at come first. Replays with
// the same outcome stay in the order in which they were requested.
func (v *View) Replays(run string) []Replay {
	r := v.byName[run]
	if r == nil {
		return nil
	}
	all := make([]Replay, len(r.replays))
	for i, p := range r.replays {
		all[i] = Replay{ID: p.id, Outcome: p.now()}
		if k := p.group.letters[p.id]; k != nil {
			all[i].Order = k.order
		}
	}
	slices.SortStableFunc(all, func(a, b Replay) int { return cmp.Compare(urgency(a.Outcome), urgency(b.Outcome)) })
	return all
}

// urgency ranks an outcome: those that a person must look at come first.
func urgency(o ReplayOutcome) int {
	return slices.Index([]ReplayOutcome{
		replayRefused, replayFailed, replayWaiting, replaySuperseded, replayDismissed, replayResolved,
	}, o)
}

// now returns the replay's outcome so far.
func (p *replay) now() ReplayOutcome {
	k := p.group.letters[p.id]
	switch {
	case p.outcome == ledger.LetterResolved:
		return replayResolved
	case p.outcome == ledger.LetterSuperseded:
		return replaySuperseded
	case p.outcome == ledger.LetterFailed:
		return replayFailed
	case k != nil && int(k.count) >= p.n:
		return replayRefused
	case p.outcome == ledger.LetterDismissed:
		return replayDismissed
	}
	return replayWaiting
}

func (v *View) run(name string) *run {
	r := v.byName[name]
	if r == nil {
		r = &run{Run: Run{Name: name}}
		v.byName[name] = r
		v.runs = append(v.runs, r)
	}
	return r
}

// frame takes the entry that starts or ends a run.
func (v *View) frame(e ledger.Entry) {
	if !e.For(v.own) {
		return
	}
	r := v.run(e.Run)
	switch {
	case e.Event == ledger.RunStop && r.Stopped.IsZero():
		r.Stopped, r.Why = e.At, e.Why
	case e.Event == ledger.RunStart && r.Started.IsZero():
		r.Started, r.By, r.Reason, r.Filter, r.Count = e.At, e.By, e.Reason, e.Filter, e.Count
	}
}

// answer takes an entry that requests a replay or reports its outcome. The outcome of an earlier replay changes no
// letter's state, but says what happened to that replay.
func (v *View) answer(g *group, id ledger.ID, e ledger.Entry, counted bool) {
	switch e.Event {
	case ledger.LetterReplay:
		v.ask(g, id, e, counted)
	case ledger.LetterResolved, ledger.LetterSuperseded, ledger.LetterFailed, ledger.LetterDismissed:
		all := g.replays[id]
		i := slices.IndexFunc(all, func(p *replay) bool { return p.n == e.N })
		byHand := e.Event == ledger.LetterDismissed
		if i < 0 || byHand && !counted {
			return
		}
		// An accepted call is a fact, even if the letter was dismissed in the meantime.
		if was := all[i].outcome; was == "" || was == ledger.LetterDismissed && !byHand {
			all[i].outcome = e.Event
		}
	default:
	}
}

// ask takes an entry that requests a replay. Lost does not include the copy that a retried write leaves behind, because
// the first copy counts.
func (v *View) ask(g *group, id ledger.ID, e ledger.Entry, counted bool) {
	p := &replay{run: e.Run, group: g, id: id, n: e.N}
	if counted {
		g.replays[id] = append(g.replays[id], p)
	}
	if e.Run == "" || g != v.groups[v.own] {
		return
	}
	r := v.run(e.Run)
	copied := func(other *replay) bool { return other.n == p.n && other.run == p.run }
	switch {
	case counted:
		r.replays = append(r.replays, p)
	case !slices.ContainsFunc(g.replays[id], copied):
		r.Lost++
	}
}
