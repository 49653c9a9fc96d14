package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"leadhit-sync/consumer/event"
)

const (
	// mostOrders limits the orders whose calls are counted one by one. An order takes a few hundred bytes, so this is
	// tens of megabytes, little enough for a worker's pod.
	mostOrders = 200_000
	// mostGroups limits the groups in which items are counted, because a status that the mapping does not change may be
	// any text.
	mostGroups = 200
	// mostMinutes is the maximum number of minutes that are counted separately, about a month and a half. Times come
	// from producers, and may be anything.
	mostMinutes = 65_536
	// mostExamples limits the orders that are named as examples.
	mostExamples = 5
)

// tally counts the items of events. It is pure: no Kafka, no clock. Its memory is bounded, because preview may read a
// topic of any size.
type tally struct {
	events      int
	first, last time.Time
	topics      map[string]int
	outcomes    map[event.Action]int
	groups      map[groupKey]*group
	orders      *orders
	minutes     map[int64]minute // by the minute since 1970
	statuses    []string         // that LeadHit knows
	skips       bool             // the value of SKIP_REPEATS
	unequal     bool             // the topics have different numbers of partitions
	odd         oddTimes
}

// minute counts the calls in one minute, and how many of these are repeats.
type minute struct{ calls, repeats int }

// oddTimes counts the events whose times cannot be true. The counts per minute and the time span exclude them.
type oddTimes struct {
	Count int `json:"count"`
	// Example is the id of the first such event. Time is the event's time as text, because JSON times have no year
	// beyond 9999.
	Example string `json:"example,omitempty"`
	Time    string `json:"time,omitempty"`
}

// add counts an implausible time, and keeps one example. A wrong unit affects all events of a producer, so one example
// is enough.
func (o *oddTimes) add(e seen) {
	if e.odd.IsZero() {
		return
	}
	if o.Count++; o.Count == 1 {
		o.Example, o.Time = e.ID(), e.odd.UTC().Format(moment)
	}
}

// groupKey identifies a group. Items with equal keys are counted together.
type groupKey struct {
	action event.Action
	what   string // the status, or the cause
	status string // the shop's status, if the cause is UnknownStatus
	reason reason
}

