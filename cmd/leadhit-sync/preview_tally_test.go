package main

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

var leadHits = []string{"submitted", "paid"}

// called returns an event that needs a call.
func called(id, status string, partition int, at time.Time) seen {
	return seen{
		Place: event.Place{Topic: "a", Partition: partition}, key: []byte(id), time: at,
		reasons: []reason{{mapping: "m", by: "status." + status}},
		items:   []event.Item{{Action: event.Call, OrderID: id, Status: status}},
	}
}

func TestUpToTheLimitEveryOrderIsKnownExactly(t *testing.T) {
	t.Parallel()
	const limit = 500
	random := rand.New(rand.NewPCG(1, 2))
	tallied := newTally(limit, leadHits, true)
	calls, last := make(map[string]int), make(map[string]string)
	repeats := 0
	for range 5000 {
		id, status := fmt.Sprint("order-", random.IntN(limit)), []string{"submitted", "paid"}[random.IntN(2)]
		tallied.add(called(id, status, 0, time.Unix(1000, 0)))
		if last[id] == status {
			repeats++
		}
		calls[id]++
		last[id] = status
	}
	o := tallied.summary(load{1, time.Second}).Orders
	if o.Count != len(calls) || o.Repeats != repeats || o.Spread != 0 || o.Beyond != 0 {
		t.Errorf("got %+v, want %d orders and %d repeats", o, len(calls), repeats)
	}
	for _, b := range o.Busiest {
		if calls[b.OrderID] != b.Calls {
			t.Errorf("got %+v, want %d calls", b, calls[b.OrderID])
		}
	}
	if want := slices.Max(slices.Collect(maps.Values(calls))); o.Busiest[0].Calls != want {
		t.Errorf("got %d calls of the busiest, want %d", o.Busiest[0].Calls, want)
	}
}

func TestARepeatIsWhatAWorkerNeedNotCall(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	keyless := called("1", "paid", 0, at)
	keyless.key = nil
	byEvent := called("1", "paid", 0, at)
	byEvent.key = []byte("event-7")
	for _, test := range []struct {
		name   string
		events []seen
		want   int
		all    bool // the worker makes calls for repeats too
	}{
		{"the same status", []seen{called("1", "paid", 0, at), called("1", "paid", 0, at), called("1", "paid", 0, at)}, 2, false},
		{"another order", []seen{called("1", "paid", 0, at), called("2", "paid", 0, at)}, 0, false},
		{"back and forth", []seen{called("1", "paid", 0, at), called("1", "submitted", 0, at), called("1", "paid", 0, at)}, 0, false},
		{"a status that LeadHit refuses", []seen{called("1", "lost", 0, at), called("1", "lost", 0, at)}, 0, false},
		{"after a refusal", []seen{called("1", "paid", 0, at), called("1", "lost", 0, at), called("1", "paid", 0, at)}, 0, false},
		{"without a key", []seen{keyless, keyless}, 0, false},
		{"with another key", []seen{called("1", "paid", 0, at), byEvent}, 0, false},
		{"in another partition", []seen{called("1", "paid", 0, at), called("1", "paid", 1, at)}, 0, false},
		{"in another partition and back", []seen{
			called("1", "paid", 0, at), called("1", "paid", 1, at), called("1", "paid", 1, at), called("1", "paid", 0, at),
		}, 1, true},
		{"beside an order with another key", []seen{called("2", "paid", 0, at), called("2", "paid", 0, at), byEvent, called("1", "paid", 0, at)}, 1, true},
	} {
		for _, skips := range []bool{true, false} {
			tallied := newTally(10, leadHits, skips)
			for _, e := range test.events {
				tallied.add(e)
			}
			made := len(test.events)
			if skips && !test.all {
				made -= test.want
			}
			s := tallied.summary(load{1, time.Second})
			if s.Orders.Repeats != test.want || s.Orders.Needed != len(test.events)-test.want || s.Load.Busiest != made ||
				s.Load.CatchUp != float64(made) {
				t.Errorf("%s, SKIP_REPEATS=%v: got %+v and %+v, want %d repeats", test.name, skips, s.Orders, s.Load, test.want)
			}
		}
	}
}

