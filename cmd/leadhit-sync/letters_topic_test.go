package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestALettersTopicThatIsDeletedIsMadeAnew(t *testing.T) {
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
	request.Topics, request.TopicNames, request.TimeoutMillis = append(request.Topics, topic), []string{"dlq.leadhit-sync"}, 5000
	if _, err := request.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), plainEvent("orders", 0, time.Now(), "4713", "lost")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	await(t, "a letter in the new topic", func() bool { ids := letterIDs(t); return len(ids) == 1 && ids[0] == "orders/0/1" })
	if code, said := f.end(); code != 0 || !strings.Contains(said, "letters cannot be stored") {
		t.Errorf("got exit code %d and\n%s\nwant 0 and a line about the letters", code, said)
	}
}
