package observe

import (
	"cmp"
	"slices"
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/status"
)

// listedOrders is how many waiting orders a status lists, oldest events first. The limit keeps the page small in an
// outage, when thousands of orders wait.
const listedOrders = 20

// Status returns the current status without version, group, replays, problems and flaws, which the metrics do not know.
func (m *Metrics) Status(s consumer.State, waiting []snapshot.WaitingOrder) status.Worker {
	now, d := time.Now(), s.Dispatch
	out := status.Worker{
		Schema: "status.v1", At: now,
		State: word(s), Paused: d.Pause.Kind != "", Phase: s.Phase, Since: s.Since, Reason: d.Pause.Reason,
		By:     d.Pause.By,
		Events: s.Fetched, Finished: d.Finished, InFlight: d.InFlight, Limit: d.Limit, PerSecond: d.PerSecond,
		Waiting: d.Waiting, Blocked: d.Blocked, LettersInAir: d.Letters, TwoPartitions: m.spread.count(),
		LastHour: m.lately.causes(now), Waits: []status.Wait{}, Flaws: []status.TopicFlaw{}, Orders: []status.WaitingOrder{},
		Partitions: []status.Partition{},
	}
	out.Repeats = d.Repeats
	out.Calls, out.Retries, out.Letters = m.totals()
	out.OldestAge, out.Lag = ages(now, s, "")
	out.HeldBack, out.HeldBackAge = heldBack(now, s, "")
	if !d.Pause.Since.IsZero() {
		out.Since = d.Pause.Since
	}
	if d.Quiet.After(now) {
		out.RetryAfter = &d.Quiet
	}
	for _, wait := range s.Waits {
		out.Waits = append(out.Waits, status.Wait(wait))
	}
	for _, o := range waiting[:min(len(waiting), listedOrders)] {
		out.Orders = append(out.Orders, waitingOrder(o))
	}
	out.Outcomes = byOutcome(waiting)
	for _, p := range d.Partitions {
		out.Partitions = append(out.Partitions, status.Partition{
			Topic: p.Topic, Partition: p.Number, Committed: p.Committed, Fetched: p.Position, End: s.Ends[p.Partition],
			Unfinished: p.Unfinished, OldestOffset: p.OldestOffset, OldestAge: age(now, p.Oldest),
			WindowFull: p.Resting, Unknown: p.Suspect, OpenTransaction: openTransaction(now, s, p.Partition),
		})
	}
	return out
}

func waitingOrder(o snapshot.WaitingOrder) status.WaitingOrder {
	out := status.WaitingOrder{
		Event: o.ID(), Order: o.Order, Status: o.Status, Time: o.Since,
		Tries: o.Attempts, Letter: o.Letter, Cause: o.Last.Cause, Code: o.Last.Code, Message: o.Last.Message,
	}
	if !o.Next.IsZero() {
		out.Next = &o.Next
	}
	return out
}

// OrderStatusOf returns what is left to do for an order.
func OrderStatusOf(order string, items []snapshot.OrderItem, more int) *status.Order {
	out := &status.Order{Order: order, Items: []status.Item{}, More: more}
	for _, i := range items {
		item := status.Item{
			Event: i.ID.String(), Replay: i.Replay, Status: i.Status, Doing: i.Doing, Behind: i.Behind, Tries: i.Attempts,
			Repeat: i.Repeat, Cause: i.Last.Cause, Code: i.Last.Code, Message: i.Last.Message,
		}
		if !i.Next.IsZero() {
			item.Next = &i.Next
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// byOutcome counts waiting orders by their last outcome.
func byOutcome(waiting []snapshot.WaitingOrder) []status.OutcomeCount {
	counts := make(map[status.Outcome]int)
	for _, o := range waiting {
		counts[waitingOrder(o).Outcome()]++
	}
	all := make([]status.OutcomeCount, 0, len(counts))
	for outcome, n := range counts {
		all = append(all, status.OutcomeCount{Outcome: outcome, Orders: n})
	}
	slices.SortFunc(all, func(a, b status.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Orders, a.Orders), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Code, b.Code),
			cmp.Compare(number(a.Letter), number(b.Letter)))
	})
	return all[:min(len(all), listedOrders)]
}

// word returns the state as metrics name it.
func word(s consumer.State) string {
	if s.Dispatch.Pause.Kind != "" {
		return s.Dispatch.Pause.Kind
	}
	return s.Phase
}

// openTransaction returns the open transaction that holds back a partition's events, or nil if there is none.
func openTransaction(now time.Time, s consumer.State, p event.Partition) *status.OpenTransaction {
	held, open := s.HeldBack[p]
	if !open {
		return nil
	}
	return &status.OpenTransaction{
		LastStable: held.Offset, HeldBack: held.Events, Since: held.Since, Age: age(now, held.Since),
	}
}

// heldBack returns the number of events that open transactions hold back in a topic, and the age of the oldest. If
// topic is "", the figures cover all topics.
func heldBack(now time.Time, s consumer.State, topic string) (events int64, oldest float64) {
	for _, p := range s.Dispatch.Partitions {
		if held, open := s.HeldBack[p.Partition]; open && (topic == "" || topic == p.Topic) {
			events += held.Events
			oldest = max(oldest, age(now, held.Since))
		}
	}
	return events, oldest
}

// ages returns the age of the oldest unfinished event, and of the oldest one that has had no call and is not blocked,
// in one topic, or in all topics if topic is "". Events that an open transaction holds back count for both ages.
func ages(now time.Time, s consumer.State, topic string) (oldest, untried float64) {
	_, held := heldBack(now, s, topic)
	oldest, untried = held, held
	for _, p := range s.Dispatch.Partitions {
		if topic == "" || topic == p.Topic {
			oldest = max(oldest, age(now, p.Oldest))
			untried = max(untried, age(now, p.Untried))
		}
	}
	return oldest, untried
}

func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
