package desktest

import (
	"context"
	"errors"
	"strconv"
	"time"

	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// Workers implements [desk.Source].
func (f backend) Workers(context.Context) desk.Workers {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Asked
}

// ask sets the workers of a story. They are healthy, except in the stories named here.
func (f *Fake) ask(story string) {
	now := time.Now()
	f.Asked.Group = group
	switch story {
	case "broken", "unread":
		f.Asked.Unread = f.Err
		f.Asked.Workers = []desk.Worker{{URL: pageOf(17), Err: errors.New("dial tcp 10.0.4.17:8080: connection refused")}}
	case "ledger":
		f.Asked.Unread = f.Err
		f.Asked.Workers = workers(now, func(*status.Worker) {})
	case "versions":
		f.Asked.Workers = workers(now, func(*status.Worker) {})
		older(f.Asked.Workers[1].Status, now)
		f.Asked.Workers = append(f.Asked.Workers, desk.Worker{
			URL: pageOf(19),
			Err: errors.New(`the response has the schema "status.v2": is this the /status of a worker of this version?`),
		})
	case "idle":
	case "outage":
		f.Asked.Workers = workers(now, func(s *status.Worker) { outage(s, now) })
		f.Asked.Workers[1].Status.Version = "1.8.3+77aa0c4"
		f.Asked.Workers[1].Status.Outcomes = nil // an older release
	case "paused":
		f.Asked.Workers = workers(now, func(s *status.Worker) { paused(s, ledger.ByHand, now.Add(-12*time.Minute)) })
		f.Asked.Pauses = []ledger.Entry{{
			Event: ledger.GuardPause, At: now.Add(-12 * time.Minute), By: "alice@example.com", Via: "cli",
			Reason: "LeadHit переезжает на новый сервер до 14:00", Group: group,
		}}
	case "flood":
		f.Asked.Workers = workers(now, func(s *status.Worker) { paused(s, ledger.Flood, now.Add(-3*time.Minute)) })
		f.Asked.Pauses = []ledger.Entry{{
			Event: ledger.GuardPause, At: now.Add(-3 * time.Minute), By: "leadhit-sync-5d9c7-x2x9k", Via: "worker",
			Group:  group,
			Reason: "100 of the last 200 items were dead letters, of 61 orders", Build: "1.10.0+9be01d2 shop@4f1c2a",
			Fingerprints: f.fingerprints(3),
		}}
	default:
		f.Asked.Workers = workers(now, func(*status.Worker) {})
	}
	if story == "many" {
		f.Asked.Workers = append(f.Asked.Workers, stuck(now), desk.Worker{
			URL: pageOf(23), Err: errors.New("dial tcp 10.0.4.23:8080: i/o timeout"),
		})
	}
}

// pageOf returns the address of a worker's status page.
func pageOf(host int) string { return "http://10.0.4." + strconv.Itoa(host) + ":8080/status" }

// fingerprints returns the fingerprints of the first causes.
func (f *Fake) fingerprints(most int) (all []string) {
	for _, c := range f.view.Causes(view.Filter{}, time.Now()) {
		if all = append(all, c.Fingerprint); len(all) == most {
			break
		}
	}
	return all
}

// workers returns two workers that share six partitions.
func workers(now time.Time, change func(*status.Worker)) (all []desk.Worker) {
	for i := range 2 {
		s := &status.Worker{
			Schema: "status.v1", Version: "1.10.0+9be01d2", Group: group, At: now, State: "running", Phase: "running",
			Since: now.Add(-time.Duration(20+i) * time.Hour), Events: 1_204_331, Finished: 1_204_289, Calls: 812_345,
			Repeats: 204_118, Retries: 417,
			InFlight: 3 + i, Limit: 64, OldestAge: 1.4, Lag: 0.3,
			LastHour: []status.CauseCount{{Cause: "ValidationError", Letters: 41}, {Cause: "HTTP 422", Letters: 2}},
		}
		for p := range 3 {
			at := int64(118_200 + 9_000*p + i)
			s.Partitions = append(s.Partitions, status.Partition{
				Topic: "orders", Partition: 3*i + p, Committed: at, Fetched: at + 12, End: at + 14, Unfinished: 2 + p,
				OldestOffset: at, OldestAge: 1.4 - float64(p)/3,
			})
		}
		change(s)
		all = append(all, desk.Worker{URL: pageOf(17 + i), Status: s})
	}
	return all
}

func paused(s *status.Worker, kind string, since time.Time) {
	s.State, s.Paused, s.Since, s.By, s.InFlight = kind, true, since, "alice@example.com", 0
	s.Reason = "LeadHit переезжает на новый сервер до 14:00"
	if kind == ledger.Flood {
		s.By, s.Reason = "leadhit-sync-5d9c7-x2x9k", "100 of the last 200 items were dead letters, of 61 orders"
	}
	s.OldestAge, s.Lag = s.At.Sub(since).Seconds(), s.At.Sub(since).Seconds()
}

// outage makes a worker report that LeadHit is down, with orders that wait.
func outage(s *status.Worker, now time.Time) {
	s.State, s.Paused, s.Since = "outage", true, now.Add(-11*time.Minute)
	s.Waiting, s.Blocked, s.OldestAge, s.Lag = 37, 17, 663, 641
	quiet := now.Add(8 * time.Second)
	s.RetryAfter = &quiet
	for i := range 5 {
		next := now.Add(time.Duration(9+7*i) * time.Second)
		o := status.WaitingOrder{
			Event: "orders/3/" + strconv.Itoa(118_273+31*i), Order: strconv.Itoa(88_121 + i), Status: "paid",
			Time: now.Add(-time.Duration(660-40*i) * time.Second), Tries: 7 - i, Next: &next, Cause: "HTTP 503", Code: 503,
			Message: "http 503 Service Unavailable: no upstream is healthy",
		}
		if i == 3 {
			o.Order, o.Cause, o.Code, o.Message = "mp-7f3c9a1e-55d0-4c1b-9a83-0b6c2f1d88010", "Timeout", 0,
				"no response within 10s"
		}
		s.Orders = append(s.Orders, o)
	}
	s.Outcomes = []status.OutcomeCount{
		{Outcome: status.Outcome{Cause: "HTTP 503", Code: 503}, Orders: 35},
		{Outcome: status.Outcome{Cause: "Timeout"}, Orders: 2},
	}
}

// older turns a worker's status into that of an older release, which neither counts the orders that wait nor reports
// the times of their events.
func older(s *status.Worker, now time.Time) {
	outage(s, now)
	s.Version, s.Waiting, s.Outcomes = "1.8.3+77aa0c4", 0, nil
	for i := range s.Orders {
		s.Orders[i].Time, s.Orders[i].Cause, s.Orders[i].Code = time.Time{}, "", 0
	}
}

// stuck returns a worker that has every kind of problem.
func stuck(now time.Time) desk.Worker {
	s := &status.Worker{
		Schema: "status.v1", Version: "1.8.3+77aa0c4", Group: group, At: now, State: "waiting", Phase: "waiting",
		Since: now.Add(-90 * time.Second), Limit: 64, HeldBack: 300, HeldBackAge: 10_920, TwoPartitions: 1,
		Waits: []status.Wait{{
			For: "topic orders.archive does not exist; create it, or check KAFKA_TOPICS", Since: now.Add(-time.Minute),
		}},
		Problems: []string{"orders/1 is stuck: a batch of another format. Restore the events, or skip them: run " +
			"kafka-consumer-groups.sh --reset-offsets"},
		Flaws: []status.TopicFlaw{{Topic: "dlq." + group, Flaw: deadletter.Flaw{
			Setting: "retention.ms", Is: "86400000", Want: "2592000000", Why: "letters are deleted before anybody reads them",
		}}},
	}
	for p := range 40 {
		at := int64(7_000_000 + 1000*p)
		s.Partitions = append(s.Partitions, status.Partition{
			Topic: "a-topic-of-a-shop-with-a-very-long-name.orders", Partition: p, Committed: at, Fetched: at + 300,
			End:        at + 90_000,
			Unfinished: 300 - p, OldestOffset: at, OldestAge: float64(900 - p), WindowFull: p == 0, Unknown: p == 1,
		})
	}
	s.Partitions[2].OpenTransaction = &status.OpenTransaction{HeldBack: 300, Since: now.Add(-3 * time.Hour), Age: 10_920}
	return desk.Worker{URL: pageOf(22), Status: s}
}
