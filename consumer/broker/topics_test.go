package broker_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
)

func TestTopicsAreDescribedAsTheyAreNow(t *testing.T) {
	fake := fakeKafka(t, kfake.NumBrokers(3))
	cluster := open(t, fake)
	got, err := cluster.Topics(t.Context(), "orders", "gone", "also gone")
	if err != nil || got.Brokers != 3 || got.Topics["orders"].Partitions != 2 || got.Topics["orders"].Err != nil {
		t.Errorf("got %+v, %v, want orders with 2 partitions, 3 brokers", got, err)
	}
	if got.Topics["orders"].Missing || !got.Topics["gone"].Missing || !got.Topics["also gone"].Missing {
		t.Errorf("got %+v, want the two missing ones", got.Topics)
	}
	if err := got.Topics["gone"].Err; !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		t.Errorf("got %v, want %v", err, kafkaerr.ErrUnknownPartition)
	}
	// No cache is used, so a new topic is found immediately, even one that the pool does not know of.
	if err := fake.CreateTopic("fresh", 5, nil); err != nil {
		t.Fatal(err)
	}
	if got, err = cluster.Topics(t.Context(), "fresh"); err != nil || got.Topics["fresh"].Partitions != 5 {
		t.Errorf("got %+v, %v, want 5 partitions", got, err)
	}
	if got, err = cluster.Topics(t.Context()); err != nil || len(got.Topics) != 0 || got.Brokers != 3 {
		t.Errorf("got %+v, %v, want no topics and 3 brokers", got, err)
	}
}

func TestTopicsCreatesNoTopic(t *testing.T) {
	fake := fakeKafka(t, kfake.AllowAutoTopicCreation())
	cluster := open(t, fake)
	for range 2 {
		got, err := cluster.Topics(t.Context(), "gone")
		if err != nil || !got.Topics["gone"].Missing {
			t.Fatalf("got %+v, %v, want it missing", got, err)
		}
	}
}

func TestBoundsFollowRetentionAndOpenTransactions(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), numbers(10)...)
	if err := fake.DeleteRecords("orders", 0, 4); err != nil {
		t.Fatal(err)
	}
	open10 := transactional(t, fake, "open")
	open10.write("not yet")
	defer open10.end(kgo.TryAbort)
	cluster := open(t, fake)

	got, err := cluster.Bounds(t.Context(), "orders", []int{0, 1})
	if err != nil || got[0] != (inspect.Bounds{First: 4, Last: 10, End: 11}) || got[1] != (inspect.Bounds{}) {
		t.Errorf("got %+v, %v, want 4 to 10 and an empty log", got, err)
	}
	for _, test := range []struct {
		topic     string
		partition int
	}{{"gone", 0}, {"orders", 9}} {
		if got, err := cluster.Bounds(t.Context(), test.topic, []int{0, test.partition}); !errors.Is(err,
			kafkaerr.ErrUnknownPartition) {
			t.Errorf("%s/%d: got %v, %v, want %v", test.topic, test.partition, got, err, kafkaerr.ErrUnknownPartition)
		}
	}
	if got, err := cluster.Bounds(t.Context(), "orders", nil); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v for no partitions, want nothing", got, err)
	}
}

