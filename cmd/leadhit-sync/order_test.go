package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/leadhit/sandbox"
)

// cartMapping maps two statuses, ignores a third, and refuses all others.
const cartMapping = `fields: {order_id: {path: $.order_id}, status: {path: $.status}}
status: {submitted: [submitted], paid: [paid], ignore: [cart]}
`

// found returns, for each event, what the mapping makes of it, its state, and the event that it waits behind.
func found(l life.Order) string {
	var all []string
	for _, e := range l.Events {
		text := e.ID + " " + shownEvent{e}.asks() + ": " + shownEvent{e}.now()
		if e.Work != nil && e.Work.Behind != "" {
			text += " " + e.Work.Behind
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestOrderShowsWhatBecameOfEachEvent(t *testing.T) {
	node := installed(t)
	t.Setenv("MAPPING", write(t, t.TempDir(), "cart.yaml", cartMapping))
	t.Setenv("HTTP_ADDR", closed(t))
	brokers := strings.Split(os.Getenv("KAFKA_BROKERS"), ",")
	for _, status := range []string{"cart", "odd"} {
		produce(t, brokers, plainEvent("orders", 0, time.Now(), "4711", status))
	}
	f := followed(t, "run")
	order := func() life.Order {
		return decoded[life.Order](t, command(t, "", "order", "4711", "-o", "json").out)
	}
	await(t, "all events finished", func() bool {
		l := order()
		return len(l.Events) == 3 && l.Events[2].State == life.HasLetter && l.Events[0].State == life.Finished
	})
	node.Change(func(f *sandbox.Faults) {
		f.Orders["4711"] = sandbox.OrderFault{Code: -32000, Type: "OperationalError"}
	})
	for range 2 {
		produce(t, brokers, plainEvent("orders", 0, time.Now(), "4711", "submitted"))
	}
	want := `orders/0/0 call paid: finished
orders/0/1 ignore: finished
orders/0/2 refuse UnknownStatus odd: letter open
orders/0/3 call submitted: waiting
orders/0/4 call submitted: blocked orders/0/3`
	await(t, "an event that waits", func() bool { l := order(); return found(l) == want })
	wantLife(t, order())
	got := command(t, "", "order", "4711")
	if got.code != 0 || got.err != "" || !strings.HasPrefix(got.out, "order 4711: 5 events; 6 events of 1 topic since ") ||
		!strings.Contains(got.out, "\n  waits for orders/0/3\n") || !strings.Contains(got.out, "\n  decided by status.ignore\n") || strings.Contains(got.out, `"order_id"`) {
		t.Errorf("got %+v, want the events and no value", got)
	}
	f.end()

	got = command(t, "", "order", "4711")
	for _, want := range []string{
		"no worker of group leadhit-sync responded", "connection refused", "group leadhit-sync has no members",
		"the group's commit does not cover it; at most 1 event before it", "letter open",
	} {
		if got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("got %+v without a worker, want %q", got, want)
		}
	}
}

// wantLife checks what else is known about the five events.
func wantLife(t *testing.T, l life.Order) {
	t.Helper()
	if w := l.Events[3].Work; w == nil || w.Tries < 1 || w.Cause != "OperationalError" || w.Code != -32000 {
		t.Errorf("got %+v, want the attempts and the last outcome", w)
	}
	if h := l.Events[2].History; len(h) != 1 || h[0].Cause != "UnknownStatus" ||
		!strings.HasPrefix(h[0].Record, "dlq.leadhit-sync/0/") {
		t.Errorf("got %+v, want the letter", h)
	}
	if l.Read != 6 || !l.Complete || len(l.Notes) != 0 || l.Schema != "order.v1" {
		t.Errorf("got %+v, want six events read, and nothing unknown", l)
	}
}

func TestAnOrderThatOccursNowhereSaysWhatWasRead(t *testing.T) {
	installed(t)
	got := command(t, "", "order", "4713", "--since", "2026-03-11T07:00:00Z")
	want := "leadhit-sync: found no event and no letter of order 4713 after reading 2 events of 1 topic since " +
		"2026-03-11 07:00:00 UTC in "
	if got.code != exitError || got.out != "" || !strings.HasPrefix(got.err, want) || !strings.Contains(got.err, "--since") {
		t.Errorf("got %+v, want exit code 1 and %q", got, want)
	}
}

func TestOrderThatIsInterruptedPrintsWhatItFound(t *testing.T) {
	installed(t)
	ctx, stop := context.WithCancel(t.Context())
	worker := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" || r.URL.Query().Get("order") != "47 11&x" {
			t.Errorf("got a request of %s", r.URL)
		}
		stop()
		<-r.Context().Done()
	}))
	t.Cleanup(worker.Close)
	produce(t, strings.Split(os.Getenv("KAFKA_BROKERS"), ","), plainEvent("orders", 0, time.Now(), "47 11&x", "paid"))
	var out, errs strings.Builder
	code := execute(ctx, []string{"order", "47 11&x", "--workers", strings.TrimPrefix(worker.URL, "http://")},
		streams{out: &out, err: &errs})
	if code != exitInterrupted || !strings.Contains(out.String(), "interrupted: ") ||
		!strings.Contains(out.String(), "call paid  unknown\n") ||
		!strings.Contains(errs.String(), "interrupted before everything was read") {
		t.Errorf("got exit code %d, %q and %q, want 130 and what was found", code, out.String(), errs.String())
	}
}

