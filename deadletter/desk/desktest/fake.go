// Package desktest provides an in-memory backend for a desk, for tests. It holds a real view of letters and a ledger,
// and does what the workers would do.
package desktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

// group is the consumer group of the fake.
const group = "shop"

// Fake is an in-memory backend, as tests see it. The desk gets it through [Fake.Settings].
type Fake struct {
	// Err says why Kafka cannot be read now. Unread means that Kafka has never been read. Set both before the desk is
	// used.
	Err    error
	Unread bool
	// Asked is what Workers returns.
	Asked desk.Workers

	mu      sync.Mutex
	view    *view.View
	number  uint64
	offset  int64 // of the next record in the letters' topic
	entry   int64 // of the next entry
	records map[ledger.ID]deadletter.Letter
	history map[ledger.ID][]desk.Step
	waiting []waiting // replays without an outcome
	running []string
}

// waiting is a replay without an outcome.
type waiting struct {
	id  ledger.ID
	n   int
	run string
}

// backend is the fake as the desk sees it.
type backend struct{ *Fake }

var (
	_ desk.Source = backend{}
	_ desk.Writer = backend{}
)

// Settings returns the settings of a desk with this backend.
func (f *Fake) Settings(a desk.Access) desk.Settings {
	return desk.Settings{Source: backend{f}, Writer: backend{f}, Group: group, Access: a}
}

// New returns a backend without letters.
func New() *Fake {
	f := &Fake{
		view: view.New(group), records: map[ledger.ID]deadletter.Letter{}, history: map[ledger.ID][]desk.Step{},
	}
	f.view.Retention = 30 * 24 * time.Hour
	return f
}

// Store stores a letter. Its Group and Version are filled in if they are empty.
func (f *Fake) Store(l deadletter.Letter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store(l)
}

// StoreAnother stores a letter that failed just now.
func (f *Fake) StoreAnother() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store(kinds()[0].letter(1_000_000+f.offset, rand.New(rand.NewPCG(9, uint64(f.offset))), time.Now()))
}

func (f *Fake) store(l deadletter.Letter) {
	if l.Group == "" {
		l.Group = group
	}
	if l.Version == "" {
		l.Version = "1.9.0+3fa2c1d"
	}
	r := l.Encode()
	r.Place = event.Place{Topic: "dlq." + group, Offset: f.offset}
	r.Time = l.FailedAt
	f.offset++
	f.number++
	if _, err := f.view.Letter(r); err != nil {
		panic(err)
	}
	id := ledger.ID{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Item: l.Item}
	f.records[id] = l
	f.history[id] = append(f.history[id], desk.Step{
		At: l.FailedAt, Event: "letter", By: l.Group + " " + l.Version, N: l.ReplayCount, Counted: true, Cause: l.Cause,
		Message: l.Message, Stage: stage(l.Stage), Version: l.Version, Tries: l.Attempts, Record: r.ID(), Run: l.ReplayRun,
	})
}

// Write writes an entry to the ledger. The entry's Group, At and By are filled in if they are empty. Write reports
// whether the entry changed the state of a letter.
func (f *Fake) Write(e ledger.Entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.write(e)
}

func (f *Fake) write(e ledger.Entry) bool {
	if e.Group == "" {
		e.Group = group
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if e.By == "" {
		e.By = "worker-1"
	}
	key, value, err := e.Record()
	if err != nil {
		panic(err)
	}
	_, counted := f.view.Entry(event.Record{Place: event.Place{Offset: f.entry}, Time: e.At, Key: key, Value: value})
	f.entry++
	f.number++
	if id, err := ledger.ParseID(e.ID); err == nil {
		f.history[id] = append(f.history[id], desk.Step{
			At: e.At, Event: string(e.Event), By: e.By, N: e.N, Counted: counted || e.Event == ledger.LetterRevealed,
			Reason: e.Reason, Note: e.Note, Newer: e.Newer, Cause: e.Cause, Run: e.Run,
		})
	}
	return counted
}

// Look implements [desk.Source]. It first finishes some replays, as workers would do over time.
func (f backend) Look(look func(*view.View)) desk.Reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := desk.Reading{At: time.Now().Add(-4 * time.Second), Number: f.number, Err: f.Err, Limits: f.limits()}
	switch {
	case f.Unread:
		r.At = time.Time{}
		look(view.New(group))
		return r
	case f.Err != nil:
		r.At = time.Now().Add(-3 * time.Minute)
	default:
		f.finish(7)
		r.Number, r.Running = f.number, slices.Clone(f.running)
	}
	look(f.view)
	return r
}

func (f *Fake) limits() replay.Limits {
	return replay.Limits{
		Group: group, Most: 1000, MaxReplays: 3,
		Consumed: func(event.Partition) bool { return true },
		Stored:   func(event.Place) bool { return true },
	}
}

