package worker_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// desk is a store with the orders and dlq.test topics, and an event in orders.
type desk struct {
	*store
	t     *testing.T
	event event.Record
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{store: newStore(t, kfake.SeedTopics(1, "orders", lettersTopic)), t: t}
	d.config.Kafka.Group = "shop"
	d.append("orders", event.Record{Key: []byte("4711"), Value: []byte("an event of another order")})
	d.append("orders", event.Record{
		Key: []byte("4711"), Value: []byte(`{"order_id":"4711"}`),
		Headers: []event.Header{{Key: "source", Value: []byte("shop")}, {Key: "dlq.id", Value: []byte("the shop's own")}},
	})
	d.event = d.at("orders", 1)
	return d
}

func (d *desk) append(topic string, r event.Record) {
	d.t.Helper()
	if err := d.cluster.Append(d.t.Context(), topic, r); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) at(topic string, offset int64) event.Record {
	d.t.Helper()
	batch, err := d.cluster.Fetch(d.t.Context(), broker.FetchRequest{Topic: topic, Offset: offset, MaxWait: time.Second})
	if err != nil || len(batch.Records) == 0 {
		d.t.Fatalf("got %v, %v, want a record", batch, err)
	}
	return batch.Records[0]
}

// letter stores the event's letter, as altered by change.
func (d *desk) letter(change func(*deadletter.Letter)) {
	d.t.Helper()
	l := deadletter.Letter{
		Record: d.event, Item: deadletter.NoItem, OrderID: "4711", Status: "paid", Stage: deadletter.StageCall,
		Cause: "ValidationError", FailedAt: time.Now(), Group: "shop", Version: "1.0", ReplayCount: 2,
	}
	change(&l)
	d.append(lettersTopic, l.Encode())
}

func same(*deadletter.Letter) {}

func omitted(l *deadletter.Letter) { *l = l.WithoutValue() }

// take fetches the first record in the letters' topic, as a worker does for a replay.
func (d *desk) take() turn.Taken {
	d.t.Helper()
	taken, err := worker.TakeLetter(d.t.Context(), d.config, d.cluster, turn.Take{
		Letter: ledger.ID{Topic: "orders", Offset: 1, Item: ledger.NoItem},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return taken
}

// wantEvent fails the test if the event is not as the shop wrote it.
func (d *desk) wantEvent(taken turn.Taken) {
	d.t.Helper()
	e, _ := taken.Record.(*consumer.Event)
	want := d.event
	want.Time = want.Time.UTC()
	if e != nil {
		e.Time = e.Time.UTC()
	}
	if e == nil || taken.Cause != "" || !reflect.DeepEqual(e.Record, want) {
		d.t.Errorf("got %+v, want the event %+v", taken, want)
	}
	if len(taken.Items) != 1 || taken.Items[0].OrderID != "4711" {
		d.t.Errorf("got %+v, want what the current mapping asks for", taken.Items)
	}
}

func TestATakenLetterRestoresItsEvent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.letter(same)
	taken := d.take()
	d.wantEvent(taken)
	id := ledger.ID{Topic: "orders", Offset: 1, Item: ledger.NoItem}
	want := fold.Letter{
		ID: id, Order: "4711", Key: fold.KeyHash([]byte("4711")), Count: 2, Stored: taken.Letter.Stored,
	}
	if age := time.Since(taken.Letter.Stored); age < 0 || age > time.Hour {
		t.Errorf("got a letter that was stored %v ago, want the record's time", age)
	}
	if taken.Letter != want {
		t.Errorf("got %+v, want %+v", taken.Letter, want)
	}
}

func TestTheValueOfALetterWithoutOneIsReadFromItsSource(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.letter(omitted)
	d.wantEvent(d.take())
}

func TestALetterWhoseValueIsGoneCannotBeReplayed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*deadletter.Letter){
		"another time":  func(l *deadletter.Letter) { l.Time = l.Time.Add(time.Hour) },
		"another value": func(l *deadletter.Letter) { l.Value = bytes.ToUpper(l.Value) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.letter(func(l *deadletter.Letter) {
				change(l)
				omitted(l)
			})
			if taken := d.take(); taken.Cause != "ValueExpired" {
				t.Errorf("got %+v, want ValueExpired", taken)
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.letter(omitted)
		d.expires("orders", 2)
		if taken := d.take(); taken.Cause != "ValueExpired" {
			t.Errorf("got %+v, want ValueExpired", taken)
		}
	})
}

func TestALetterThatIsGoneCannotBeReplayed(t *testing.T) {
	t.Parallel()
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.letter(same)
		d.expires(lettersTopic, 1)
		if taken := d.take(); taken.Cause != "LetterExpired" {
			t.Errorf("got %+v, want LetterExpired", taken)
		}
	})
	t.Run("its topic is gone", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		if err := d.DeleteTopic(lettersTopic); err != nil {
			t.Fatal(err)
		}
		if taken := d.take(); taken.Cause != "LetterExpired" {
			t.Errorf("got %+v, want LetterExpired", taken)
		}
	})
}

// expires deletes the records below an offset in a topic, as retention does.
func (d *desk) expires(topic string, below int64) {
	d.t.Helper()
	if err := d.DeleteRecords(topic, 0, below); err != nil {
		d.t.Fatal(err)
	}
}

func TestAnotherRecordInALettersPlaceTellsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*deadletter.Letter){
		"another letter": func(l *deadletter.Letter) { l.Offset = 7 },
		"another group":  func(l *deadletter.Letter) { l.Group = "billing" },
		"another item":   func(l *deadletter.Letter) { l.Item = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.letter(change)
			if taken := d.take(); !reflect.DeepEqual(taken, turn.Taken{}) {
				t.Errorf("got %+v, want nothing: nobody knows which letter the replay is about", taken)
			}
		})
	}
}

func TestALetterThatCannotBeFetchedNowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	taken, err := worker.TakeLetter(t.Context(), d.config, d.cluster, turn.Take{}) // the topic is empty
	if err == nil {
		t.Errorf("got %+v, want an error: the letter may be there later", taken)
	}
}