// Looking up the group's coordinator would create __consumer_offsets.
func TestOrderOfAGroupThatDoesNotExistCreatesNothing(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	produce(t, fake.ListenAddrs(), plainEvent("orders", 0, time.Now(), "4711", "paid"))
	set(t, fake)
	creating := watchCreation(fake)
	got := command(t, "", "order", "4711")
	if requests := creating(); got.code != 0 || len(requests) > 0 {
		t.Errorf("got %+v and requests that create something: %q, want none", got, requests)
	}
}

func TestOrderRefusesWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"order"}, {"order", "a", "b"}, {"order", " "}, {"order", "a", "-o", "xml"}, {"order", "a", "--since", "1w"},
	} {
		if got := command(t, "", args...); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, "--help") {
			t.Errorf("%q: got %+v, want exit code 2", args, got)
		}
	}
}

func TestOrdersWithLettersAreCompletedAndSilentWithoutKafka(t *testing.T) {
	noSettings(t)
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1")
	if got := completed(t, "order", ""); len(got) != 0 {
		t.Errorf("got %q without Kafka, want no words", got)
	}
	storyOfALetter(t)
	if got := completed(t, "order", ""); strings.Join(got, " ") != "4711" {
		t.Errorf("got %q, want the order of the letters", got)
	}
}

// storyOfALetter writes an event whose letter is replayed twice, with the letter's records and ledger entries. It also
// writes records that do not belong to this letter. No worker runs.
func storyOfALetter(t *testing.T) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	letter := func(n int, group string, offset int64) *kgo.Record {
		l := deadletter.Letter{
			Record: event.Record{Place: event.Place{Topic: "orders", Offset: offset}, Value: []byte(`{"order_id":"4711"}`)},
			Item:   deadletter.NoItem, OrderID: "4711", Status: "paid", Stage: deadletter.StageCall, Attempts: 2,
			Cause: "ValidationError", Message: "Possible statuses: none", FailedAt: at.Add(time.Duration(n) * 10 * time.Minute),
			Group: group, ReplayCount: n, Version: "1.9.0",
		}.Encode()
		r := &kgo.Record{Topic: "dlq.leadhit-sync", Value: l.Value}
		for _, h := range l.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		return r
	}
	minute := 0
	entry := func(e ledger.Entry) *kgo.Record {
		e.ID, e.Order, e.At = "orders/0/0", "4711", at.Add(time.Duration(minute)*time.Minute)
		minute += 3
		key, value, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		return &kgo.Record{Topic: "dlq.leadhit-sync.ledger", Key: key, Value: value}
	}
	brokers := kafkaWith(t, []string{"orders", "dlq.leadhit-sync", "dlq.leadhit-sync.ledger"}, []*kgo.Record{
		plainEvent("orders", 0, at, "4711", "paid"),
		{Topic: "orders", Partition: 0, Timestamp: at, Key: []byte("4711"), Value: []byte("no JSON")},
		letter(0, "leadhit-sync", 0), letter(1, "leadhit-sync", 0), letter(0, "other", 0), letter(0, "leadhit-sync", 900),
		entry(ledger.Entry{Event: ledger.LetterReplay, N: 1, By: "alice", Run: "r_1", Reason: "LeadHit 2.4 accepts it"}),
		entry(ledger.Entry{Event: ledger.LetterReplay, N: 1, By: "bob"}),
		entry(ledger.Entry{Event: ledger.LetterReplay, N: 1, By: "carol", Group: "other"}),
		entry(ledger.Entry{Event: ledger.LetterOvertaken, N: 1, By: "worker", Newer: "orders/0/7"}),
		entry(ledger.Entry{Event: ledger.LetterRevealed, N: 1, By: "dave", Reason: "asked by the customer"}),
		entry(ledger.Entry{Event: ledger.LetterReplay, N: 2, By: "alice", Force: true}),
	})
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "orders")
}