// finish writes the outcomes of some replays. Every ninth letter is refused again.
func (f *Fake) finish(most int) {
	for _, w := range f.waiting[:min(most, len(f.waiting))] {
		if w.id.Offset%9 == 8 {
			l := f.records[w.id]
			l.ReplayCount, l.ReplayRun, l.FailedAt = w.n, w.run, time.Now()
			f.store(l)
			continue
		}
		f.write(ledger.Entry{Event: ledger.LetterResolved, ID: w.id.String(), N: w.n, Run: w.run})
	}
	f.waiting = f.waiting[min(most, len(f.waiting)):]
	if len(f.waiting) > 0 {
		return
	}
	for _, run := range f.running {
		f.write(ledger.Entry{Event: ledger.RunStop, Run: run, Why: "done"})
	}
	f.running = nil
}

// Letter implements [desk.Source].
func (f backend) Letter(_ context.Context, id ledger.ID) (desk.Letter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.view.Find(id)
	if !ok {
		return desk.Letter{}, fmt.Errorf("no letter %s: it may have expired", id)
	}
	if f.Err != nil {
		return desk.Letter{Letter: l}, f.Err
	}
	return desk.Letter{Letter: l, Event: f.records[id].Record, History: slices.Clone(f.history[id])}, nil
}

// Plan implements [desk.Source].
func (f backend) Plan(_ context.Context, filter view.Filter) (desk.Plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Err != nil {
		return desk.Plan{}, f.Err
	}
	p := desk.Plan{
		Plan: replay.NewPlan(f.view.Letters(filter), filter.IDs, f.limits()), At: time.Now(), Filter: filter,
	}
	if ready := p.Counts[replay.Ready]; ready > len(p.Letters) {
		p.Warnings = append(p.Warnings, desk.Note{Name: "limit", Facts: []any{ready, len(p.Letters)}})
	}
	for i := range p.Letters {
		p.Letters[i].Map([]event.Item{{Action: event.Call, OrderID: p.Letters[i].Order, Status: "paid"}})
	}
	return p, nil
}

// Start implements [desk.Writer].
func (f backend) Start(_ context.Context, p desk.Plan, _ desk.Options, s desk.Signature) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := fmt.Sprintf("r_%06d", f.entry)
	f.write(ledger.Entry{
		Event: ledger.RunStart, Run: run, By: s.By, Via: "desk", Reason: s.Reason, Filter: p.Filter.String(),
		Count: len(p.Letters),
	})
	for _, l := range p.Letters {
		f.write(ledger.Entry{
			Event: ledger.LetterReplay, ID: l.ID.String(), N: l.N + 1, Letter: l.Offset, Order: l.Order, Run: run, By: s.By,
			Reason: s.Reason,
		})
		f.waiting = append(f.waiting, waiting{l.ID, l.N + 1, run})
	}
	f.running = append(f.running, run)
	return run, nil
}

// Stop implements [desk.Writer].
func (f backend) Stop(run string, s desk.Signature) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.running, run)
	if i < 0 {
		return fmt.Errorf("run %q cannot be stopped here: it has ended, or it belongs to another process", run)
	}
	f.write(ledger.Entry{Event: ledger.RunStop, Run: run, Why: "interrupted: stopped by " + s.By})
	f.running = slices.Delete(f.running, i, i+1)
	return nil
}

// Change implements [desk.Writer].
func (f backend) Change(
	_ context.Context, what ledger.Event, ids []ledger.ID, s desk.Signature,
) ([]desk.Changed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []desk.Changed
	for _, id := range ids {
		l, _ := f.view.Find(id)
		counted := f.write(ledger.Entry{
			Event: what, ID: id.String(), N: l.Ledger.N, By: s.By, Via: "desk", Reason: s.Reason, Order: l.OrderID,
		})
		is, _ := f.view.Find(id)
		all = append(all, desk.Changed{ID: id, Counted: counted, State: is.Ledger.State})
	}
	return all, f.Err
}

// Reveal implements [desk.Writer].
func (f backend) Reveal(_ context.Context, id ledger.ID, s desk.Signature) error {
	if f.Err != nil {
		return f.Err
	}
	f.Write(ledger.Entry{Event: ledger.LetterRevealed, ID: id.String(), By: s.By, Via: "desk", Reason: s.Reason})
	return nil
}

// Pause implements [desk.Writer].
func (f backend) Pause(_ context.Context, s desk.Signature) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Asked.Pauses = append(f.Asked.Pauses, ledger.Entry{
		Event: ledger.GuardPause, At: time.Now(), By: s.By, Reason: s.Reason, Via: "desk",
	})
	return f.Err
}

// Resume implements [desk.Writer].
func (f backend) Resume(context.Context, desk.Signature) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Asked.Pauses = nil
	return f.Err
}

// stage returns the word for a letter's stage.
func stage(header string) string {
	if header == deadletter.StageMapping {
		return "mapping"
	}
	return "call"
}
