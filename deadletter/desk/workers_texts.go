package desk

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
)

// state returns a worker's state in words: "running", "paused (LeadHit is down)".
func (t *texts) state(s *status.Worker) any {
	if s.Paused {
		return t.t("worker.paused", t.word("pause", s.State))
	}
	return t.word("phase", s.State)
}

// advice explains a state and what to do about it. It distinguishes pauses that end automatically from those that wait
// for a person.
func (t *texts) advice(s *status.Worker) any {
	switch s.State {
	case "unauthorised":
		return t.t("advice.unauthorised")
	case "misconfigured":
		return t.t("advice.misconfigured")
	case "outage":
		return t.t("advice.outage")
	case ledger.Flood:
		return t.t("advice.flood")
	case ledger.ByHand:
		return t.t("advice.by-hand")
	case "starting", "waiting", "joining":
		if len(s.Waits) == 0 {
			return t.t("advice.starting")
		}
	}
	return ""
}

// floodReason matches the reason that a worker's flood guard writes when it pauses.
var floodReason = regexp.MustCompile(`^(\d+) of the last (\d+) (?:items|outcomes) were dead letters, of (\d+) orders$`)

// flooded returns the reason for a pause by the flood guard: in the page's language if the reason matches floodReason,
// otherwise as the worker wrote it.
func (t *texts) flooded(reason string) any {
	numbers := floodReason.FindStringSubmatch(reason)
	if numbers == nil {
		return reason
	}
	return t.t("flood.reason", numbers[1], numbers[2], numbers[3])
}

// nextCall returns in words when a waiting order's next call is due. A call that is due in less than half a second is
// shown as due now, because the time would round to 0 s. Storing a letter is never paused, because it needs Kafka, not
// LeadHit.
func (t *texts) nextCall(o waitingOrder) any {
	switch {
	case o.Next != nil && o.Next.Sub(o.at) >= time.Second/2:
		return t.t("time.in", t.lasting(o.Next.Sub(o.at)))
	case o.paused && !o.Letter:
		return t.t("waiting.paused")
	}
	return t.t("waiting.now")
}

// perSecond returns the limit on calls per second, in words.
func (t *texts) perSecond(s *status.Worker) any {
	if s.PerSecond <= 0 {
		return t.t("worker.pace.none")
	}
	return t.t("worker.pace", strconv.FormatFloat(s.PerSecond, 'f', -1, 64))
}

// offset returns an offset as text, or a dash if it is not known yet. The digits are not grouped, because people copy
// offsets.
func offset(n int64) string {
	if n < 0 {
		return "–"
	}
	return strconv.FormatInt(n, 10)
}

// workerView is a worker as its card shows it.
type workerView struct {
	*status.Worker

	URL        string
	Err        error
	Partitions []status.Partition // at most mostPartitions; if there are more, those with the oldest events
	Rest       int                // partitions that are not listed
	RestEvents int                // unfinished events in them
	Outcomes   []outcomeView
	// Told reports whether the page already shows the worker's pause above the cards.
	Told bool
}

// mostPartitions limits how many partitions of a worker have a line of their own.
const mostPartitions = 20

// newWorkerView refuses the status of a worker from another group, because DESK_WORKERS may name a Service that selects
// the workers of several groups. If there are many partitions, it keeps those with the oldest events, and adds up the
// rest.
func newWorkerView(w Worker, group string) workerView {
	v := workerView{URL: w.URL, Err: w.Err, Worker: w.Status}
	switch {
	case v.Worker == nil:
		v.Err = cmp.Or(v.Err, errSilent)
		return v
	case group != "" && w.Status.Group != group:
		v.Worker, v.Err = nil, fmt.Errorf("it belongs to group %s", w.Status.Group)
		return v
	}
	v.Partitions = slices.Clone(w.Status.Partitions)
	if len(v.Partitions) > mostPartitions {
		slices.SortStableFunc(v.Partitions, func(a, b status.Partition) int {
			return cmp.Or(cmp.Compare(oldest(b), oldest(a)), cmp.Compare(b.Unfinished, a.Unfinished))
		})
		for _, p := range v.Partitions[mostPartitions:] {
			v.Rest++
			v.RestEvents += p.Unfinished
		}
		v.Partitions = v.Partitions[:mostPartitions]
	}
	v.Outcomes = outcomesOf(w.Status)
	return v
}