func TestTheHistoryOfALetterIsShown(t *testing.T) {
	noSettings(t)
	storyOfALetter(t)
	t.Setenv("HTTP_ADDR", closed(t))
	got := command(t, "", "order", "4711")
	if got.code != 0 {
		t.Fatalf("got %+v, want exit code 0", got)
	}
	at := 0
	for _, want := range []string{
		"order 4711: 3 events; 2 events of 1 topic", "EVENT ",
		"orders/0/900  -", "not read paid", "letter open",
		"orders/0/0 ", "letter requeued, overtaken",
		"letter dlq.leadhit-sync/0/0: ValidationError: Possible statuses: none; call, 2 attempts, worker 1.9.0",
		"replay 1 by alice, run r_1: LeadHit 2.4 accepts it",
		"replay 1 by bob (changed nothing)",
		"overtaken: LeadHit accepted orders/0/7, so a replay needs force",
		"refused again by replay 1;",
		"revealed by dave: asked by the customer",
		"replay 2 by alice, with force",
		"its replay waits; no worker says for what",
		"orders/0/1 ", "refuse NotJSON", "not committed",
		"the mapping finds no order id; the record's key is the order's id",
		"the group has committed nothing of the partition",
		"group leadhit-sync has no members: no worker is running",
	} {
		i := strings.Index(got.out[at:], want)
		if i < 0 {
			t.Fatalf("got\n%s\nwant %q, after the text before it", got.out, want)
		}
		at += i
	}
	if n := strings.Count(got.out, "  letter dlq.leadhit-sync/"); n != 3 {
		t.Errorf("got %d letters in\n%s\nwant 3: one is of another group", n, got.out)
	}
	for _, unwanted := range []string{"carol", "no JSON", "other"} {
		if strings.Contains(got.out, unwanted) {
			t.Errorf("got %q in\n%s\nwant neither values nor other groups", unwanted, got.out)
		}
	}
	l := decoded[life.Order](t, command(t, "", "order", "4711", "-o", "json").out)
	mustFit(t, strings.Join(shownOrder{&l}.page(80).Lines(80), "\n"))
}

func TestAWaitIsShownWithItsPause(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
	for want, w := range map[string]life.Work{
		"waits for its next attempt, due at 12:34:56; 3 attempts, last outcome http 503 busy; calls are paused: outage": {
			Doing: "waiting", Tries: 3, Next: &due, Cause: "HTTP 503", Message: "http 503 busy", Paused: "outage",
		},
		"replay 2: waits for other replays": {Replay: 2, Doing: "place"},
	} {
		if got := (shownEvent{&life.Event{Work: &w}}).details(); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOrderShowsWhichEventsNeededNoCall(t *testing.T) {
	node := installed(t)
	t.Setenv("HTTP_ADDR", closed(t))
	brokers := strings.Split(os.Getenv("KAFKA_BROKERS"), ",")
	for _, status := range []string{"submitted", "submitted", "paid", "paid", "paid", "submitted"} {
		produce(t, brokers, plainEvent("orders", 0, time.Now(), "4713", status))
	}
	keyless := plainEvent("orders", 0, time.Now(), "4713", "submitted")
	keyless.Key = nil
	produce(t, brokers, keyless)
	f := followed(t, "run")
	await(t, "all events finished", func() bool {
		l := decoded[life.Order](t, command(t, "", "order", "4713", "-o", "json").out)
		return len(l.Events) == 7 && l.Events[6].State == life.Finished
	})
	got := command(t, "", "order", "4713")
	calls := 0
	for _, c := range node.Calls() {
		if c.OrderID == "4713" {
			calls++
		}
	}
	const needless = ", so no call was needed"
	if calls != 4 || strings.Count(got.out, needless) != 3 || strings.Count(got.out, "the status of orders/0/3"+needless) != 1 {
		t.Errorf("got %d calls and\n%s\nwant 4 calls of 7 events, and 3 that needed none", calls, got.out)
	}
	f.end()
}
