package main

import (
	"log/slog"
	"testing"
	"time"
)

func TestTheSameSeedMakesTheSameEvents(t *testing.T) {
	t.Parallel()
	a, b, other := newOrders(20, 1), newOrders(20, 1), newOrders(20, 2)
	var now time.Time
	same := true
	for range 200 {
		event := a.next(now)
		if got := b.next(now); got != event {
			t.Fatalf("got %+v, want %+v", got, event)
		}
		same = same && other.next(now) == event
	}
	if same {
		t.Error("got the same events from another seed")
	}
}

// TestTheShopLooksReal checks the events of all orders: an order's first event is submitted, paid never follows a
// refused status, some events are repeats, and a few have a status that LeadHit does not know.
func TestTheShopLooksReal(t *testing.T) {
	t.Parallel()
	const events = 20_000
	o := newOrders(200, 3)
	last := make(map[string]change)
	statuses, repeats := make(map[string]int), 0
	for range events {
		c := o.next(time.Now())
		before, known := last[c.OrderID]
		switch {
		case !known && c.Status != "submitted":
			t.Fatalf("order %s: got %q first, want submitted", c.OrderID, c.Status)
		case known && c.Status == "paid" && before.Status != "submitted" && before.Status != "paid":
			t.Fatalf("order %s: got paid after %q", c.OrderID, before.Status)
		}
		if c.Currency != "RUB" || c.City == "" || c.Total == "" || c.Total == "0.00" {
			t.Fatalf("got %+v, want all fields", c)
		}
		if known && c.Status == before.Status {
			repeats++
		}
		statuses[c.Status]++
		last[c.OrderID] = c
	}
	refused := statuses["cancelled"] + statuses["on-hold"]
	if len(last) != 200 || len(statuses) != 4 || refused < events/100 || refused > events/10 || repeats < events/20 {
		t.Errorf("got %d orders, statuses %v and %d repeats", len(last), statuses, repeats)
	}
}

func TestTheLogbookKeepsLinesAsText(t *testing.T) {
	t.Parallel()
	book := newLogbook()
	log := slog.New(book).With(slog.String("topic", "orders"))
	log.Debug("not this")
	log.Warn("cannot\nfetch", slog.Int("tries", 2))
	slog.New(book).Info("listening", slog.String("addr", "127.0.0.1:1"))
	lines := book.since(0)
	if len(lines) != 2 || lines[0].text != "cannot fetch topic=orders tries=2" || lines[0].level != slog.LevelWarn {
		t.Errorf("got %+v, want the warning on one line, and the info", lines)
	}
	if got := book.address(); got != "127.0.0.1:1" {
		t.Errorf("got address %q, want 127.0.0.1:1", got)
	}
	if later := book.since(1); len(later) != 1 || later[0].number != 2 {
		t.Errorf("got %+v, want the second line", later)
	}
	for range 2 * keptLines {
		log.Info("more")
	}
	if lines := book.since(0); len(lines) != keptLines || book.since(lines[keptLines-1].number) != nil {
		t.Errorf("got %d lines, want the last %d and none after them", len(lines), keptLines)
	}
}
