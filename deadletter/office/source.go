package office

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/operator/workerpage"
	"leadhit-sync/deadletter/view"
)

// Look implements [desk.Source].
func (o *Office) Look(look func(*view.View)) desk.Reading {
	o.mu.Lock()
	r, base, is := o.reader, o.base, o.reading
	is.Running = slices.Sorted(maps.Keys(o.runs))
	o.mu.Unlock()
	is.Number = base + r.Look(look)
	return is
}

// Letter implements [desk.Source].
func (o *Office) Letter(ctx context.Context, id ledger.ID) (desk.Letter, error) {
	r := o.current()
	l, err := r.Find(ctx, id, false)
	if err != nil {
		return desk.Letter{Letter: l.Letter}, err
	}
	steps, err := r.HistoryOf(ctx, l.Letter)
	return desk.Letter{Letter: l.Letter, Event: l.Event, History: stepsOf(steps)}, err
}

// Plan implements [desk.Source].
func (o *Office) Plan(ctx context.Context, f view.Filter) (desk.Plan, error) {
	p, err := o.current().Plan(ctx, selection(f))
	return desk.Plan{Plan: p.Plan, At: time.Now(), Filter: f, Warnings: notesOf(p.Warnings), Missing: p.Missing}, err
}

// Workers implements [desk.Source].
func (o *Office) Workers(ctx context.Context) desk.Workers {
	w := desk.Workers{Group: o.settings.Group}
	w.Unread = o.refresh(ctx)
	w.Pauses = o.current().Pauses()
	pages, err := o.settings.Workers(ctx)
	if err != nil {
		w.Err = err
		return w
	}
	for _, a := range workerpage.Ask(ctx, pages) {
		one := desk.Worker{URL: a.URL, Status: a.Status}
		switch {
		case a.Error != "":
			one.Err = errors.New(a.Error)
		case a.Status.Group != o.settings.Group:
			one.Err, one.Status = errors.New("it belongs to group "+a.Status.Group), nil
		}
		w.Workers = append(w.Workers, one)
	}
	return w
}

// Order implements [desk.Source].
func (o *Office) Order(ctx context.Context, order string, since time.Time) (desk.Order, error) {
	found, err := o.current().ReadOrder(ctx, operator.OrderQuery{Order: order, Since: since, Workers: o.settings.Workers})
	if err != nil {
		return desk.Order{ID: order, Since: since}, err
	}
	shown := desk.Order{
		ID: found.Order, Since: found.Since, Topics: found.Topics, Read: found.Read, Seconds: found.Seconds,
		Complete: found.Complete, Unmapped: found.Unmapped, More: found.More, Notes: notesOf(found.Notes),
	}
	for _, w := range found.Workers {
		if w.Error != "" {
			shown.Notes = append(shown.Notes, desk.Note{Text: w.URL + ": " + w.Error})
		}
	}
	for _, e := range found.Events {
		shown.Events = append(shown.Events, orderEvent(e))
	}
	return shown, nil
}

// notesOf converts notes. It leaves out those that the desk already shows elsewhere.
func notesOf(notes []life.Note) (all []desk.Note) {
	for _, n := range notes {
		if n.Name != life.Unmapped && n.Name != life.LeftOut {
			all = append(all, desk.Note{Name: n.Name, Facts: n.Facts, Text: n.String()})
		}
	}
	return all
}

// orderEvent turns the command's form of an event into the page's form. The desk does not import the package that reads
// orders, so that its tests need no Kafka.
func orderEvent(e *life.Event) desk.OrderEvent {
	shown := desk.OrderEvent{
		ID: e.ID, Action: e.Action, Status: e.Status, Cause: e.Cause, Message: e.Message,
		DecidedBy: e.By, ByKey: e.ByKey, Repeats: e.Repeats,
		State: string(e.State), Before: -1, Time: timeOf(e.Time), History: stepsOf(e.History),
	}
	if e.Before != nil {
		shown.Before = *e.Before
	}
	if w := e.Work; w != nil {
		shown.Work = &desk.OrderWork{
			Replay: w.Replay, Doing: w.Doing, Behind: w.Behind, Tries: w.Tries, Next: timeOf(w.Next), Cause: w.Cause,
			Message: w.Message, Code: w.Code, Paused: w.Paused,
		}
	}
	if l := e.Letter; l != nil {
		shown.Letter = &fold.Status{
			State: l.State, Known: !l.Expired, N: l.Replays, Overtaken: l.Overtaken, Newer: l.Newer,
		}
	}
	return shown
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// stepsOf turns the command's steps, which have JSON names, into the page's steps, which have none.
func stepsOf(all []life.Step) []desk.Step {
	steps := make([]desk.Step, 0, len(all))
	for _, s := range all {
		steps = append(steps, desk.Step{
			At: s.At, Event: s.What, By: s.By, N: s.Replay, Counted: s.Counted, Reason: s.Reason, Note: s.Note,
			Newer: s.Newer, Cause: s.Cause, Run: s.Run, Force: s.Force, Message: s.Message, Stage: s.Stage, Record: s.Record,
			Version: s.Version, Tries: s.Tries,
		})
	}
	return steps
}
