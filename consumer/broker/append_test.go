package broker_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

const own = "own" // a topic that we write to

// withOwn starts a broker with a topic "own" that has the given settings.
func withOwn(t *testing.T, settings map[string]string) (*kfake.Cluster, *broker.Cluster) {
	t.Helper()
	fake := fakeKafka(t)
	if err := fake.CreateTopic(own, 1, settings); err != nil {
		t.Fatal(err)
	}
	return fake, openOwn(t, fake)
}

func openOwn(t *testing.T, fake *kfake.Cluster) *broker.Cluster {
	t.Helper()
	return open(t, fake, func(o *broker.Options) { o.Topics = []string{own} })
}

// appended returns all records in the topic "own".
func appended(t *testing.T, fake *kfake.Cluster, cluster *broker.Cluster) []event.Record {
	t.Helper()
	var all []event.Record
	for next := int64(0); next < fake.PartitionInfo(own, 0).HighWatermark; {
		batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{
			Topic: own, Offset: next, MaxBytes: 64 << 20,
			MaxWait: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		all, next = append(all, batch.Records...), batch.Next
	}
	return all
}

func record(value string) event.Record { return event.Record{Value: []byte(value)} }

func TestARecordIsAppendedByteForByteWithTheCurrentTime(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, nil)
	before := time.Now().Add(-time.Second)
	want := []event.Record{
		{Key: []byte("k"), Value: []byte("\x00\xff"), Headers: []event.Header{
			{Key: "a", Value: []byte("1")},
			{Key: "a"},
			{Key: "", Value: []byte{}},
		}},
		{},
		{Key: []byte{}, Value: []byte{}, Time: time.Unix(0, 0)},
	}
	for _, r := range want {
		if err := cluster.Append(t.Context(), own, r); err != nil {
			t.Fatal(err)
		}
	}
	got := appended(t, fake, cluster)
	for i := range got {
		if at := got[i].Time; at.Before(before) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("got record time %v, want now: an older one may expire at once", at)
		}
		got[i].Time, want[i].Time = time.Time{}, time.Time{}
		want[i].Place = event.Place{Topic: own, Offset: int64(i)}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
}

func TestRecordsAppendedTogetherShareABatch(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, nil)
	var requests atomic.Int32
	fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		requests.Add(1)
		if request, ok := r.(*kmsg.ProduceRequest); !ok || request.Acks != -1 {
			t.Errorf("got %+v, want a request for -1 acknowledgements: all in-sync replicas", r)
		}
		return nil, nil, false
	})
	const total = 100
	var group sync.WaitGroup
	for i := range total {
		group.Go(func() {
			if err := cluster.Append(t.Context(), own, record(strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for _, r := range appended(t, fake, cluster) {
		seen[string(r.Value)] = true
	}
	if len(seen) != total {
		t.Errorf("got %d records, want %d", len(seen), total)
	}
	if n := requests.Load(); n > 3*total/4 { // a busy machine makes the batches small
		t.Errorf("got %d requests for %d records, want them in batches", n, total)
	}
}

func TestARecordIsNotDelayedForABatch(t *testing.T) {
	t.Parallel()
	_, cluster := withOwn(t, nil)
	fastest := time.Hour
	for range 50 { // on a busy machine, many appends may be slow
		if fastest < 900*time.Millisecond {
			return
		}
		start := time.Now()
		if err := cluster.Append(t.Context(), own, record("x")); err != nil {
			t.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	t.Errorf("got a record stored in %v at best, want milliseconds: kafka-go waits for a second by default", fastest)
}

func TestABatchTooLargeIsAppendedRecordByRecord(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, map[string]string{"max.message.bytes": "65537"})
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { // one record fits into 64 KiB, four do not
			if err := cluster.Append(t.Context(), own, event.Record{Value: bytes.Repeat([]byte("x"), 20<<10)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := len(appended(t, fake, cluster)); got != 10 {
		t.Errorf("got %d records, want all ten", got)
	}
}

func TestARecordTooLargeForTheTopicIsAnError(t *testing.T) {
	t.Parallel()
	_, cluster := withOwn(t, map[string]string{"max.message.bytes": "65537"})
	err := cluster.Append(t.Context(), own, event.Record{Headers: []event.Header{{
		Key:   "huge",
		Value: bytes.Repeat([]byte("x"), 100<<10),
	}}})
	if !errors.Is(err, kafkaerr.ErrTooLarge) || !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Fatalf("got %v, want ErrTooLarge", err)
	}
	for _, want := range []string{"append to " + own, "max.message.bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
}

// answerProduce makes the broker respond to every produce request with the given error code.
func answerProduce(fake *kfake.Cluster, code int16) {
	fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		request, _ := r.(*kmsg.ProduceRequest)
		response, _ := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range request.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic = topic.Topic
			for _, p := range topic.Partitions {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition, partition.ErrorCode = p.Partition, code
				answer.Partitions = append(answer.Partitions, partition)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
}

func TestARefusedRecordIsAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for code, want := range map[*kerr.Error]struct {
		err   error
		words string
	}{
		kerr.TopicAuthorizationFailed:     {kafkaerr.ErrUnauthorised, "grant"},
		kerr.UnknownTopicOrPartition:      {kafkaerr.ErrUnknownPartition, "create"},
		kerr.InvalidRecord:                {kafkaerr.ErrUnfit, "cleanup.policy"},
		kerr.CorruptMessage:               {kafkaerr.ErrUnfit, "cleanup.policy"},
		kerr.UnknownServerError:           {kafkaerr.ErrUnfit, "message.format.version"},
		kerr.UnsupportedForMessageFormat:  {kafkaerr.ErrUnfit, "message.format.version"},
		kerr.InvalidTimestamp:             {kafkaerr.ErrUnfit, "message.timestamp"},
		kerr.NotEnoughReplicas:            {kafkaerr.ErrUnfit, "min.insync.replicas"},
		kerr.NotEnoughReplicasAfterAppend: {kafkaerr.ErrUnfit, "min.insync.replicas"},
		kerr.PolicyViolation:              {kafkaerr.ErrUnfit, "policy"},
	} {
		t.Run(code.Message, func(t *testing.T) {
			t.Parallel()
			fake, cluster := withOwn(t, nil)
			answerProduce(fake, code.Code)
			err := cluster.Append(t.Context(), own, record("x"))
			if !errors.Is(err, want.err) || !errors.Is(err, kafka.Error(code.Code)) || errors.Is(err, records.ErrCorrupt) {
				t.Errorf("got %v, want %v", err, want.err)
			}
			if err == nil || !strings.Contains(err.Error(), want.words) || !strings.Contains(err.Error(), own) {
				t.Errorf("got %v, want the topic and %q in it", err, want.words)
			}
			if got := fake.PartitionInfo(own, 0).HighWatermark; got != 0 {
				t.Errorf("got %d records stored, want none", got)
			}
		})
	}
}

func TestAWriteIsRetriedUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, nil)
	var tries atomic.Int32
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if tries.Add(1) <= 2 {
			return nil, errors.New("the connection is closed"), true
		}
		return nil, nil, false
	})
	if err := cluster.Append(t.Context(), own, record("x")); err != nil {
		t.Fatal(err)
	}
	if got := appended(t, fake, cluster); tries.Load() != 3 || len(got) != 1 {
		t.Errorf("got %d records after %d attempts, want 1 after 3", len(got), tries.Load())
	}
}

func TestNoAcknowledgementAtAllIsAnError(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, nil)
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return nil, errors.New("the connection is closed"), true
	})
	if err := cluster.Append(t.Context(), own, record("x")); err == nil {
		t.Error("got nil, want an error: nobody acknowledged the record")
	}
}

func TestAnEndedContextEndsTheWaitForAnAcknowledgement(t *testing.T) {
	t.Parallel()
	fake, cluster := withOwn(t, nil)
	asked, stop := make(chan struct{}), make(chan struct{})
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		fake.SleepControl(func() { <-stop })
		return nil, nil, false
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-asked
		cancel(errors.New("drained"))
	}()
	err := cluster.Append(ctx, own, record("x"))
	close(stop)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled: the record may or may not be stored", err)
	}
}

func TestARecordForATopicThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	cluster := openOwn(t, fakeKafka(t))
	if err := cluster.Append(t.Context(), own, record("x")); !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		t.Errorf("got %v, want ErrUnknownPartition", err)
	}
}

func TestACreatedTopicHasOnePartitionAndTheseSettings(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.NumBrokers(3))
	cluster := openOwn(t, fake)
	for _, want := range []bool{true, false} {
		created, err := cluster.CreateTopic(t.Context(), own, 3, map[string]string{
			"retention.ms":   "-1",
			"cleanup.policy": "delete",
		})
		if err != nil || created != want {
			t.Fatalf("got %v, %v, want %v", created, err, want)
		}
	}
	topology, err := cluster.Topics(t.Context(), own)
	if info := topology.Topics[own]; err != nil || info.Partitions != 1 || info.Replicas != 3 {
		t.Errorf("got %+v, %v, want one partition with three replicas", info, err)
	}
	all, err := cluster.TopicSettings(t.Context(), own, "gone")
	if err != nil || len(all) != 1 || all[own]["retention.ms"] != "-1" || all[own]["cleanup.policy"] != "delete" {
		t.Errorf("got %v, %v, want the settings of the topic that exists", all, err)
	}
}

func TestARefusedTopicIsAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for code, want := range map[*kerr.Error]error{
		kerr.TopicAuthorizationFailed:   kafkaerr.ErrUnauthorised,
		kerr.ClusterAuthorizationFailed: kafkaerr.ErrUnauthorised,
		kerr.InvalidReplicationFactor:   kafka.InvalidReplicationFactor, // temporary: a broker has just left
		kerr.PolicyViolation:            kafkaerr.ErrUnfit,
		kerr.InvalidConfig:              kafkaerr.ErrUnfit,
	} {
		t.Run(code.Message, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t)
			fake.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
				request, _ := r.(*kmsg.CreateTopicsRequest)
				response, _ := request.ResponseKind().(*kmsg.CreateTopicsResponse)
				answer := kmsg.NewCreateTopicsResponseTopic()
				answer.Topic, answer.ErrorCode = request.Topics[0].Topic, code.Code
				response.Topics = append(response.Topics, answer)
				return response, nil, true
			})
			if created, err := openOwn(t, fake).CreateTopic(t.Context(), own, 1, nil); created || !errors.Is(err, want) {
				t.Errorf("got %v, %v, want %v", created, err, want)
			}
		})
	}
}
