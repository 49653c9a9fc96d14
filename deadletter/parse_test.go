package deadletter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// with returns the letter's record with one header set to another value, or without that header if the value is nil.
func with(l deadletter.Letter, name string, value []byte) event.Record {
	r := l.Encode()
	var headers []event.Header
	for _, h := range r.Headers {
		switch {
		case h.Key != name:
			headers = append(headers, h)
		case value != nil:
			headers = append(headers, event.Header{Key: name, Value: value})
		}
	}
	r.Headers = headers
	return r
}

func TestALetterOfKafkaConnectIsRead(t *testing.T) {
	t.Parallel()
	header := func(name, value string) event.Header {
		return event.Header{Key: name, Value: []byte(value)}
	}
	r := event.Record{Value: []byte("x"), Headers: []event.Header{
		header("own", "1"),
		header("__connect.errors.topic", "old"), header("__connect.errors.partition", "1"), header("__connect.errors.offset", "7"),
		header("__connect.errors.topic", "orders"), header("__connect.errors.partition", "2"), header("__connect.errors.offset", "8"),
		header("__connect.errors.stage", "TRANSFORMATION"), header("__connect.errors.connector.name", "sink"),
		header("__connect.errors.exception.class.name", "java.lang.Exception"),
		{Key: "__connect.errors.exception.message"},
		header("__connect.errors.exception.stacktrace", "at …"),
	}}
	got, err := deadletter.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	want := deadletter.Letter{
		Record: event.Record{Place: event.Place{Topic: "orders", Partition: 2, Offset: 8}, Value: []byte("x"), Headers: r.Headers[:1]},
		Item:   deadletter.NoItem, Stage: "TRANSFORMATION", Cause: "java.lang.Exception", Group: "sink",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestARecordWithoutAPlaceIsNoLetter(t *testing.T) {
	t.Parallel()
	for _, r := range []event.Record{
		{},
		{Key: []byte("k"), Value: []byte("v"), Headers: []event.Header{{Key: "traceparent", Value: []byte("x")}}},
		{Headers: []event.Header{{Key: "dlq.kept.dlq.id", Value: []byte("orders/1/2")}}},
	} {
		if _, err := deadletter.Parse(r); !errors.Is(err, deadletter.ErrNotALetter) {
			t.Errorf("got %v, want ErrNotALetter", err)
		}
	}
}

func TestAHeaderThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, header, value string }{
		{"an id of two parts", "dlq.id", "orders/3"},
		{"an id without a topic", "dlq.id", "/3/118273"},
		{"an id with a sign", "dlq.id", "orders/3/-1"},
		{"an id with an offset above 2^63", "dlq.id", "orders/3/9223372036854775808"},
		{"an id with an odd item", "dlq.id", "orders/3/118273#x"},
		{"an id whose item has no number", "dlq.id", "orders/3/118273#"},
		{"an id of another event", "dlq.id", "orders/3/118274"},
		{"an id of another topic", "dlq.id", "returns/3/118273"},
		{"a code", "dlq.error.code", "many"},
		{"attempts", "dlq.attempts", "1.5"},
		{"a replay count", "dlq.replay.count", ""},
		{"a time", "dlq.failed.at", "yesterday"},
		{"a time beyond the calendar", "dlq.failed.at", "9999-12-31T23:59:59-10:00"},
		{"a timestamp", "dlq.original.timestamp", "0x1"},
		{"a newer version", "dlq.schema", "2"},
		{"an older version", "dlq.schema", "0"},
		{"a version that is not a number", "dlq.schema", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := deadletter.Parse(with(refused(), c.header, []byte(c.value)))
			var header *deadletter.HeaderError
			if !errors.As(err, &header) || header.Header != c.header {
				t.Fatalf("got %v, want a HeaderError of %s", err, c.header)
			}
			if strings.HasPrefix(c.value, "orders/") && strings.Contains(err.Error(), c.value) {
				t.Errorf("got %q, which quotes the value", err)
			}
		})
	}
	for _, c := range []struct{ header, value string }{{"dlq.value", "gone"}, {"dlq.value.size", "large"}} {
		_, err := deadletter.Parse(with(refused().WithoutValue(), c.header, []byte(c.value)))
		var header *deadletter.HeaderError
		if !errors.As(err, &header) || header.Header != c.header {
			t.Errorf("got %v, want a HeaderError of %s", err, c.header)
		}
	}
}

func TestEitherFormOfThePlaceIsEnough(t *testing.T) {
	t.Parallel()
	r := with(refused(), "dlq.id", nil)
	if got, err := deadletter.Parse(r); err != nil || got.ID() != "orders/3/118273" {
		t.Errorf("without dlq.id: got %s, %v", got.ID(), err)
	}
	r = with(refused(), "__connect.errors.topic", nil)
	if got, err := deadletter.Parse(r); err != nil || got.ID() != "orders/3/118273" {
		t.Errorf("without Connect's topic: got %s, %v", got.ID(), err)
	}
	r.Headers = with(refused(), "__connect.errors.offset", nil).Headers
	if got, err := deadletter.Parse(r); err != nil || got.Offset != 118273 {
		t.Errorf("without Connect's offset: got %d, %v", got.Offset, err)
	}
}
