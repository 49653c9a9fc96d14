package main

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// knowing is what is known of an event at orders/0/5: the group's commit, and a worker that has fetched up to an offset.
func knowing(committed, fetched int64, items ...status.Item) orderFacts {
	p := event.Partition{Topic: "orders"}
	f := orderFacts{
		commits: map[event.Partition]groups.OffsetCommit{p: {Partition: p, Next: committed}}, letters: view.New(""),
	}
	if fetched >= 0 {
		f.workers = []status.Worker{{
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
	unread.letters = nil
	unasked := knowing(-1, -1)
	unasked.commits = nil
	older := knowing(3, 6)
	older.workers[0].Order = nil
	cut := knowing(3, 6)
	cut.workers[0].Order.More = 1
	former := knowing(3, 6, at("waiting"))
	former.workers = append(former.workers, knowing(3, 4).workers...)
	for name, test := range map[string]struct {
		facts  orderFacts
		want   orderState
		before int64 // -1: not said
	}{
		"committed":                             {knowing(6, 6), stateFinished, -1},
		"committed since the worker was asked":  {knowing(6, 6, at("in flight")), stateFinished, -1},
		"committed, letters not read":           {unread, stateCommitted, -1},
		"a worker calls it":                     {knowing(3, 6, at("in flight")), "in flight", -1},
		"a worker has another event":            {knowing(3, 6, status.Item{Event: "orders/0/4"}), stateNothingLeft, -1},
		"not fetched":                           {knowing(3, 4), stateUnreached, 1},
		"next to be fetched":                    {knowing(3, 5), stateUnreached, 0},
		"a former owner lists the partition":    {former, "waiting", -1},
		"a worker that lists only some":         {cut, stateFetched, -1},
		"a worker of an older version":          {older, stateFetched, -1},
		"no worker":                             {knowing(3, -1), stateUncommitted, 2},
		"no worker, nothing committed":          {knowing(-1, -1), stateUncommitted, -1},
		"no worker, and commits cannot be read": {unasked, stateUnknown, -1},
	} {
		e := newEventLife(ledger.ID{Topic: "orders", Offset: 5, Item: ledger.NoItem})
		test.facts.decide(e)
		before := int64(-1)
		if e.Before != nil {
			before = *e.Before
		}
		if e.State != test.want || before != test.before {
			t.Errorf("%s: got %s with %d before it, want %s with %d", name, e.State, before, test.want, test.before)
		}
	}
}

func TestAPauseAndAReplayAreShownWithTheEvent(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
	f := knowing(3, 6, status.Item{
		Event: "orders/0/5", Doing: "waiting", Tries: 3, Next: &due, Cause: "HTTP 503", Message: "http 503 busy",
	}, status.Item{Event: "orders/0/6", Replay: 2, Doing: "place"})
	f.workers[0].Paused, f.workers[0].State = true, "outage"
	e := newEventLife(ledger.ID{Topic: "orders", Offset: 5, Item: ledger.NoItem})
	f.decide(e)
	want := "waits for its next try, due at 12:34:56; 3 tries, last outcome http 503 busy; calls are paused: outage"
	if got := e.details(); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, replay := f.work("orders/0/6"); replay == nil || replay.String() != "replay 2: waits for other replays" {
		t.Errorf("got %+v, want the replay", replay)
	}
}

func TestEventsOfAnOrderAreSortedByTime(t *testing.T) {
	t.Parallel()
	var l orderLife
	for i, minute := range []int{5, 3, 3, 9, -1} {
		e := newEventLife(ledger.ID{Topic: "orders", Offset: int64(i), Item: ledger.NoItem})
		if at := time.Unix(0, 0).Add(time.Duration(minute) * time.Minute); minute >= 0 {
			e.Time = &at
		}
		l.Events = append(l.Events, e)
	}
	l.sort()
	var got []string
	for _, e := range l.Events {
		got = append(got, e.ID)
	}
	if want := "orders/0/4 orders/0/1 orders/0/2 orders/0/0 orders/0/3"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