func TestTheSummarySaysHowManyCallsAreNeeded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit                 int
		skips, unequal, apart bool
		partitions            int
		want                  string
	}{
		{10, true, true, false, 0, "repeats   4 of 10 calls would send the status that LeadHit already has for the order" +
			"; a worker calls anyway, because the topics have different numbers of partitions\n"},
		{10, true, false, true, 0, "repeats   4 of 12 calls would send the status that LeadHit already has for the order" +
			"; a worker calls anyway, because not every order has one key and partition of its own\n"},
		{10, true, false, false, 12, "repeats   4 of 10 calls would send the status that LeadHit already has for the order" +
			"; a worker calls anyway, because no known partitioner explains the partitions of all record keys\n"},
		{10, true, false, false, 0, "repeats   4 of 10 calls would send the status that LeadHit already has for the order" +
			", so a worker makes 6, and a few more after a restart or a rebalance\n"},
		{10, false, false, false, 0, "repeats   4 of 10 calls would send the status that LeadHit already has for the order" +
			"; with SKIP_REPEATS=true a worker makes 6\n"},
		{1, true, false, false, 0, "repeats   at least 1 of 10 calls would send the status that LeadHit already has for the order" +
			", so a worker makes at most 9, and a few more after a restart or a rebalance\n"},
	} {
		tallied := newTally(test.limit, leadHits, test.skips)
		tallied.unequal = test.unequal
		tallied.orders.partitions["a"] = test.partitions // all events are in the first partition
		for i := range 8 {
			tallied.add(called(strconv.Itoa(i/2), "paid", 0, time.Unix(1000, 0)))
		}
		tallied.add(called("0", "submitted", 0, time.Unix(1000, 0)))
		tallied.add(called("4", "submitted", 0, time.Unix(1000, 0)))
		if test.apart {
			tallied.add(called("5", "paid", 0, time.Unix(1000, 0)))
			tallied.add(called("5", "submitted", 1, time.Unix(1000, 0)))
		}
		var out strings.Builder
		if err := tallied.summary(load{1, time.Second}).print(&out); err != nil || !strings.Contains(out.String(), test.want) {
			t.Errorf("got %v and\n%s\nwant %q", err, out.String(), test.want)
		}
	}
}

func TestBeyondTheLimitFiguresAreLowerBoundsInBoundedMemory(t *testing.T) {
	t.Parallel()
	const limit, many = 1000, 40_000
	tallied := newTally(limit, leadHits, true)
	for i := range many {
		id := fmt.Sprint("order-", i)
		tallied.add(called(id, "submitted", 0, time.Unix(1000, 0)))
		tallied.add(called(id, "submitted", 0, time.Unix(1000, 0)))
		if i%10 == 0 {
			tallied.add(called(id, "paid", 1, time.Unix(1000, 0)))
		}
	}
	if n := len(tallied.orders.known); n != limit {
		t.Errorf("got %d orders in memory, want %d", n, limit)
	}
	o := tallied.summary(load{1, time.Second}).Orders
	if o.Count != limit || o.Repeats != limit || o.Spread != limit/10 || len(o.Examples) != mostExamples ||
		o.Busiest[0].Calls != 3 {
		t.Errorf("got %+v, want exact figures of the first %d orders", o, limit)
	}
	if want := (many - limit) * 21 / 10; o.Beyond != want || o.Calls != want+limit*21/10 {
		t.Errorf("got %d of %d calls beyond the limit, want %d", o.Beyond, o.Calls, want)
	}
}

func TestCausesStatusesAndMinutesAreBounded(t *testing.T) {
	t.Parallel()
	tallied := newTally(10, leadHits, true)
	for i := range mostMinutes + 100 {
		tallied.add(called("1", fmt.Sprint("status-", i), 0, time.Unix(int64(i)*60, 0)))
	}
	s := tallied.summary(load{1, time.Second})
	if len(tallied.minutes) != mostMinutes || len(s.Calls) != mostGroups+1 || s.Calls[0].What != "others" {
		t.Errorf("got %d minutes and %d statuses, want %d and %d, the rest as others", len(tallied.minutes), len(s.Calls),
			mostMinutes, mostGroups+1)
	}
}

