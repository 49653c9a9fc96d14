package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// workersLimit is how long a page waits for the workers. writeLimit is how long it waits for an entry to be written to
// the ledger, which may have to be created first.
const (
	workersLimit = 10 * time.Second
	writeLimit   = 30 * time.Second
)

// maxReason is the ledger's limit on a reason's length, in bytes.
const maxReason = 1024

// workersView is what the workers' page shows.
type workersView struct {
	Workers

	Cards    []workerView
	States   []stateCount
	Versions []string
	Floods   []floodView
	ByHand   []ledger.Entry
	// Wrong is the key of the text that says why the form was refused. Reason is what the person wrote. Failed says why
	// nothing could be written.
	Wrong, Reason string
	Failed        error
	Done          string // pause or resume: what was just written
}

// stateCount counts the workers in a state. Worker is one of them; it has no status if they do not respond.
type stateCount struct {
	Worker workerView
	Count  int
}

// floodView is a pause by the flood guard, with the causes of its letters.
type floodView struct {
	ledger.Entry

	Causes []floodCause
}

// floodCause is a cause that made the guard pause. Name is empty if no letter of the cause is known.
type floodCause struct {
	Fingerprint, Name, Message string
	Letters, Orders            int
}

// Paused reports whether there is a pause for a resume to end.
func (v *workersView) Paused() bool { return len(v.Pauses) > 0 }

// VersionList returns the versions of the workers.
func (v *workersView) VersionList() string { return strings.Join(v.Versions, ", ") }

// More counts the causes that are not named.
func (v floodView) More() int { return len(v.Fingerprints) - len(v.Causes) }

// workersPage serves the page with the state of the workers.
func (d *desk) workersPage(w http.ResponseWriter, r *http.Request) {
	v := &workersView{}
	if done := r.URL.Query().Get("done"); done == "pause" || done == "resume" {
		v.Done = done
	}
	d.showWorkers(w, r, http.StatusOK, v)
}

// showWorkers requests the status of all workers, and shows it.
func (d *desk) showWorkers(w http.ResponseWriter, r *http.Request, code int, v *workersView) {
	ctx, cancel := context.WithTimeout(r.Context(), workersLimit)
	defer cancel()
	v.Workers = d.Source.Workers(ctx)
	for _, worker := range v.Workers.Workers {
		card := newWorkerView(worker, v.Group)
		card.Told = card.Worker != nil && slices.ContainsFunc(v.Pauses, func(e ledger.Entry) bool {
			return e.Kind() == card.State && e.By == card.By
		})
		v.add(card)
	}
	slices.SortStableFunc(v.States, func(a, b stateCount) int { return cmp.Compare(b.Count, a.Count) })
	for _, pause := range v.Pauses {
		if pause.Kind() == ledger.Flood {
			causes, _ := look(d, "causes by fingerprint", causesByFingerprint)
			v.Floods = append(v.Floods, floodView{pause, floodCauses(causes, pause.Fingerprints)})
		} else {
			v.ByHand = append(v.ByHand, pause)
		}
	}
	read := d.Source.Look(func(*view.View) {})
	d.show(w, r, code, "workers", read, v)
}

// add adds a worker's card. It counts workers in the same state together, so that a group of a hundred workers fits on
// one line. It also collects the versions, because several at once mean that a rollout is under way, or stuck.
func (v *workersView) add(card workerView) {
	v.Cards = append(v.Cards, card)
	if card.Worker != nil && !slices.Contains(v.Versions, card.Version) {
		v.Versions = append(v.Versions, card.Version)
	}
	same := func(c stateCount) bool {
		a, b := c.Worker.Worker, card.Worker
		return (a == nil) == (b == nil) && (a == nil || a.Text() == b.Text())
	}
	i := slices.IndexFunc(v.States, same)
	if i < 0 {
		i = len(v.States)
		v.States = append(v.States, stateCount{Worker: card})
	}
	v.States[i].Count++
}

// mostFloodCauses limits how many causes of a flood are named, because a pause may have up to 256 fingerprints.
const mostFloodCauses = 10

// floodCauses describes the first causes of a flood. A cause whose letters have expired has only its fingerprint.
func floodCauses(known map[string]view.Cause, fingerprints []string) (causes []floodCause) {
	for _, fingerprint := range fingerprints[:min(len(fingerprints), mostFloodCauses)] {
		c := known[fingerprint]
		causes = append(causes, floodCause{fingerprint, c.Name, c.Message, c.Letters, c.Orders})
	}
	return causes
}

func causesByFingerprint(all *view.View, _ Reading) map[string]view.Cause {
	known := map[string]view.Cause{}
	for _, c := range all.Causes(view.Filter{}, time.Now()) {
		known[c.Fingerprint] = c
	}
	return known
}

// pauseWorkers writes a pause. People who find the workers paused need to know why, so the form requires a reason.
func (d *desk) pauseWorkers(w http.ResponseWriter, r *http.Request) {
	d.writeWorkers(w, r, "pause", func(ctx context.Context, s Signature) error { return d.Writer.Pause(ctx, s) })
}

// resumeWorkers ends all pauses.
func (d *desk) resumeWorkers(w http.ResponseWriter, r *http.Request) {
	d.writeWorkers(w, r, "resume", func(ctx context.Context, s Signature) error { return d.Writer.Resume(ctx, s) })
}

// writeWorkers writes the pause or resume that the form requests, and redirects to the workers' page.
func (d *desk) writeWorkers(w http.ResponseWriter, r *http.Request, what string,
	write func(context.Context, Signature) error,
) {
	by := visitorOf(r)
	if !by.MayWrite {
		d.refuse(w, r, http.StatusForbidden, by.WhyNot)
		return
	}
	v := &workersView{Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	switch {
	case v.Reason == "":
		v.Wrong = "workers.reason.missing"
	case len(v.Reason) > maxReason:
		v.Wrong = "workers.reason.long"
	}
	if v.Wrong != "" {
		d.showWorkers(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeLimit)
	defer cancel()
	if v.Failed = write(ctx, Signature{By: by.Name, Reason: v.Reason}); v.Failed != nil {
		code := http.StatusBadGateway
		if errors.Is(v.Failed, context.DeadlineExceeded) {
			code = http.StatusGatewayTimeout
		}
		d.showWorkers(w, r, code, v)
		return
	}
	seeOther(w, r, "/workers?done="+what)
}
