package desktest

import (
	"context"
	"slices"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// Order implements [desk.Source]. It knows the orders of the stored letters and three more: 4711 is finished, 4712
// waits for LeadHit, and 4713 is only partly read.
func (f backend) Order(ctx context.Context, order string, since time.Time) (desk.Order, error) {
	if f.Err != nil {
		return desk.Order{}, f.Err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o := desk.Order{ID: order, Since: since, Topics: []string{"orders"}, Read: 48_210, Seconds: 1.3, Complete: true}
	now := time.Now()
	switch order {
	case "4711":
		o.Events = finished(now)
	case "4712":
		o.Events = append(finished(now), waitingFor(now)...)
	case "4713":
		o.Complete, o.Unmapped = false, 2
		o.Events = finished(now)[:1]
		o.Notes = []desk.Note{
			{Name: "workers-silent", Facts: []any{group}}, {Text: "http://10.0.4.17:8080/status?order=4713: connection refused"},
		}
	default:
		o.Events = f.lettersOf(order)
	}
	return o, ctx.Err()
}

// finished returns four events: two that LeadHit accepted, one that repeats the first of them, and one that the mapping
// ignores.
func finished(now time.Time) []desk.OrderEvent {
	return []desk.OrderEvent{
		accepted("orders/3/117204", now.Add(-50*time.Hour), "submitted"),
		{
			ID: "orders/3/117391", Time: now.Add(-49 * time.Hour), Action: "ignore", State: "finished", Before: -1,
			DecidedBy: `rules[0]: event == "stock.changed"`,
		},
		{
			ID: "orders/3/117512", Time: now.Add(-48 * time.Hour), Action: "call", Status: "submitted", State: "finished",
			Before: -1, Repeats: "orders/3/117204",
		},
		accepted("orders/3/118005", now.Add(-26*time.Hour), "paid"),
	}
}

func accepted(id string, at time.Time, status string) desk.OrderEvent {
	return desk.OrderEvent{ID: id, Time: at, Action: "call", Status: status, State: "finished", Before: -1}
}

// waitingFor returns three events: one that is retried, one that is blocked by the first, and one that no worker has
// fetched.
func waitingFor(now time.Time) []desk.OrderEvent {
	return []desk.OrderEvent{
		{
			ID: "orders/3/118273", Time: now.Add(-11 * time.Minute), Action: "call", Status: "paid", State: "waiting",
			Before: -1,
			Work: &desk.OrderWork{
				Doing: "waiting", Tries: 7, Next: now.Add(41 * time.Second), Cause: "HTTP 503", Code: 503,
				Message: "http 503 Service Unavailable: no upstream is healthy", Paused: "outage",
			},
		},
		{
			ID: "orders/3/118301", Time: now.Add(-4 * time.Minute), Action: "call", Status: "canceled", State: "blocked",
			Before: -1,
			Work:   &desk.OrderWork{Doing: "blocked", Behind: "orders/3/118273"},
		},
		{
			ID: "orders/3/119990", Time: now.Add(-9 * time.Second), Action: "refuse", Cause: "UnknownStatus",
			Message: "shop: the status is in no list: на удержании", DecidedBy: "status", State: "not reached", Before: 312,
		},
	}
}

// lettersOf returns an event that LeadHit accepted, followed by the events of an order's letters.
func (f *Fake) lettersOf(order string) (all []desk.OrderEvent) {
	if order == "" {
		return nil
	}
	for l := range f.view.Letters(view.Filter{Orders: []string{order}}) {
		status := l.Ledger
		e := desk.OrderEvent{
			ID: l.ID(), Time: l.Time, Action: "call", Status: l.Status, State: "letter", Before: -1, Letter: &status,
			History: f.history[l.Ledger.ID],
		}
		if status.State == fold.Requeued {
			e.Work = &desk.OrderWork{Replay: status.N, Doing: "backlog"}
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b desk.OrderEvent) int { return a.Time.Compare(b.Time) })
	if len(all) > 0 {
		first := accepted("orders/3/80417", all[0].Time.Add(-time.Hour), "submitted")
		all = append([]desk.OrderEvent{first}, all...)
	}
	return all
}