// group is the JSON form of what was counted under one key.
type group struct {
	// What is the status of calls, or the cause of refusals.
	What string `json:"what,omitempty"`
	// Status is the shop's own status, if the cause is UnknownStatus.
	Status string `json:"status,omitempty"`
	// Mapping, By and Rule say what decided the result.
	Mapping string `json:"mapping,omitempty"`
	By      string `json:"by,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Count   int    `json:"count"`
	// Example is the id of the first event, and OrderID is its order. Message says what was found in the event.
	Example string `json:"example"`
	OrderID string `json:"order_id,omitempty"`
	Message string `json:"message,omitempty"`
}

// othersGroup is the name of the group that counts the items of all further groups, once there are mostGroups.
const othersGroup = "others"

func newTally(limit int, statuses []string, skips bool) *tally {
	return &tally{
		statuses: statuses, skips: skips,
		topics: make(map[string]int), outcomes: make(map[event.Action]int), groups: make(map[groupKey]*group),
		orders: newOrders(limit), minutes: make(map[int64]minute),
	}
}

// add counts an event and its items. It counts a repeat as a call too, because the summary says how many of the calls
// are repeats.
func (t *tally) add(e seen) {
	t.events++
	t.topics[e.Topic]++
	t.span(e.time)
	t.odd.add(e)
	for i, out := range e.items {
		t.outcomes[out.Action]++
		t.group(e, out, e.reasons[i])
		if out.Action != event.Call {
			continue
		}
		t.minute(e.time, t.orders.call(out.OrderID, out.Status, slices.Contains(t.statuses, out.Status), e))
	}
}

// span extends the time between the first event and the last, so that it includes at. A record may have no time.
func (t *tally) span(at time.Time) {
	if at.IsZero() {
		return
	}
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

// group counts an item together with those of the same kind. A call is grouped by its status alone, because many rules
// may lead to the same status, and LeadHit sees only the status. Each unknown status of the shop has a group of its
// own, because each is a line to add to the mapping.
func (t *tally) group(e seen, out event.Item, why reason) {
	key := groupKey{action: out.Action, what: out.Cause, reason: why}
	switch {
	case out.Action == event.Call:
		key = groupKey{action: out.Action, what: out.Status}
	case out.Cause == "UnknownStatus":
		key.status = out.Status
	}
	if t.groups[key] == nil && len(t.groups) >= mostGroups {
		key = groupKey{action: out.Action, what: othersGroup}
	}
	g := t.groups[key]
	if g == nil {
		g = &group{
			What: key.what, Status: key.status, Mapping: key.reason.mapping, By: key.reason.by, Rule: key.reason.rule,
			Example: e.ID(), OrderID: out.OrderID, Message: out.Message,
		}
		t.groups[key] = g
	}
	g.Count++
}

// minute counts a call in its minute. Once the limit is reached, new minutes are dropped, and the busiest one may be
// among them.
func (t *tally) minute(at time.Time, repeat bool) {
	if at.IsZero() {
		return
	}
	m := at.Unix() / 60
	in, known := t.minutes[m]
	if !known && len(t.minutes) >= mostMinutes {
		return
	}
	if in.calls++; repeat {
		in.repeats++
	}
	t.minutes[m] = in
}

// load describes a worker: how many calls may be in flight, and how long one takes.
type load struct {
	inFlight int
	latency  time.Duration
}

// summary is the result of a preview. Its JSON names never change; new ones may be added.
type summary struct {
	Schema string    `json:"schema"`
	Since  time.Time `json:"since"` // where reading started
	Events int       `json:"events"`
	// First and Last are times of events that were read. Implausible times appear only in OddTimes.
	First  time.Time      `json:"first_event,omitzero"`
	Last   time.Time      `json:"last_event,omitzero"`
	Topics map[string]int `json:"topics"` // the number of events in each

	// Calls, Ignored and Refused group the items by what the mapping asks for, the largest groups first. An event about
	// several orders has several items, so the sum of the counts may exceed Events.
	Calls   []group `json:"calls"`
	Ignored []group `json:"ignored"`
	Refused []group `json:"refused"`

	// Warnings are problems that are certain, not just likely.
	Warnings []string `json:"warnings"`
	// HeldBack lists the partitions in which an open transaction holds back events. No other figure includes these
	// events.
	HeldBack []heldBack `json:"held_back"`
	OddTimes oddTimes   `json:"unusable_times"`

	Orders ordersSummary `json:"orders"`
	Load   loadSummary   `json:"load"`
}

// ordersSummary has figures about individual orders. Beyond counts the calls for orders after the first mostOrders. If
// there are such calls, Needed is an upper bound, Calls is still exact, and the other figures are lower bounds.
type ordersSummary struct {
	// Count is the number of orders that were counted separately, at most mostOrders.
	Count int `json:"count"`
	Calls int `json:"calls"`
	// Repeats counts the calls that repeat the last status that LeadHit would have accepted for the order.
	Repeats int `json:"repeats_that_change_nothing"`
	// Needed is Calls minus Repeats. Skipped says whether a worker makes only these calls. It does so with
	// SKIP_REPEATS, unless one of the three reasons below applies.
	Needed  int  `json:"calls_without_repeats"`
	Skipped bool `json:"repeats_are_skipped"`
	// The reasons why a worker skips nothing: see tally and orders.
	unequal, spreads, unexplained bool
	// Spread counts the orders with events in two partitions. Kafka guarantees no sequence across partitions, so the
	// record key must be the order id.
	Spread    int           `json:"in_two_partitions"`
	Examples  []spreadOrder `json:"in_two_partitions_examples"`
	Busiest   []busyOrder   `json:"busiest"`
	Beyond    int           `json:"calls_beyond_limit"`
	PerMinute float64       `json:"per_minute"`
}

// busyOrder is an order with many calls. The calls run one at a time, so the order may limit the speed of its
// partition.
type busyOrder struct {
	OrderID string `json:"order_id"`
	Calls   int    `json:"calls"`
}

// spreadOrder is an order with events in two partitions. Partitions are written as topic/partition.
type spreadOrder struct {
	OrderID    string   `json:"order_id"`
	Partitions []string `json:"partitions"`
}

// loadSummary compares the calls that are needed with those that a worker can make.
type loadSummary struct {
	CallsPerMinute float64   `json:"calls_per_minute"` // on average
	Busiest        int       `json:"calls_in_busiest_minute"`
	BusiestMinute  time.Time `json:"busiest_minute,omitzero"`
	// Needed is the rate of the busiest minute. PerWorker is what one worker can do. Workers is how many are needed to
	// keep up.
	Needed    float64 `json:"needed_calls_per_second"`
	PerWorker float64 `json:"calls_per_second_of_a_worker"`
	Workers   int     `json:"workers"`
	// InFlight and LatencyMillis are what PerWorker assumes: CALLS_IN_FLIGHT, and the latency from the --latency flag.
	InFlight      int   `json:"calls_in_flight"`
	LatencyMillis int64 `json:"latency_ms"`
	// CatchUp is how many seconds one worker takes for all of these calls.
	CatchUp float64 `json:"catch_up_seconds"`
}

// summary computes how many workers the busiest minute needs, not the average one, because a group that only copes with
// the average falls behind every day.
func (t *tally) summary(l load) summary {
	s := summary{
		Schema: "preview.v1", Events: t.events, First: t.first.UTC(), Last: t.last.UTC(), Topics: t.topics,
		HeldBack: []heldBack{}, OddTimes: t.odd,
	}
	s.Calls, s.Ignored, s.Refused = t.sorted(event.Call), t.sorted(event.Ignore), t.sorted(event.Refuse)
	// Events within one minute would give absurd rates per minute.
	minutes := max(t.last.Sub(t.first).Minutes(), 1)
	calls := t.outcomes[event.Call]

	o := ordersSummary{
		Count: len(t.orders.known), Calls: calls, Repeats: t.orders.repeats(), Busiest: t.orders.busiest(),
		Beyond: t.orders.beyond, Skipped: t.skips && !t.unequal && !t.orders.spreads && !t.orders.unexplained,
		unequal: t.unequal, spreads: t.orders.spreads, unexplained: t.orders.unexplained,
	}
	o.Needed = calls - o.Repeats
	o.Spread, o.Examples = t.orders.spread()
	o.PerMinute = rounded(float64(o.Count) / minutes)
	s.Orders = o

	// By Little's law: calls per second = calls in flight / duration of one call.
	made := o.made()
	perWorker := float64(l.inFlight) / l.latency.Seconds()
	s.Load = loadSummary{
		CallsPerMinute: rounded(float64(made) / minutes), InFlight: l.inFlight, LatencyMillis: l.latency.Milliseconds(),
	}
	for m, in := range t.minutes {
		at, n := time.Unix(m*60, 0).UTC(), in.calls
		if o.Skipped {
			n -= in.repeats
		}
		if n > s.Load.Busiest || n == s.Load.Busiest && at.Before(s.Load.BusiestMinute) {
			s.Load.Busiest, s.Load.BusiestMinute = n, at
		}
	}
	needed := float64(s.Load.Busiest) / 60
	s.Load.Needed, s.Load.PerWorker = rounded(needed), rounded(perWorker)
	s.Load.Workers = max(1, int(math.Ceil(needed/perWorker)))
	s.Load.CatchUp = rounded(float64(made) / perWorker)
	return s
}

// sorted returns the groups of one kind, the largest first.
func (t *tally) sorted(action event.Action) []group {
	all := []group{}
	for key, g := range t.groups {
		if key.action == action {
			all = append(all, *g)
		}
	}
	slices.SortFunc(all, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What), cmp.Compare(a.Mapping, b.Mapping),
			cmp.Compare(a.By, b.By), cmp.Compare(a.Status, b.Status))
	})
	return all
}

// rounded keeps about three digits, because more would only look exact. Neither the latency nor tomorrow's number of
// events is known to within one per cent.
func rounded(x float64) float64 {
	switch {
	case x >= 100:
		return math.Round(x)
	case x >= 1:
		return math.Round(x*10) / 10
	}
	return math.Round(x*1000) / 1000
}
