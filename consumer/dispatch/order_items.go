package dispatch

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
)

// listedItems is the maximum number of items that OrderItems lists. An order normally has a few, but a broken producer
// may write many more.
const listedItems = 200

// OrderItems returns what is left to do for one order, sorted by place, and how many items it leaves out. It visits the
// order's lanes, the timers and the letters that are not stored, but not all unfinished events.
func (d *Dispatcher) OrderItems(order string) (items []snapshot.OrderItem, more int) {
	tasks, next := d.refusedOf(d.tasksOf(order), order)
	inLane := map[ledger.ID]bool{}
	for _, t := range tasks {
		if t.replay != nil {
			inLane[t.replay.id] = true
		}
		it := t.item()
		i := snapshot.OrderItem{
			ID: t.id(), Replay: t.nthReplay(), Status: it.Status, Doing: t.doing(), Attempts: it.attempts, Next: next[t],
			Last: it.last(), Repeat: it.repeat,
		}
		if i.Doing == "blocked" {
			i.Behind = t.behind()
		}
		items = append(items, i)
	}
	for is := range d.letters.Order(order) {
		r := d.replays[is.ID]
		if r == nil || r.over || inLane[is.ID] {
			continue
		}
		what := r.of.replaysWaitFor()
		if slices.Contains(d.taken, r) {
			what = r.waitsFor()
		}
		items = append(items, snapshot.OrderItem{ID: is.ID, Replay: r.n, Doing: what})
	}
	slices.SortFunc(items, func(a, b snapshot.OrderItem) int {
		return cmp.Or(cmp.Compare(a.ID.Topic, b.ID.Topic), cmp.Compare(a.ID.Partition, b.ID.Partition),
			cmp.Compare(a.ID.Offset, b.ID.Offset), cmp.Compare(a.ID.Item, b.ID.Item))
	})
	listed := min(len(items), listedItems)
	return items[:listed], len(items) - listed
}

// tasksOf returns the tasks in the order's lanes, including finished ones that no acknowledged commit covers.
func (d *Dispatcher) tasksOf(order string) []task {
	var tasks []task
	numbers := map[int]bool{}
	for _, p := range d.order {
		l := d.lanes[laneKey{p.Number, order}]
		if l == nil || numbers[p.Number] { // topics share lanes
			continue
		}
		numbers[p.Number] = true
		if l.unacked != nil {
			tasks = l.unacked.tasksOf(tasks, order)
		}
		for _, e := range l.events {
			tasks = e.tasksOf(tasks, order)
		}
	}
	return tasks
}

// tasksOf appends the event's tasks for an order.
func (e *pending) tasksOf(tasks []task, order string) []task {
	for i := range e.items {
		it := &e.items[i]
		if it.OrderID == order && it.Action == event.Call && (it.attempts > 0 || it.repeat || it.state != done) {
			tasks = append(tasks, task{e, i})
		}
	}
	return tasks
}

// refusedOf appends an order's tasks that the mapping refused and whose letters are not stored. These tasks are in no
// lane. It also returns the times at which the tasks with a timer are due, because it visits all timers anyway.
func (d *Dispatcher) refusedOf(tasks []task, order string) ([]task, map[task]time.Time) {
	refused := func(t task) {
		if it := t.item(); it.OrderID == order && it.Action == event.Refuse && it.state == storing && !t.dropped {
			tasks = append(tasks, t)
		}
	}
	due := map[task]time.Time{}
	for i := range d.timers.inner.items {
		if t := &d.timers.inner.items[i]; t.item().OrderID == order {
			due[t.task] = t.at
			refused(t.task)
		}
	}
	for _, list := range [][]task{d.refused, d.withheld, d.urgent} {
		for _, t := range list {
			refused(t)
		}
	}
	for _, t := range d.stores {
		refused(t)
	}
	return tasks, due
}

// doing returns the task's OrderItem.Doing.
func (t task) doing() string {
	switch s := t.item().state; {
	case s == storing:
		return "storing"
	case s == done && t.replay != nil:
		return "outcome"
	case s == done:
		return "commit"
	case t.waits > 0:
		return "blocked"
	case s == inFlight:
		return "in flight"
	case s == waiting:
		return "waiting"
	case s == marking:
		return "marking"
	default:
		return "ready"
	}
}

// behind returns the event that a blocked event waits for. It prefers the lane of the task's own order, because that is
// the order people ask about.
func (t task) behind() string {
	order := t.item().OrderID
	lanes := slices.SortedStableFunc(slices.Values(t.lanes), func(a, b *lane) int {
		return cmp.Compare(number(a.key.order != order), number(b.key.order != order))
	})
	for _, l := range lanes {
		switch i := slices.Index(l.events, t.pending); {
		case i > 0:
			return l.events[i-1].place()
		case l.unacked != nil:
			return l.unacked.place()
		}
	}
	return ""
}

func (e *pending) place() string {
	return event.Place{Topic: e.of.Topic, Partition: e.of.Number, Offset: e.offset}.ID()
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}
