package life_test

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/view"
)

// knowing returns facts about an event at orders/0/5: the group's commit, and a worker that has fetched up to the
// given offset.
func knowing(committed, fetched int64, items ...status.Item) life.Facts {
	p := event.Partition{Topic: "orders"}
	f := life.Facts{
		Commits: map[event.Partition]groups.OffsetCommit{p: {Partition: p, Next: committed}}, Letters: view.New(""),
	}
	if fetched >= 0 {
		f.Workers = []status.Worker{{
			Order:      &status.Order{Items: items},
			Partitions: []status.Partition{{Topic: "orders", Fetched: fetched}},
		}}
	}
	return f
}

func TestTheStateOfAnEventIsWhatIsKnown(t *testing.T) {
	t.Parallel()
	at := func(doing string) status.Item { return status.Item{Event: "orders/0/5", Doing: doing} }
	unread := knowing(6, 6)
	unread.Letters = nil
	unasked := knowing(-1, -1)
	unasked.Commits = nil
	older := knowing(3, 6)
	older.Workers[0].Order = nil
	cut := knowing(3, 6)
	cut.Workers[0].Order.More = 1
	former := knowing(3, 6, at("waiting"))
	former.Workers = append(former.Workers, knowing(3, 4).Workers...)
	for name, test := range map[string]struct {
		facts  life.Facts
		want   life.State
		before int64 // -1: Before is nil
	}{
		"committed":                             {knowing(6, 6), life.Finished, -1},
		"committed since the worker was asked":  {knowing(6, 6, at("in flight")), life.Finished, -1},
		"committed, letters not read":           {unread, life.Committed, -1},
		"a worker calls it":                     {knowing(3, 6, at("in flight")), "in flight", -1},
		"a worker has another event":            {knowing(3, 6, status.Item{Event: "orders/0/4"}), life.NothingLeft, -1},
		"not fetched":                           {knowing(3, 4), life.NotReached, 1},
		"next to be fetched":                    {knowing(3, 5), life.NotReached, 0},
		"a former owner lists the partition":    {former, "waiting", -1},
		"a worker that lists only some":         {cut, life.Fetched, -1},
		"a worker of an older version":          {older, life.Fetched, -1},
		"no worker":                             {knowing(3, -1), life.NotCommitted, 2},
		"no worker, nothing committed":          {knowing(-1, -1), life.NotCommitted, -1},
		"no worker, and commits cannot be read": {unasked, life.Unknown, -1},
	} {
		e := life.NewEvent(ledger.ID{Topic: "orders", Offset: 5, Item: ledger.NoItem})
		test.facts.Decide(e)
		before := int64(-1)
		if e.Before != nil {
			before = *e.Before
		}
		if e.State != test.want || before != test.before {
			t.Errorf("%s: got %s with %d before it, want %s with %d", name, e.State, before, test.want, test.before)
		}
	}
}

func TestAPauseIsShownWithItsEvent(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
	f := knowing(3, 6, status.Item{
		Event: "orders/0/5", Doing: "waiting", Tries: 3, Next: &due, Cause: "HTTP 503", Message: "http 503 busy",
	})
	f.Workers[0].Paused, f.Workers[0].State = true, "outage"
	e := life.NewEvent(ledger.ID{Topic: "orders", Offset: 5, Item: ledger.NoItem})
	f.Decide(e)
	if w := e.Work; w == nil || w.Doing != "waiting" || w.Tries != 3 || w.Next != &due || w.Cause != "HTTP 503" ||
		w.Paused != "outage" {
		t.Errorf("got %+v, want the wait and the pause", w)
	}
}

func TestEventsOfAnOrderAreSortedByTime(t *testing.T) {
	t.Parallel()
	var l life.Order
	for i, minute := range []int{5, 3, 3, 9, -1} {
		e := life.NewEvent(ledger.ID{Topic: "orders", Offset: int64(i), Item: ledger.NoItem})
		if at := time.Unix(0, 0).Add(time.Duration(minute) * time.Minute); minute >= 0 {
			e.Time = &at
		}
		l.Events = append(l.Events, e)
	}
	l.Sort()
	var got []string
	for _, e := range l.Events {
		got = append(got, e.ID)
	}
	if want := "orders/0/4 orders/0/1 orders/0/2 orders/0/0 orders/0/3"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
