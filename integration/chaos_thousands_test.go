package integration_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	thousandsLetters = 2000
	thousandsAtOnce  = 200 // letters that are requeued before each fault
	thousandsSeen    = 2   // letters per order
)

// testThousands: 2,000 letters are replayed while new events for their orders arrive. Meanwhile workers are killed
// seven times and frozen twice, for longer than their session timeout, and one more worker joins.
func (s *suite) testThousands(t *testing.T, cluster *apache.Cluster, seed uint64) {
	t.Helper()
	t.Run("two thousand replays", func(t *testing.T) {
		r := s.newRound(t, "thousands", cluster.Brokers(), s.binary, chaosWorkers+1)
		r.cluster = cluster
		joins := r.victims[chaosWorkers]
		for _, v := range r.victims[:chaosWorkers] {
			r.start(t, v)
		}
		for _, v := range r.victims[:chaosWorkers] {
			r.joined(t, v)
		}
		orders := shop.NewOrders("order", thousandsLetters/thousandsSeen, seed)
		r.write(t, thousandsEvents(orders, shop.NewOrders("other", 500, seed)))
		r.caughtUp(t, 2*time.Minute)
		o := r.operators(t, seed)
		o.readUntil(t, "2,000 letters", func() bool { return len(o.ledger.IDs) == thousandsLetters })
		o.learn(true)
		r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = 100 * time.Millisecond }) // so that kills find replays in flight

		var asked atomic.Int64 // letters requeued so far; the orders of the last two batches get new events
		next := thousandsSeen
		stop := r.stream(t, 100, func() audit.Event {
			last := int(asked.Load()) / thousandsSeen
			first := max(0, last-2*thousandsAtOnce/thousandsSeen)
			next++
			return orders.NextOf(first + next*7919%max(1, last-first))
		})
		var join nemesis.Fault
		kill := nemesis.Fault{Kind: nemesis.KillWorker, For: time.Second}
		freeze := nemesis.Fault{Kind: nemesis.FreezeWorker, For: 9 * time.Second}
		for i, f := range []nemesis.Fault{kill, kill, freeze, kill, kill, join, kill, freeze, kill, kill} {
			o.ask(t.Context(), t, int(asked.Load()))
			asked.Add(thousandsAtOnce)
			if f != join {
				f.Which, f.Calm = i, time.Duration(i)*50*time.Millisecond
				r.strike(t, f)
				continue
			}
			r.start(t, joins)
			r.joined(t, joins)
			r.note("%s joined", joins.life.name)
		}
		stop()
		r.caughtUp(t, 2*time.Minute)
		o.readUntil(t, "the outcome of each replay", func() bool { return o.ledger.Requeued() == 0 })
		r.ledger = &o.ledger
		for _, v := range r.up(t) {
			r.end(t, v)
		}
		r.thousandsEnded(t, o)
	})
}

// thousandsEvents returns events that LeadHit refuses, two for each order. Three events for other orders, which LeadHit
// accepts, precede each of them. With fewer accepted events, the flood guard would pause the calls.
func thousandsEvents(orders, others *shop.Orders) []audit.Event {
	var events []audit.Event
	for i := range thousandsLetters {
		event := orders.RefusedOf(i / thousandsSeen)
		event.Want = audit.Judged
		events = append(events, others.Next(), others.Next(), others.Next(), event)
	}
	return events
}

// ask requeues thousandsAtOnce letters, starting with the one at index from.
func (o *operators) ask(ctx context.Context, t *testing.T, from int) {
	t.Helper()
	var entries []*kgo.Record
	for _, event := range o.events {
		if event.Want != audit.Judged {
			continue
		}
		if from--; from < 0 && from >= -thousandsAtOnce {
			entries = append(entries, o.entry("replay", event.LetterID(), 1, "alice"))
		}
	}
	o.write(ctx, entries)
}

// readUntil follows the dead-letter topic and the ledger until the given condition is true. A wait of more than two
// minutes is a finding.
func (o *operators) readUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	began := time.Now()
	for o.read(t.Context(), 500*time.Millisecond); !is(); o.read(t.Context(), 500*time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			o.blame("%s: not there after %v: %v", what, time.Since(began), o.ledger.Counts)
			return
		}
	}
}

// thousandsEnded judges the round. In addition to the rules of every round, every letter must have one outcome, and
// LeadHit must have the status of the newest event that it accepted for each order.
func (r *round) thousandsEnded(t *testing.T, o *operators) {
	t.Helper()
	report := r.compare(t)
	counts := o.ledger.Counts
	if n := counts["resolved"] + counts["superseded"]; counts["replay"] != thousandsLetters || n != thousandsLetters {
		r.blame("got %v, want a replay and an outcome of each of %d letters", counts, thousandsLetters)
	}
	for _, state := range []string{"resolved", "superseded"} {
		var list struct{ Total int }
		r.commandJSON(t, &list, "letters", "list", "--state", state, "--limit", "1", "-o", "json")
		if list.Total != counts[state] {
			r.blame("letters list finds %d letters that are %s, the ledger says %d", list.Total, state, counts[state])
		}
	}
	stale := r.staleOrders()
	if len(stale) > len(report.Late) { // calls from before a freeze cannot be taken back
		r.blame("LeadHit's last status is not that of the newest accepted event: %q", stale)
	}
	// When a worker is lost, the replays that it had in flight are sent again, at most CALLS_IN_FLIGHT each time.
	repeats, losses := r.repeatedReplays(), len(r.losses)+len(r.memberships())
	if repeats > losses*chaosInFlight {
		r.blame("%d accepted replays were sent again after %d losses", repeats, losses)
	}
	r.judge(t, report)
	tally := newTally("two thousand replays")
	tally.ask(counts)
	tally.add(r, report)
	t.Logf("%s; accepted replays that were sent again %d, after %d losses; orders with an older status in the end %d; findings %d",
		tally.line(), repeats, losses, len(stale), len(r.wrong))
	r.keepCalls(t)
}

// repeatedReplays counts the calls that LeadHit executed although it had already executed one for the same letter.
func (r *round) repeatedReplays() int {
	letters := make(map[string]bool)
	for _, event := range r.events {
		letters[event.CallID()] = event.Want == audit.Judged
	}
	executed := make(map[string]bool)
	repeats := 0
	for _, c := range r.leadhit.Calls() {
		if !letters[c.ID] || !c.Executed {
			continue
		}
		if executed[c.ID] {
			repeats++
		}
		executed[c.ID] = true
	}
	return repeats
}

// staleOrders returns the orders whose last executed call was for an event older than that of an earlier executed call.
func (r *round) staleOrders() []string {
	offsets := make(map[string]int64)
	for _, event := range r.events {
		offsets[event.CallID()] = event.Offset
	}
	newest, last := make(map[string]int64), make(map[string]sandbox.Call)
	for _, c := range r.leadhit.Calls() {
		if c.Executed {
			newest[c.OrderID], last[c.OrderID] = max(newest[c.OrderID], offsets[c.ID]), c
		}
	}
	var stale []string
	for order, c := range last {
		if offsets[c.ID] != newest[order] {
			stale = append(stale, order+" "+c.ID)
		}
	}
	return stale
}
