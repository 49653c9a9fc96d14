package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
)

// brokers runs an embedded Kafka with the demo's topics.
func brokers(t *testing.T) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic),
		kfake.SeedTopics(1, letters, ledger.Topic(letters)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

func client(t *testing.T, addresses []string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(addresses...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTheShopsRecordIsWhatKafkaHolds(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	s, err := openShop(addresses, options{rate: 500, orders: 20, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	if err := s.sell(ctx); err != nil {
		t.Fatal(err)
	}
	most := int(500*time.Since(begun).Seconds()) + 1
	book := make(map[[2]int64]entry) // by partition and offset
	for _, e := range s.entries() {
		book[[2]int64{int64(e.partition), e.offset}] = e
	}
	if len(book) == 0 || len(book) > most {
		t.Errorf("got %d events, want some, and at most %d: 500 a second", len(book), most)
	}
	reader := client(t, addresses, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for len(book) > 0 && t.Context().Err() == nil {
		reader.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			at := [2]int64{int64(r.Partition), r.Offset}
			e := book[at]
			if e.order != string(r.Key) || e.value != sha256.Sum256(r.Value) ||
				!bytes.Contains(r.Value, []byte(`"status":"`+e.status+`"`)) {
				t.Errorf("%v: got %s in the log, want %s (%s)", at, r.Value, e.order, e.status)
			}
			delete(book, at)
		})
	}
}

func TestAWorkerThatStopsEarlyEndsTheDemo(t *testing.T) {
	t.Parallel()
	s, err := openShop(brokers(t), options{rate: 60, orders: 20, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	want := errors.New("port in use")
	told := stage(t, time.Hour)
	d := &demo{
		parts: &parts{logs: newLogbook()}, shop: s, story: told, person: &person{story: told},
		running: start(t.Context(), func(context.Context) error { return want }),
	}
	begun := time.Now()
	if err := d.sell(t.Context()); !errors.Is(err, errStopped) || !errors.Is(err, want) ||
		time.Since(begun) > time.Minute {
		t.Errorf("got %v after %v, want at once %v and %v", err, time.Since(begun), errStopped, want)
	}
	if _, err := d.ready(t.Context(), d.running); !errors.Is(err, errStopped) {
		t.Errorf("end: got %v, want %v", err, errStopped)
	}
}

func TestTheLetterboxReadsToTheEnd(t *testing.T) {
	t.Parallel()
	addresses := brokers(t)
	writer := client(t, addresses, kgo.DefaultProduceTopic(letters))
	written := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: topic, Partition: 2, Offset: 7}, Key: []byte("W-1"),
			Value: []byte("{}"),
		}, Item: deadletter.NoItem,
		OrderID: "W-1", Status: "on-hold", Stage: deadletter.StageCall, Cause: "ValidationError", Message: "no",
		FailedAt: time.UnixMilli(1),
	}
	record := &kgo.Record{Key: []byte("W-1"), Value: []byte("{}")}
	for _, h := range written.Encode().Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	entry := func(value string) *kgo.Record {
		return &kgo.Record{Topic: ledger.Topic(letters), Value: []byte(value)}
	}
	if err := writer.ProduceSync(t.Context(), record, &kgo.Record{Value: []byte("no letter")},
		entry(`{"ev":"replay","id":"orders/2/7","n":1}`), entry("no entry")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	box, err := openLetterbox(addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.client.Close)
	ends := map[string]int64{letters: 2, ledger.Topic(letters): 2}
	if err := box.read(t.Context(), ends); err != nil {
		t.Fatal(err)
	}
	found, broken := box.all()
	if len(found) != 1 || found[0].ID() != "orders/2/7" || found[0].Status != "on-hold" || broken != 2 {
		t.Errorf("got %+v and %d others, want the letter and 2", found, broken)
	}
	if got := box.requeued(); got != 1 {
		t.Errorf("got %d letters whose replay has no outcome, want 1", got)
	}
	box.take(&kgo.Record{Topic: letters, Offset: 1, Value: record.Value, Headers: record.Headers})
	if got := box.stored(); got != 1 {
		t.Errorf("got %d letters after two records of one, want 1", got)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for topic := range ends {
		later := maps.Clone(ends)
		later[topic]++
		if err := box.read(ctx, later); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), topic) {
			t.Errorf("got %v for a record of %s that never comes, want %v", err, topic, context.DeadlineExceeded)
		}
	}
	if err := box.read(ctx, nil); err != nil {
		t.Errorf("got %v from a read without ends, want nil", err)
	}
}

func TestOutputThatIsNoTerminalGetsPlainLines(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	paint := painterFor(options{}, writer)
	paint.paint(middle())
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil || len(text) == 0 || bytes.ContainsRune(text, '\x1b') {
		t.Errorf("got %q (%v), want plain lines", text, err)
	}
}
