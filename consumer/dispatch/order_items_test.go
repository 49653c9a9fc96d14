package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// wantItems checks what is left to do for order a. Each element of want has an item's id, the number of its replay,
// what the item does, and the event that the item is behind.
func (h *harness) wantItems(why string, want ...string) {
	h.tb.Helper()
	items, more := h.d.OrderItems("a")
	got := []string{}
	for _, i := range items {
		got = append(got, fmt.Sprintf("%s %d %s %s", i.ID, i.Replay, i.Doing, i.Behind))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || more != 0 {
		h.tb.Errorf("%s:\ngot  %q and %d more\nwant %q", why, got, more, want)
	}
}

func TestWhatIsLeftToDoAboutAnOrderIsListed(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0), orders(1))
	h.wantItems("nothing is known")
	refused := turn.Event{Offset: 4, Items: []event.Item{{OrderID: "a", Status: "lost", Cause: "UnknownStatus"}}}
	ignored := turn.Event{Offset: 5, Items: []event.Item{{OrderID: "a", Action: event.Ignore}}}
	h.read(orders(0), eventOf(1, "a"), eventOf(2, "a"), eventOf(3, "b", "a"), refused, ignored)
	h.wantItems("the first has its call",
		"orders/0/1 0 in flight ", "orders/0/2 0 blocked orders/0/1", "orders/0/3#1 0 blocked orders/0/2", "orders/0/4 0 storing ")

	h.answer(orders(0), 1, retry.Verdict{Cause: "HTTP 502", Code: 502, Message: "bad gateway"})
	items, _ := h.d.OrderItems("a")
	if i := items[0]; i.Doing != "waiting" || i.Attempts != 1 || i.Last.Code != 502 || i.Status != "paid" ||
		!i.Next.After(h.now) || i.Next.After(h.now.Add(time.Second)) {
		t.Errorf("got %+v, want one call, its response, and the next one within a second", i)
	}
	h.d.Stored(h.now, h.stores[0].ID, false)
	h.ask()
	items, _ = h.d.OrderItems("a")
	if i := items[3]; i.Doing != "storing" || !i.Next.After(h.now) || i.Last.Cause != "UnknownStatus" {
		t.Errorf("got %+v, want a letter that is stored again later", i)
	}

	h.pass(time.Second)
	h.accept(orders(0), 1)
	h.wantItems("accepted, and not committed",
		"orders/0/1 0 commit ", "orders/0/2 0 blocked orders/0/1", "orders/0/3#1 0 blocked orders/0/2", "orders/0/4 0 storing ")
	h.settle()
	h.accept(orders(0), 2)
	h.settle()
	h.read(orders(1), eventOf(7, "b"))
	h.wantItems("all but one are finished", "orders/0/3#1 0 in flight ", "orders/0/4 0 storing ")
}

func TestAnEventAboutTwoOrdersIsBehindTheOtherOne(t *testing.T) {
	t.Parallel()
	h := started(t, settings(), orders(0))
	h.read(orders(0), eventOf(1, "b"), eventOf(2, "a", "b"))
	h.wantItems("b has its call", "orders/0/2#0 0 blocked orders/0/1")
	h.d.Lost()
	h.assign(true, orders(0))
	h.ack()
	h.wantItems("nothing is read yet")
	h.read(orders(0), eventOf(1, "b"), eventOf(2, "a"))
	h.wantItems("another order", "orders/0/2 0 in flight ")
	h.d.Lost()
	h.assign(true, orders(0))
	h.ack()
	h.read(orders(0), eventOf(2, "a"))
	h.wantItems("a call of the last generation", "orders/0/2 0 blocked ")
}

func TestAReplaySaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	h := replaying(t)
	h.letter(1)
	h.follow(ledger.LetterReplay, 1, 1)
	h.wantItems("its letter is fetched", "orders/0/1 1 letter ")
	h.read(orders(0), eventOf(2, "a"))
	h.take(1, "a")
	h.wantItems("an event has its call", "orders/0/1 1 blocked orders/0/2", "orders/0/2 0 in flight ")
}

func TestTheItemsOfAnOrderAreLimited(t *testing.T) {
	t.Parallel()
	c := settings()
	c.WindowEvents = 1000
	h := started(t, c, orders(0))
	events := []turn.Event{}
	for i := range int64(500) {
		events = append(events, eventOf(i, "a"))
	}
	h.read(orders(0), events...)
	if items, more := h.d.OrderItems("a"); len(items) != 200 || more != 300 || items[199].Behind != "orders/0/198" {
		t.Errorf("got %d items and %d more, want the first 200", len(items), more)
	}
}

// BenchmarkOrderItems looks up one order while 10,000 others wait for their retry.
func BenchmarkOrderItems(b *testing.B) {
	c := settings()
	c.CallsInFlight, c.WindowEvents = 10_000, 20_000
	all := []event.Partition{orders(0), orders(1), orders(2), orders(3), orders(4)}
	h := started(b, c, all...)
	for _, p := range all {
		events := []turn.Event{eventOf(0, "a"), eventOf(1, "a")}
		for i := range int64(2_001) {
			events = append(events, eventOf(i+2, fmt.Sprint("order-", i)))
		}
		h.read(p, events...)
	}
	for len(h.calls) > 0 {
		call := h.calls[0]
		h.calls = h.calls[1:]
		h.d.Answered(h.now, call.ID, retry.Verdict{Cause: "OperationalError", Code: -32000, Answered: true})
	}
	if waiting := len(h.d.WaitingOrders(20_000)); waiting < 10_000 {
		b.Fatalf("got %d orders that wait, want 10,000", waiting)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.d.OrderItems("a")
	}
}