var errSilent = errors.New("it did not respond")

// oldest returns the age of a partition's oldest unfinished event, including events that are held back. This age shows
// that a partition makes no progress; the number of events would only show that the partition is busy.
func oldest(p status.Partition) float64 {
	if p.OpenTransaction != nil {
		return max(p.OldestAge, p.OpenTransaction.Age)
	}
	return p.OldestAge
}

// Tone rates the worker: good, bad, busy or warn.
func (v workerView) Tone() string {
	switch {
	case v.Worker == nil, len(v.Problems) > 0:
		return "bad"
	case v.Paused:
		return "warn"
	case v.State != "running" || len(v.Waits) > 0:
		return "busy"
	}
	return "good"
}

// Opened reports whether the partitions are shown at once, because they may show why the worker waits.
func (v workerView) Opened() bool { return len(v.Waits)+len(v.Problems) > 0 || v.HeldBack > 0 }

// Lasts returns the time since the state began, by the worker's clock.
func (v workerView) Lasts() time.Duration { return v.At.Sub(v.Since) }

// WaitsFor returns how long the wait w has lasted, by the worker's clock.
func (v workerView) WaitsFor(w status.Wait) time.Duration { return v.At.Sub(w.Since) }

// Backlog counts the events after the committed offsets.
func (v workerView) Backlog() (n int64) {
	for _, p := range v.Worker.Partitions {
		if p.Committed >= 0 && p.End > p.Committed {
			n += p.End - p.Committed
		}
	}
	return n
}

// WaitingOrders counts the orders that wait. A worker of an older release lists orders, but does not count
// them.
func (v workerView) WaitingOrders() int { return max(v.Waiting, len(v.Orders)) }

// LettersLately counts the letters stored in the last hour.
func (v workerView) LettersLately() (n int) {
	for _, c := range v.LastHour {
		n += c.Letters
	}
	return n
}

// Causes lists the causes of the last hour's letters, each with its number of letters.
func (v workerView) Causes() string {
	var all []string
	for _, c := range v.LastHour {
		all = append(all, strconv.Itoa(c.Letters)+" × "+c.Cause)
	}
	return strings.Join(all, ", ")
}

// Warnings returns the topics' flaws that do not stop the worker; the fatal flaws are listed as problems.
func (v workerView) Warnings() (all []string) {
	for _, f := range v.Flaws {
		if !f.Fatal {
			all = append(all, f.Topic+": "+f.String())
		}
	}
	return all
}

// outcomeView is a group of waiting orders with the same last outcome.
type outcomeView struct {
	Said   string
	Letter bool // their letters cannot be stored
	Count  int
	Orders []waitingOrder
}

// More counts the orders that the worker does not list.
func (v outcomeView) More() int { return v.Count - len(v.Orders) }

// waitingOrder is an order that waits, with the time by its worker's clock.
type waitingOrder struct {
	status.WaitingOrder

	at     time.Time
	paused bool
}

// Age returns the age of the order's event.
func (o waitingOrder) Age() time.Duration { return o.at.Sub(o.Time) }

// outcomesOf groups the waiting orders by their last outcome, the largest group first. If many orders have the same
// outcome, a reader sees at once that the fault lies with LeadHit, not with an order.
func outcomesOf(s *status.Worker) []outcomeView {
	byOutcome := map[status.Outcome]int{}
	var all []outcomeView
	for _, o := range s.Orders {
		i, found := byOutcome[o.Outcome()]
		if !found {
			i = len(all)
			byOutcome[o.Outcome()] = i
			all = append(all, outcomeView{Said: outcome(o.Cause, o.Message), Letter: o.Letter})
		}
		all[i].Orders = append(all[i].Orders, waitingOrder{o, s.At, s.Paused})
		all[i].Count++
	}
	for _, c := range s.Outcomes {
		if i, found := byOutcome[c.Outcome]; found {
			all[i].Count = max(all[i].Count, c.Orders)
		}
	}
	slices.SortStableFunc(all, func(a, b outcomeView) int { return cmp.Compare(b.Count, a.Count) })
	return all
}