func TestOffsetsAtFindsTheFirstRecordNotOlder(t *testing.T) {
	fake := fakeKafka(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	writer := producer(t, fake)
	for i := range 3 { // one batch for each record: kfake, unlike Kafka, finds only batches
		record := &kgo.Record{Value: []byte("v"), Timestamp: noon.Add(time.Duration(i) * time.Hour)}
		if err := writer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	cluster := open(t, fake)
	for at, want := range map[time.Time]int64{
		time.Unix(-10, 0): 0, noon: 0, noon.Add(time.Minute): 1, noon.Add(2 * time.Hour): 2, noon.Add(3 * time.Hour): 3,
	} {
		got, err := cluster.OffsetsAt(t.Context(), "orders", []int{0, 1}, at)
		if err != nil || got[0] != want || got[1] != 0 {
			t.Errorf("%v: got %v, %v, want %d and 0", at, got, err, want)
		}
	}
}

func refuseSettings(fake *kfake.Cluster, code int16) {
	fake.ControlKey(int16(kmsg.DescribeConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		response, ok := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		if !ok {
			return nil, nil, false
		}
		resource := kmsg.NewDescribeConfigsResponseResource()
		resource.ErrorCode = code
		response.Resources = append(response.Resources, resource)
		return response, nil, true
	})
}

func TestOffsetsTopicIsSafeWhenItSurvivesABroker(t *testing.T) {
	tests := map[string]struct {
		topic inspect.OffsetsTopic
		want  bool
	}{
		"a cluster of one":                  {inspect.OffsetsTopic{Brokers: 1, Exists: true, Replicas: 1, MinInSync: 1}, true},
		"one replica of three":              {inspect.OffsetsTopic{Brokers: 3, Exists: true, Replicas: 1, MinInSync: 1}, false},
		"acknowledged by one of three":      {inspect.OffsetsTopic{Brokers: 3, Exists: true, Replicas: 3, MinInSync: 1}, false},
		"acknowledged by two of three":      {inspect.OffsetsTopic{Brokers: 3, Exists: true, Replicas: 3, MinInSync: 2}, true},
		"three, and the minimum is unknown": {inspect.OffsetsTopic{Brokers: 3, Exists: true, Replicas: 3}, true},
		"not there yet":                     {inspect.OffsetsTopic{Brokers: 3}, true},
	}
	for name, test := range tests {
		if got := test.topic.Safe(); got != test.want {
			t.Errorf("%s: got safe %v, want %v", name, got, test.want)
		}
	}
	cluster := open(t, fakeKafka(t))
	if got, err := cluster.OffsetsTopic(t.Context()); err != nil || got.Brokers != 1 {
		t.Errorf("got %+v, %v, want one broker", got, err)
	}
}

func TestWhatAnOpenTransactionHoldsBackIsCountedWithTheFirstEventsTime(t *testing.T) {
	fake := fakeKafka(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	plain := producer(t, fake)
	produce(t, plain, numbers(10)...)
	cluster := open(t, fake)
	if got, err := cluster.HeldBack(t.Context(), "orders", []int{0, 1}); err != nil || len(got) != 0 {
		t.Fatalf("got %+v, %v without a transaction, want nothing", got, err)
	}

	shop := transactional(t, fake, "open")
	shop.begin()
	if err := shop.client.ProduceSync(t.Context(), &kgo.Record{
		Value:     []byte("not yet"),
		Timestamp: at,
	}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	produce(t, plain, numbers(5)...)
	got, err := cluster.HeldBack(t.Context(), "orders", []int{0, 1})
	if want := (broker.HeldBack{Offset: 10, Events: 6, First: at}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	// A fetch of uncommitted records reads past the open transaction.
	batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{
		Topic: "orders", Offset: 10, MaxWait: time.Second,
		Uncommitted: true,
	})
	if err != nil || len(batch.Records) != 6 || batch.Next != 16 {
		t.Errorf("got %+v, %v, want six records read uncommitted", batch, err)
	}

	shop.end(kgo.TryCommit)
	if got, err := cluster.HeldBack(t.Context(), "orders", []int{0, 1}); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v after the commit, want nothing", got, err)
	}
}

// The transaction ends after the bounds are read, but before the fetch. The fetch counts, because its response has both
// the last stable offset and the high watermark as of the same moment.
func TestATransactionThatEndsMeanwhileHoldsNothingBack(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), numbers(10)...)
	cluster := open(t, fake)
	fake.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		request := as[*kmsg.ListOffsetsRequest](t, r)
		if request.IsolationLevel == 0 || request.Topics[0].Partitions[0].Timestamp != -1 {
			return nil, nil, false
		}
		response := as[*kmsg.ListOffsetsResponse](t, request.ResponseKind())
		topic, p := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
		topic.Topic, p.Offset = "orders", 7 // the last stable offset while the transaction was open
		topic.Partitions = append(topic.Partitions, p)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	if got, err := cluster.Bounds(t.Context(), "orders", []int{0}); err != nil ||
		got[0] != (inspect.Bounds{Last: 7, End: 10}) {
		t.Fatalf("got %+v, %v, want an open transaction at offset 7", got, err)
	}
	if got, err := cluster.HeldBack(t.Context(), "orders", []int{0}); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v, want nothing", got, err)
	}
}

func TestRightsAreThoseThatTheBrokersName(t *testing.T) {
	t.Parallel()
	const read = 1 << 3 // Read is Kafka's operation 3
	fake := fakeKafka(t)
	cluster := open(t, fake)
	fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		request := as[*kmsg.MetadataRequest](t, r)
		if !request.IncludeTopicAuthorizedOperations {
			return nil, nil, false
		}
		response := as[*kmsg.MetadataResponse](t, request.ResponseKind())
		for _, t := range []struct {
			name       string
			code       int16
			operations int32
		}{{"orders", 0, read}, {"unknown", 0, -1 << 31}, {"secret", 29, read}} {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.ErrorCode, topic.AuthorizedOperations = &t.name, t.code, t.operations
			response.Topics = append(response.Topics, topic)
		}
		return response, nil, true
	})
	got, err := cluster.TopicRights(t.Context(), "orders", "unknown", "secret")
	want := map[string]inspect.Rights{"orders": {"Read"}, "unknown": nil}
	if err != nil || !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
