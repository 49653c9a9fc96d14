package integration_test

import (
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
)

// testRuinedReplays: a mapping ruins events until the flood guard pauses the calls. The mapping is fixed, the calls
// resume, and a replay gives every order the right status.
func (s *suite) testRuinedReplays(t *testing.T, brokers []string) {
	t.Helper()
	for _, test := range []struct{ name, mapping string }{
		{"letters without a known order", unreadable},
		{"letters with a known order", ruinous},
	} {
		t.Run("a replay repairs what a mapping ruined, "+test.name, func(t *testing.T) {
			t.Parallel()
			s.testRuinedReplay(t, brokers, test.mapping)
		})
	}
}

func (s *suite) testRuinedReplay(t *testing.T, brokers []string, mapping string) {
	t.Helper()
	const events, orders = 3000, 500
	r := s.guardRun(t, brokers)
	good := maps.Clone(r.settings)
	r.mapping(t, mapping)
	// The first orders have no other event, so only a replay repairs them. Most others have a newer one.
	early := shop.NewOrders("early", orders/5, 24)
	var first []audit.Event
	for order := range orders / 5 {
		first = append(first, early.NextOf(order))
	}
	r.write(t, first)
	r.writeMany(t, shop.NewOrders("order", orders-orders/5, 25), events-orders/5, func(e audit.Event) audit.Event { return e })
	workers := []*worker{r.newWorker(t), r.newWorker(t)}
	for _, w := range workers {
		w.start(t)
	}
	for _, w := range workers {
		w.shows(t, "paused: flood")
	}
	r.standsStill(t)
	ruined := r.storedLetters(t)

	for _, w := range workers {
		w.stop(t)
	}
	r.settings = good // the fixed mapping
	for _, w := range workers {
		w.start(t)
	}
	r.command(t, "resume", "--reason", "fixed")
	r.finish(t, 2*time.Minute)
	t.Log(r.command(t, "replay", "--state", "open", "--reason", "the mapping is fixed", "--rate", "100/s", "--yes"))
	for _, w := range workers {
		w.stop(t)
	}
	ledger := r.readLedger(t)
	t.Logf("%d letters of %d events; %v", ruined, events, ledger.Counts)
	if resolved, overtaken := ledger.Counts["resolved"], ledger.Counts["overtaken"]; resolved+overtaken != ruined || resolved < 20 {
		t.Errorf("got %d letters resolved and %d overtaken of %d, want each to be one of the two", resolved, overtaken, ruined)
	}
	r.lastStatuses(t)
}

// lastStatuses requires that, for each order, the last call that LeadHit executed was for the order's last event.
func (r *run) lastStatuses(t *testing.T) {
	t.Helper()
	last := make(map[string]audit.Event)
	for _, e := range r.events {
		if e.Offset >= last[e.Order].Offset { // an order's events are in one partition
			last[e.Order] = e
		}
	}
	called := make(map[string]string)
	for _, c := range r.leadhit.Calls() {
		if c.Executed {
			called[c.OrderID] = c.ID
		}
	}
	wrong := 0
	for order, e := range last {
		if called[order] != e.CallID() {
			if wrong++; wrong <= 5 {
				t.Errorf("order %s: the last call was %s, want %s", order, called[order], e.CallID())
			}
		}
	}
	if wrong > 0 || len(last) == 0 {
		t.Errorf("got %d of %d orders with another status", wrong, len(last))
	}
}

// readLedger reads the dead-letter topic and the ledger to their ends.
func (r *run) readLedger(t *testing.T) *audit.Ledger {
	t.Helper()
	ledger := new(audit.Ledger)
	for _, l := range r.broker.letters(t, "dlq."+r.group) {
		ledger.Letter(l.ID, l.Replays)
	}
	topic := "dlq." + r.group + ".ledger"
	r.broker.readAll(t, topic, func(e *kgo.Record) {
		if err := ledger.Entry(e.Value, e.Timestamp); err != nil {
			t.Errorf("ledger at %d: %v", e.Offset, err)
		}
	})
	return ledger
}
