package desktest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// Story returns a backend with realistic letters, or an empty, large or broken backend. The name is one of busy, few,
// empty, resolved, many (300 causes), huge (200,000 letters), broken (Kafka is down), ledger (the ledger cannot be
// read), unread, paused, flood, outage, versions and idle (no worker). The last five show workers; their letters are
// those of the busy story.
func Story(name string) *Fake {
	f := New()
	switch name {
	case "busy", "paused", "flood", "outage", "versions", "idle":
		f.busy()
	case "few":
		f.few()
	case "resolved":
		f.few()
		f.close(ledger.LetterDismissed)
	case "many":
		f.many()
	case "huge":
		f.huge(200_000)
	case "broken":
		f.busy()
		f.Err = errors.New("fetch dlq.shop/0: dial tcp 10.1.2.3:9092: connect: connection refused")
	case "ledger":
		f.busy()
		f.Err = errors.New("fetch dlq.shop.ledger/0: [29] Topic Authorization Failed: " +
			"the client is not authorized to access the requested topic")
	case "unread":
		f.Unread = true
		f.Err = errors.New("topic dlq.shop does not exist: no letter has been written yet, or KAFKA_GROUP or " +
			"DEAD_LETTER_TOPIC is wrong")
	}
	f.ask(name)
	return f
}

// kind is one kind of failure.
type kind struct {
	cause, message, stage, status, version, decided string
	code, letters                                   int
	first, last                                     time.Duration // how long ago
}

func kinds() []kind {
	call, mapping := deadletter.StageCall, deadletter.StageMapping
	return []kind{
		{
			"ValidationError", "Possible statuses: paid, submitted, canceled; got “complete”", call, "complete",
			"1.10.0+9be01d2", `rules[2]: status == "complete"`, -32000, 152, 3 * time.Hour, 2 * time.Minute,
		},
		{
			"InvalidOrder", "Заказ не найден: проверьте идентификатор, переданный на странице оформления", call, "paid",
			"1.9.0+3fa2c1d", "", -32004, 31, 9 * 24 * time.Hour, 50 * time.Minute,
		},
		{
			"HTTP 422", "Unprocessable Entity", call, "submitted",
			"1.9.0+3fa2c1d", "", 422, 17, 6 * 24 * time.Hour, 5 * time.Hour,
		},
		{
			"UnknownStatus", "status “на сборке у партнёра” is in no list of the mapping", mapping, "", "1.10.0+9be01d2",
			"statuses", 0, 9, 20 * time.Hour, 3 * time.Hour,
		},
		{
			"NotJSON", "value is not JSON: invalid character 'P' at byte 1", mapping, "",
			"1.8.3+77aa0c4", "", 0, 4, 29 * 24 * time.Hour, 28 * 24 * time.Hour,
		},
		{
			"MissingOrderID",
			"no order id at $.order.external.identifiers[?(@.kind=='leadhit')].value: the path matches nothing",
			mapping, "", "1.9.0+3fa2c1d", "order_id", 0, 1, 7 * time.Hour, 7 * time.Hour,
		},
	}
}

func (f *Fake) busy() {
	random := rand.New(rand.NewPCG(7, 7))
	now := time.Now()
	offset := int64(118_200)
	for _, k := range kinds() {
		for i := range k.letters {
			offset += 1 + random.Int64N(40)
			share := float64(i+1) / float64(k.letters)
			ago := k.last + time.Duration((1-share)*(1-share)*float64(k.first-k.last))
			f.Store(k.letter(offset, random, now.Add(-ago)))
		}
	}
	f.past(now, random)
}

// letter returns a letter of the kind.
func (k kind) letter(offset int64, random *rand.Rand, at time.Time) deadletter.Letter {
	order := strconv.Itoa(88_000 + random.IntN(60))
	switch k.cause {
	case "NotJSON", "MissingOrderID":
		order = ""
	case "HTTP 422":
		order = "mp-7f3c9a1e-55d0-4c1b-9a83-0b6c2f1d" + order
	}
	value := fmt.Sprintf(`{"order":{"id":%q,"status":%q,"total":%d},`+
		`"customer":{"email":"anna@example.com","name":"Анна"}}`,
		order, k.status, 1000+random.IntN(90_000))
	if k.cause == "NotJSON" {
		value = "PING"
	}
	return deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: random.IntN(6), Offset: offset}, Time: at.Add(-3 * time.Second),
			Key: []byte(order), Value: []byte(value),
			Headers: []event.Header{
				{Key: "shop", Value: []byte("north")},
				{Key: "content-type", Value: []byte("application/json")},
				{Key: "traceparent", Value: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")},
			},
		},
		Item: deadletter.NoItem, OrderID: order, Status: k.status, Stage: k.stage, Cause: k.cause, Message: k.message,
		DecidedBy: k.decided, Code: k.code, Attempts: 1, FailedAt: at.Truncate(time.Millisecond), Version: k.version,
	}
}

