package sandbox

import (
	"fmt"
	"slices"
)

// Event is one status change that an order's log asks for.
type Event struct {
	// ID is the id of its call.
	ID     string
	Status string
}

// Report is what an audit found. Each finding is a sentence for people; an empty list is good news.
type Report struct {
	// Lost are events that were neither executed nor refused.
	Lost []string
	// Backward are calls with an older status that arrived after a newer one of the order had been executed.
	Backward []string
	// Overlapping are calls of an order that arrived while another event of it was in the air. A call that the client had
	// given up does not count, for nobody can take it back.
	Overlapping []string
	// Strange are calls that no event asks for, or that carry another order or status than their event.
	Strange []string
	// Repeated counts executions beyond each event's first: at-least-once delivery allows them.
	Repeated int
	// Executed and Refused count events.
	Executed, Refused int
}

// Err returns the first finding of each kind as an error, and nil if there is none.
func (r Report) Err() error {
	for _, found := range []struct {
		what string
		list []string
	}{
		{"lost", r.Lost},
		{"backward", r.Backward},
		{"overlapping", r.Overlapping},
		{"strange", r.Strange},
	} {
		if len(found.list) > 0 {
			return fmt.Errorf("%d %s, the first: %s", len(found.list), found.what, found.list[0])
		}
	}
	return nil
}

// Audit compares calls in order of arrival, as [Sandbox.Calls] returns them, with the events that were to be told: those of
// each order in the order of its log. Ids must be unique.
func Audit(calls []Call, want map[string][]Event) Report {
	a := audit{events: make(map[string]*told), orders: make(map[string]*state)}
	for order, events := range want {
		for i, event := range events {
			a.events[event.ID] = &told{order: order, index: i, status: event.Status}
		}
		a.orders[order] = &state{newest: -1}
	}
	for i := range calls {
		a.add(&calls[i])
	}
	for id, event := range a.events {
		switch {
		case event.executed > 0:
			a.report.Executed++
			a.report.Repeated += event.executed - 1
		case event.refused:
			a.report.Refused++
		default:
			a.report.Lost = append(a.report.Lost, fmt.Sprintf("%s of order %s (%s)", id, event.order, event.status))
		}
	}
	slices.Sort(a.report.Lost)
	return a.report
}

type audit struct {
	events map[string]*told
	orders map[string]*state
	report Report
}

// told is what the calls said about one event.
type told struct {
	order    string
	index    int // in the order's log
	status   string
	executed int
	refused  bool
}

// state is where one order stands.
type state struct {
	newest int // the index of the newest event that was executed
	last   *Call
	by     *told
}

func (a *audit) add(c *Call) {
	if c.ID == "" && c.Answer == Abandoned {
		return // cut off before it could be read
	}
	event := a.events[c.ID]
	if event == nil || event.order != c.OrderID || event.status != c.Status {
		a.report.Strange = append(a.report.Strange, fmt.Sprintf("call %d: %s of order %s (%s)", c.Seq, c.ID, c.OrderID, c.Status))
		return
	}
	order := a.orders[event.order]
	if event.index < order.newest {
		a.report.Backward = append(a.report.Backward,
			fmt.Sprintf("call %d: %s of order %s (%s), after its event %d", c.Seq, c.ID, c.OrderID, c.Status, order.newest))
	}
	if last := order.last; last != nil && order.by != event && last.inAir(c) {
		a.report.Overlapping = append(a.report.Overlapping,
			fmt.Sprintf("calls %d and %d of order %s: %s and %s", last.Seq, c.Seq, c.OrderID, last.ID, c.ID))
	}
	order.last, order.by = c, event
	if c.Executed {
		event.executed++
		order.newest = max(order.newest, event.index)
	}
	event.refused = event.refused || c.Answer == Refused
}

// inAir says whether the client was still waiting for the call when next arrived.
func (c *Call) inAir(next *Call) bool {
	if c.Answer == Abandoned || c.Answer == Lost {
		return false
	}
	return c.Answer == Pending || c.Ended.After(next.Arrived)
}
