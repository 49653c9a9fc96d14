package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

const lettersTopic = "dlq.leadhit-sync"

// A broker is an embedded cluster and what a worker uses to speak to it.
type broker struct {
	*kfake.Cluster
	addr      net.Addr
	transport *kafka.Transport
	client    *kafka.Client
}

func start(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr := kafka.TCP(cluster.ListenAddrs()...)
	transport := &kafka.Transport{MetadataTTL: 10 * time.Second} // it is the deadline of the request that renews them, too
	t.Cleanup(transport.CloseIdleConnections)
	client := &kafka.Client{Addr: addr, Transport: transport, Timeout: 5 * time.Second}
	return &broker{cluster, addr, transport, client}
}

// startWithTopic also makes the letters' topic and opens a writer.
func startWithTopic(t *testing.T, spec deadletter.TopicSpec) (*broker, *deadletter.Writer) {
	t.Helper()
	b := start(t)
	spec.Name = lettersTopic
	if created, err := deadletter.EnsureTopic(t.Context(), b.client, spec); err != nil || !created {
		t.Fatalf("got %v, %v, want the topic created", created, err)
	}
	return b, b.writer(t)
}

func (b *broker) writer(t *testing.T) *deadletter.Writer {
	t.Helper()
	w, err := deadletter.OpenWriter(deadletter.WriterOptions{Brokers: b.addr, Transport: b.transport, Topic: lettersTopic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// A storedRecord is what Kafka gave back, with the time it noted.
type storedRecord struct {
	event.Record
	at time.Time
}

// stored reads the letters' topic from its start to its end.
func (b *broker) stored(t *testing.T) []storedRecord {
	t.Helper()
	offsets, err := b.client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{lettersTopic: {kafka.LastOffsetOf(0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	end := offsets.Topics[lettersTopic][0].LastOffset
	var records []storedRecord
	for next := int64(0); next < end; {
		response, err := b.client.Fetch(t.Context(), &kafka.FetchRequest{
			Topic: lettersTopic, Offset: next, MinBytes: 1, MaxBytes: 64 << 20, MaxWait: time.Second,
		})
		if err == nil {
			err = response.Error
		}
		if err != nil {
			t.Fatal(err)
		}
		for {
			r, err := response.Records.ReadRecord()
			if err != nil {
				break
			}
			next = r.Offset + 1
			records = append(records, copied(t, r)) // the next ReadRecord overwrites r
		}
	}
	return records
}

func copied(t *testing.T, r *kafka.Record) storedRecord {
	t.Helper()
	read := func(b kafka.Bytes) []byte {
		if b == nil {
			return nil
		}
		text, err := kafka.ReadAll(b)
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte{}, text...)
	}
	out := storedRecord{Record: event.Record{Key: read(r.Key), Value: read(r.Value)}, at: r.Time}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

func (b *broker) letters(t *testing.T) []deadletter.Letter {
	t.Helper()
	var letters []deadletter.Letter
	for _, r := range b.stored(t) {
		l, err := deadletter.Parse(r.Record)
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

func TestAStoredLetterComesBackFromKafkaByteForByte(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{})
	before := time.Now().Add(-time.Second)
	plain, null := refused(), refused()
	null.Offset, null.Key, null.Value = 1, nil, nil
	empty := refused()
	empty.Offset, empty.Key, empty.Value, empty.OrderID = 2, []byte{}, []byte{}, "ИМ-2026/№ 395"
	want := []deadletter.Letter{plain, null, empty}
	for _, l := range want {
		if err := w.Write(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.letters(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	for _, r := range b.stored(t) {
		if r.at.Before(before) || r.at.After(time.Now().Add(time.Second)) {
			t.Errorf("got record time %v, want now: the event's own may expire at once", r.at)
		}
	}
}

func TestLettersThatArriveTogetherTravelTogether(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{})
	var requests atomic.Int32
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		requests.Add(1)
		if request, ok := r.(*kmsg.ProduceRequest); !ok || request.Acks != -1 {
			t.Errorf("got %+v, want a request for -1 acknowledgements: all in-sync replicas", r)
		}
		return nil, nil, false
	})
	const letters = 100
	var group sync.WaitGroup
	for i := range letters {
		group.Go(func() {
			l := refused()
			l.Offset = int64(i)
			if err := w.Write(t.Context(), l); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for _, l := range b.letters(t) {
		seen[l.ID()] = true
	}
	if len(seen) != letters {
		t.Errorf("got %d letters, want %d", len(seen), letters)
	}
	if n := requests.Load(); n > 3*letters/4 { // a busy machine makes the batches small
		t.Errorf("got %d requests for %d letters, want them in batches", n, letters)
	}
}

func TestALetterDoesNotWaitForCompany(t *testing.T) {
	t.Parallel()
	_, w := startWithTopic(t, deadletter.TopicSpec{})
	fastest := time.Hour
	for range 50 { // a busy machine may be slow many times
		if fastest < 900*time.Millisecond {
			return
		}
		start := time.Now()
		if err := w.Write(t.Context(), refused()); err != nil {
			t.Fatal(err)
		}
		fastest = min(fastest, time.Since(start))
	}
	t.Errorf("got a letter stored in %v at best, want milliseconds: kafka-go waits for a second by default", fastest)
}

func TestAValueTooLargeForTheTopicLeavesAReference(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{SourceMaxBytes: 1 << 20})
	large, fits := refused(), refused()
	large.Value = bytes.Repeat([]byte("x"), 2<<20)
	fits.Offset, fits.Value = 1, bytes.Repeat([]byte("x"), 1<<20)
	for _, l := range []deadletter.Letter{large, fits} {
		if err := w.Write(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := b.letters(t), []deadletter.Letter{large.WithoutValue(), fits}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %d letters, first %+v, want the reference, then the whole letter", len(got), got[0].Omitted)
	}
}

func TestABatchTooLargeKeepsTheValuesOfItsLetters(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{SourceMaxBytes: 1})
	var want []deadletter.Letter
	var group sync.WaitGroup
	for i := range 10 {
		l := refused()
		l.Offset, l.Value = int64(i), bytes.Repeat([]byte("x"), 20<<10) // each fits into 64 KiB, four do not
		want = append(want, l)
		group.Go(func() {
			if err := w.Write(t.Context(), l); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := map[string]deadletter.Letter{}
	for _, l := range b.letters(t) {
		got[l.ID()] = l
	}
	for _, l := range want {
		if !bytes.Equal(got[l.ID()].Value, l.Value) {
			t.Errorf("letter %s: got a value of %d bytes, want %d", l.ID(), len(got[l.ID()].Value), len(l.Value))
		}
	}
}

func TestALetterTooLargeEvenAsAReferenceIsAnError(t *testing.T) {
	t.Parallel()
	_, w := startWithTopic(t, deadletter.TopicSpec{SourceMaxBytes: 1})
	l := refused()
	l.Headers = []event.Header{{Key: "huge", Value: bytes.Repeat([]byte("x"), 100<<10)}}
	err := w.Write(t.Context(), l)
	if !errors.Is(err, deadletter.ErrTooLarge) || !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Fatalf("got %v, want ErrTooLarge", err)
	}
	for _, want := range []string{"orders/3/118273", lettersTopic, "max.message.bytes"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
}

// answer makes the broker answer every produce request with one error code.
func (b *broker) answer(code int16) {
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
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

func TestARefusedWriteIsAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code *kerr.Error
		want error
	}{
		{"not allowed", kerr.TopicAuthorizationFailed, deadletter.ErrUnauthorised},
		{"the topic is gone", kerr.UnknownTopicOrPartition, deadletter.ErrTopicMissing},
		{"too few replicas", kerr.NotEnoughReplicas, kafka.NotEnoughReplicas},
		{"stored by too few replicas", kerr.NotEnoughReplicasAfterAppend, kafka.NotEnoughReplicasAfterAppend},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, w := startWithTopic(t, deadletter.TopicSpec{})
			b.answer(c.code.Code)
			err := w.Write(t.Context(), refused())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := len(b.stored(t)); got != 0 {
				t.Errorf("got %d letters stored, want none", got)
			}
		})
	}
}

func TestALostAcknowledgementIsRepeatedUntilItArrives(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{})
	var tries atomic.Int32
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		if tries.Add(1) <= 2 {
			return nil, errors.New("the connection is closed"), true
		}
		return nil, nil, false
	})
	if err := w.Write(t.Context(), refused()); err != nil {
		t.Fatal(err)
	}
	if got := b.letters(t); tries.Load() != 3 || len(got) != 1 {
		t.Errorf("got %d letters after %d tries, want 1 after 3", len(got), tries.Load())
	}
}

func TestNoAcknowledgementAtAllIsAnError(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{})
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		return nil, errors.New("the connection is closed"), true
	})
	if err := w.Write(t.Context(), refused()); err == nil {
		t.Error("got nil, want an error: nobody acknowledged the letter")
	}
}

func TestAnEndedContextEndsTheWait(t *testing.T) {
	t.Parallel()
	b, w := startWithTopic(t, deadletter.TopicSpec{})
	asked, stop := make(chan struct{}), make(chan struct{})
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		b.SleepControl(func() { <-stop })
		return nil, nil, false
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-asked
		cancel(errors.New("drained"))
	}()
	err := w.Write(ctx, refused())
	close(stop)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled: the letter may or may not be stored", err)
	}
}

func TestAWriterNeedsItsOptions(t *testing.T) {
	t.Parallel()
	all := deadletter.WriterOptions{Brokers: kafka.TCP("localhost:1"), Transport: &kafka.Transport{}, Topic: lettersTopic}
	for name, drop := range map[string]func(*deadletter.WriterOptions){
		"brokers":   func(o *deadletter.WriterOptions) { o.Brokers = nil },
		"transport": func(o *deadletter.WriterOptions) { o.Transport = nil },
		"topic":     func(o *deadletter.WriterOptions) { o.Topic = "" },
	} {
		o := all
		drop(&o)
		if _, err := deadletter.OpenWriter(o); err == nil {
			t.Errorf("got a writer without %s, want an error", name)
		}
	}
}

func TestAWriterOfATopicThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	b := start(t)
	if err := b.writer(t).Write(t.Context(), refused()); !errors.Is(err, deadletter.ErrTopicMissing) {
		t.Errorf("got %v, want ErrTopicMissing", err)
	}
}