// past adds what people and workers did: letters that are overtaken, dismissed, resolved and superseded.
func (f *Fake) past(now time.Time, random *rand.Rand) {
	k := kinds()[0]
	k.version = "1.9.0+3fa2c1d"
	run, started := "r_01JD8K", now.Add(-26*time.Hour)
	f.Write(ledger.Entry{
		Event: ledger.RunStart, Run: run, By: "alice@example.com", Via: "cli", Reason: "LeadHit 2.4 accepts it", Count: 58,
		At: started, Filter: "--cause ValidationError --state open",
	})
	for i := range 58 {
		l := k.letter(int64(90_000+i*7), random, now.Add(-30*time.Hour))
		f.Store(l)
		f.Write(ledger.Entry{
			Event: ledger.LetterReplay, ID: l.ID(), N: 1, Run: run, By: "alice@example.com", Via: "cli", At: started,
			Reason: "LeadHit 2.4 accepts it", Letter: f.offset - 1, Order: l.OrderID,
		})
		outcome := ledger.Entry{Event: ledger.LetterResolved, ID: l.ID(), N: 1, At: started.Add(time.Minute)}
		if i%11 == 10 {
			outcome.Event, outcome.Newer = ledger.LetterSuperseded, "orders/3/118273"
		}
		f.Write(outcome)
	}
	ended := started.Add(2 * time.Minute)
	f.Write(ledger.Entry{Event: ledger.RunStop, Run: run, By: "alice@example.com", Why: "done", At: ended})
	i := 0
	for id, l := range f.sorted() {
		if l.Version == k.version && l.Cause == k.cause {
			continue
		}
		switch i++; {
		case i%6 == 0:
			f.Write(ledger.Entry{
				Event: ledger.LetterOvertaken, ID: id.String(), Newer: "orders/3/118900", At: now.Add(-time.Minute),
			})
		case i%31 == 0:
			f.Write(ledger.Entry{
				Event: ledger.LetterDismissed, ID: id.String(), By: "boris", Reason: "test order of the QA shop", Via: "desk",
				At: now.Add(-30 * time.Minute),
			})
		}
	}
}

// sorted yields the letters, sorted by topic, partition and offset.
func (f *Fake) sorted() func(func(ledger.ID, deadletter.Letter) bool) {
	return func(yield func(ledger.ID, deadletter.Letter) bool) {
		for l := range f.view.Letters(view.Filter{}) {
			if !yield(l.Ledger.ID, f.records[l.Ledger.ID]) {
				return
			}
		}
	}
}

func (f *Fake) few() {
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 3 {
		f.Store(kinds()[0].letter(int64(118_273+i*9), random, time.Now().Add(-time.Duration(50-i*20)*time.Minute)))
	}
}

func (f *Fake) close(how ledger.Event) {
	for id := range f.sorted() {
		f.Write(ledger.Entry{
			Event: how, ID: id.String(), By: "alice@example.com", Reason: "test orders",
			At: time.Now().Add(-20 * time.Minute),
		})
	}
}

func (f *Fake) many() {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range 300 {
		k := kinds()[i%4]
		k.cause = fmt.Sprintf("%s%c%c", k.cause, 'A'+rune(i/26), 'A'+rune(i%26))
		for j := range 1 + random.IntN(12) {
			f.Store(k.letter(int64(i*100+j), random, time.Now().Add(-time.Duration(random.IntN(40*3600))*time.Second)))
		}
	}
}

func (f *Fake) huge(letters int) {
	random := rand.New(rand.NewPCG(5, 5))
	all := kinds()
	now := time.Now()
	for i := range letters {
		l := all[i%5].letter(int64(i), random, now.Add(-time.Duration(random.IntN(29*24*3600))*time.Second))
		l.OrderID = strconv.Itoa(4_000_000 + i/3)
		l.Value, l.Headers = nil, nil
		f.Store(l)
		f.records[ledger.ID{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Item: l.Item}] = deadletter.Letter{}
	}
}
