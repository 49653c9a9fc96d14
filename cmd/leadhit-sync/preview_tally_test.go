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

// called is an event that calls LeadHit.
func called(id, status string, partition int, at time.Time) seen {
	return seen{
		Place: event.Place{Topic: "a", Partition: partition}, time: at,
		reasons: []reason{{mapping: "m", by: "status." + status}},
		items:   []event.Item{{Action: event.Call, OrderID: id, Status: status}},
	}
}

func TestUpToTheLimitEveryOrderIsKnownExactly(t *testing.T) {
	t.Parallel()
	const limit = 500
	random := rand.New(rand.NewPCG(1, 2))
	tallied := newTally(limit)
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

func TestBeyondTheLimitFiguresAreLowerBoundsInBoundedMemory(t *testing.T) {
	t.Parallel()
	const limit, many = 1000, 40_000
	tallied := newTally(limit)
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
	tallied := newTally(10)
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
	tallied := newTally(10_000)
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
		!strings.Contains(out.String(), "makes all 3000 calls in 2m30s") {
		t.Errorf("got %v and\n%s", err, out.String())
	}
}

func TestUnknownStatusesAreListedSeparately(t *testing.T) {
	t.Parallel()
	tallied := newTally(10)
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
	tallied := newTally(8)
	for i := range 100 {
		tallied.add(called(strconv.Itoa(i), "paid", i%2, time.Unix(1000, 0)))
	}
	var out strings.Builder
	err := tallied.summary(load{1, time.Second}).print(&out)
	for _, want := range []string{
		"orders    at least 8, at least 8 a minute\n",
		"\nlimit     figures about single orders cover the first 8 orders; 92 of 100 calls are about others\n",
	} {
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("got %v and\n%s\nwant %s", err, out.String(), want)
		}
	}
}

// TestAnImplausibleTimeChangesNoRate: one event in nanoseconds made every rate 0, and the JSON fail.
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
			t.Errorf("%s: got %v and %s, want a word about it", name, err, out.String())
		}
	}
	alone := newTally(10)
	alone.add(called("1", "paid", 0, time.Time{}))
	s := alone.summary(load{1, time.Second})
	s.Since = begin
	var out strings.Builder
	if err := s.print(&out); err != nil || strings.Contains(out.String(), "0001-01-01") {
		t.Errorf("got %v and %s, want no year 1", err, out.String())
	}
}

// anHour is a call a minute for an hour; the event in the middle has another time.
func anHour(t *testing.T, begin, odd time.Time) *tally {
	t.Helper()
	m, err := mapping.Load(mapping.Options{Source: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	tallied := newTally(10)
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