func TestTheTopicIsMadeForTheClusterItStandsIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ brokers, replicas, inSync int }{{1, 1, 1}, {2, 2, 1}, {3, 3, 2}, {5, 3, 2}} {
		t.Run(fmt.Sprintf("%d brokers", c.brokers), func(t *testing.T) {
			t.Parallel()
			b := start(t, kfake.NumBrokers(c.brokers))
			asked := b.watchCreate()
			spec := deadletter.TopicSpec{Name: lettersTopic, SourceMaxBytes: 2 << 20}
			created, err := deadletter.EnsureTopic(t.Context(), b.client, spec)
			if err != nil || !created {
				t.Fatalf("got %v, %v, want the topic created", created, err)
			}
			got := <-asked
			want := fmt.Sprintf("partitions 1, replicas %d, min.insync.replicas=%d cleanup.policy=delete "+
				"message.timestamp.type=LogAppendTime retention.bytes=-1 retention.ms=2592000000 max.message.bytes=2162688", c.replicas, c.inSync)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if created, err := deadletter.EnsureTopic(t.Context(), b.client, spec); err != nil || created {
				t.Errorf("once more: got %v, %v, want it found", created, err)
			}
		})
	}
}

// watchCreate lets one creation of a topic pass and gives what it asked for.
func (b *broker) watchCreate() <-chan string {
	asked := make(chan string, 1)
	b.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.DropControl()
		request, _ := r.(*kmsg.CreateTopicsRequest)
		topic := request.Topics[0]
		var text strings.Builder
		fmt.Fprintf(&text, "partitions %d, replicas %d,", topic.NumPartitions, topic.ReplicationFactor)
		for _, e := range topic.Configs {
			fmt.Fprintf(&text, " %s=%s", e.Name, *e.Value)
		}
		asked <- text.String()
		return nil, nil, false
	})
	return asked
}

func TestOneReplicaAmongSeveralBrokersIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t, kfake.NumBrokers(3))
	_, err := b.client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: lettersTopic, NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deadletter.EnsureTopic(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic}); !errors.Is(err, deadletter.ErrOneReplica) {
		t.Errorf("got %v, want ErrOneReplica", err)
	}
}

// answerCreate makes the broker answer the creation of a topic with one error code.
func (b *broker) answerCreate(code int16) {
	b.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		request, _ := r.(*kmsg.CreateTopicsRequest)
		response, _ := request.ResponseKind().(*kmsg.CreateTopicsResponse)
		answer := kmsg.NewCreateTopicsResponseTopic()
		answer.Topic, answer.ErrorCode = request.Topics[0].Topic, code
		response.Topics = append(response.Topics, answer)
		return response, nil, true
	})
}

func TestWhatKeepsTheTopicFromBeingMadeIsToldApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code *kerr.Error
		want error
	}{
		{"another worker was faster", kerr.TopicAlreadyExists, nil},
		{"creating is not allowed", kerr.TopicAuthorizationFailed, deadletter.ErrUnauthorised},
		{"creating is not allowed in the cluster", kerr.ClusterAuthorizationFailed, deadletter.ErrUnauthorised},
		{"a broker left meanwhile", kerr.InvalidReplicationFactor, kafka.InvalidReplicationFactor},
		{"the cluster's policy forbids it", kerr.PolicyViolation, kafka.PolicyViolation},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.answerCreate(c.code.Code)
			created, err := deadletter.EnsureTopic(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
			if created || !errors.Is(err, c.want) {
				t.Errorf("got %v, %v, want %v", created, err, c.want)
			}
		})
	}
}

func TestAWrongPasswordIsToldBeforeTheTopicIsMade(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		return nil, errors.New("the connection is closed"), true
	})
	_, err := deadletter.EnsureTopic(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
	if err == nil || !strings.HasPrefix(err.Error(), "look up topic "+lettersTopic) {
		t.Errorf("got %v, want the error of the first question", err)
	}
}