func TestLoadComparesTheBusiestMinuteWithAWorker(t *testing.T) {
	t.Parallel()
	tallied := newTally(10_000, leadHits, true)
	begin := time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)
	for i := range 3000 {
		at := begin
		if i >= 599 {
			at = begin.Add(9 * time.Minute)
		}
		tallied.add(called(strconv.Itoa(i), "paid", 0, at))
	}
	tallied.add(seen{Place: event.Place{Topic: "a"}}) // a record without a time
	s := tallied.summary(load{inFlight: 4, latency: 200 * time.Millisecond})
	l := s.Load
	if l.Busiest != 2401 || !l.BusiestMinute.Equal(begin.Add(9*time.Minute)) || l.Needed != 40 || l.PerWorker != 20 ||
		l.Workers != 3 || l.CatchUp != 150 {
		t.Errorf("got %+v, want 40 calls/s needed, 20 of a worker, so three (40.02 are more than two make), and 150 s to "+
			"catch up", l)
	}
	if l.CallsPerMinute != 333 || s.Orders.PerMinute != 333 {
		t.Errorf("got %v calls and %v orders a minute, want 333 over nine minutes", l.CallsPerMinute, s.Orders.PerMinute)
	}
	var out strings.Builder
	if err := s.print(&out); err != nil || !strings.Contains(out.String(), "3 workers are needed") ||
		!strings.Contains(out.String(), "needs 2m30s for 3000 calls") {
		t.Errorf("got %v and\n%s", err, out.String())
	}
}

func TestUnknownStatusesAreListedSeparately(t *testing.T) {
	t.Parallel()
	tallied := newTally(10, leadHits, true)
	for _, status := range []string{"on hold", "lost", "on hold"} {
		tallied.add(seen{
			Place: event.Place{Topic: "a"}, reasons: []reason{{mapping: "m", by: "status.otherwise"}},
			items: []event.Item{{Status: status, Cause: "UnknownStatus", Message: "the status is in no list"}},
		})
	}
	s := tallied.summary(load{1, time.Second})
	if len(s.Refused) != 2 || s.Refused[0].Status != "on hold" || s.Refused[0].Count != 2 ||
		s.Refused[1].Status != "lost" {
		t.Errorf("got %+v, want on hold twice and lost once", s.Refused)
	}
}

func TestTheSummarySaysThatThereWereMoreOrders(t *testing.T) {
	t.Parallel()
	tallied := newTally(8, leadHits, true)
	for i := range 100 {
		tallied.add(called(strconv.Itoa(i), "paid", i%2, time.Unix(1000, 0)))
	}
	var out strings.Builder
	err := tallied.summary(load{1, time.Second}).print(&out)
	for _, want := range []string{
		"orders    at least 8 with calls, at least 8 a minute\n",
		"\nlimit     figures about individual orders cover the first 8 orders; 92 of 100 calls are about others\n",
	} {
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("got %v and\n%s\nwant %s", err, out.String(), want)
		}
	}
}

// An event whose time was in nanoseconds once made every rate 0, and broke the JSON.
func TestAnImplausibleTimeChangesNoRate(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)
	for name, odd := range map[string]time.Time{
		"nanoseconds": time.UnixMilli(begin.UnixNano()), "microseconds": time.UnixMilli(begin.UnixMicro()),
		"seconds":       time.UnixMilli(begin.Unix()),
		"the year 1601": time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), "zero": time.UnixMilli(0),
		"the largest": time.UnixMilli(math.MaxInt64),
	} {
		tallied := anHour(t, begin, odd)
		s := tallied.summary(load{1, time.Second})
		if s.Load.CallsPerMinute != 1 || s.Orders.PerMinute == 0 || s.Load.Busiest != 1 || s.OddTimes.Count != 1 ||
			s.OddTimes.Example != "a/0/30" {
			t.Errorf("%s: got %+v, want a call a minute and the odd one named", name, s)
		}
		var out strings.Builder
		if err := printJSON(&out, s, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.print(&out); err != nil || !strings.Contains(out.String(),
			"1 event has a time that cannot be true, such as ") {
			t.Errorf("%s: got %v and %s, want a line about the odd time", name, err, out.String())
		}
	}
	alone := newTally(10, leadHits, true)
	alone.add(called("1", "paid", 0, time.Time{}))
	s := alone.summary(load{1, time.Second})
	s.Since = begin
	var out strings.Builder
	if err := s.print(&out); err != nil || strings.Contains(out.String(), "0001-01-01") {
		t.Errorf("got %v and %s, want no year 1", err, out.String())
	}
}

// anHour tallies one call a minute for an hour, starting at begin. The event in the middle gets the time odd instead.
func anHour(t *testing.T, begin, odd time.Time) *tally {
	t.Helper()
	m, err := mapping.Load(mapping.Options{Source: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	tallied := newTally(10, leadHits, true)
	for i := range 61 {
		record := event.Record{
			Place: event.Place{Topic: "a", Offset: int64(i)},
			Time:  begin.Add(time.Duration(i) * time.Minute), Value: []byte(`{"order_id":"1","status":"paid"}`),
		}
		if i == 30 {
			record.Time = odd
		}
		tallied.add(explainRecord(t.Context(), m, record))
	}
	return tallied
}
