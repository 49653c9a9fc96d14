package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

func TestADeletedLettersTopicIsCreatedAgain(t *testing.T) {
	installed(t)
	f := followed(t, "run")
	await(t, "the first letter", func() bool { return len(letterIDs(t)) == 1 })
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BROKERS"), ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewPtrDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = new("dlq.leadhit-sync")
	request.Topics, request.TopicNames, request.TimeoutMillis = append(request.Topics, topic),
		[]string{"dlq.leadhit-sync"}, 5000
	if _, err := request.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), plainEvent("orders", 0, time.Now(), "4713", "lost")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	await(t, "a letter in the new topic", func() bool {
		ids := letterIDs(t)
		return len(ids) == 1 &&
			ids[0] == "orders/0/1"
	})
	if code, said := f.end(); code != 0 || !strings.Contains(said, "letters cannot be stored") {
		t.Errorf("got exit code %d and\n%s\nwant 0 and a line about the letters", code, said)
	}
}

// Our workers write letters without transactions, and another program's open transaction must not hide the letters.
func TestAForeignTransactionHidesNoLetter(t *testing.T) {
	letter := deadletter.Letter{
		Record: event.Record{Place: event.Place{Topic: "orders", Offset: 17}, Value: []byte("{}")}, Item: deadletter.NoItem,
		OrderID: "4711",
		Stage:   deadletter.StageCall, Cause: "ValidationError", FailedAt: time.Now(), Group: "leadhit-sync",
	}.Encode()
	brokers := kafkaWith(t, []string{"dlq.leadhit-sync"}, nil)
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	foreign, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID("foreign"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.Close)
	if err := foreign.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := foreign.ProduceSync(t.Context(), &kgo.Record{
		Topic: "dlq.leadhit-sync",
		Value: []byte("no letter"),
	}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	stored := &kgo.Record{Topic: "dlq.leadhit-sync", Value: letter.Value}
	for _, h := range letter.Headers {
		stored.Headers = append(stored.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	ours, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ours.Close)
	if err := ours.ProduceSync(t.Context(), stored).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if ids := letterIDs(t); len(ids) != 1 || ids[0] != "orders/0/17" {
		t.Errorf("got %q, want the letter after the foreign transaction", ids)
	}
	if got := command(t, "", "letters", "show", "orders/0/17"); got.code != 0 {
		t.Errorf("got %+v, want the letter", got)
	}
}
