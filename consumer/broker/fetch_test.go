package broker_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/inspect"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
)

func TestFetchReturnsRecordsAsTheyWereWritten(t *testing.T) {
	fake := fakeKafka(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	written := []*kgo.Record{
		{Key: []byte("order-1"), Value: []byte(`{"status":"paid"}`), Timestamp: at, Headers: []kgo.RecordHeader{
			{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte{}}, {Key: "", Value: nil},
		}},
		{Key: nil, Value: nil, Timestamp: at},
		{Key: []byte{}, Value: []byte{}, Timestamp: at.Add(time.Second)},
	}
	if err := producer(t, fake).ProduceSync(t.Context(), written...).FirstErr(); err != nil {
		t.Fatal(err)
	}

	got, err := open(t, fake).Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	want := broker.Batch{Next: 3, HighWatermark: 3, LastStable: 3, Records: []event.Record{
		{
			Place: event.Place{Topic: "orders", Offset: 0}, Time: at, Key: []byte("order-1"), Value: []byte(`{"status":"paid"}`),
			Headers: []event.Header{
				{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte{}}, {Key: "", Value: nil},
			},
		},
		{Place: event.Place{Topic: "orders", Offset: 1}, Time: at},
		{Place: event.Place{Topic: "orders", Offset: 2}, Time: at.Add(time.Second), Key: []byte{}, Value: []byte{}},
	}}
	// DeepEqual distinguishes nil from empty: only a nil value is a tombstone.
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFetchReadsEveryCompression(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t)
			written := numbers(1000)
			produce(t, producer(t, fake, kgo.ProducerBatchCompression(codec)), written...)
			cluster := open(t, fake)

			if got := values(t, cluster, broker.FetchRequest{}, 1000); !slices.Equal(got, written) {
				t.Errorf("got %d values, want the 1000 written", len(got))
			}
			// The fetch starts inside a batch, and the broker returns the whole batch.
			if got := values(t, cluster, broker.FetchRequest{Offset: 500}, 1000); !slices.Equal(got, written[500:]) {
				t.Errorf("from 500 got %d values, want the last 500", len(got))
			}
			// With a small limit, decoding stops in the middle of a batch, and the next fetch continues there.
			small := broker.FetchRequest{MaxDecoded: 100}
			if got := values(t, cluster, small, 1000); !slices.Equal(got, written) {
				t.Errorf("in pieces got %d values, want the 1000 written", len(got))
			}
		})
	}
}

func TestFetchBoundsWhatItDecodes(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake, kgo.ProducerBatchCompression(kgo.GzipCompression())), numbers(100)...)
	cluster := open(t, fake)
	for _, limit := range []int{1, 50, 200} {
		request := broker.FetchRequest{Topic: "orders", MaxWait: time.Second, MaxDecoded: limit}
		batch, err := cluster.Fetch(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(batch.Records); n == 0 || n > 1 && n*10 > limit || batch.Next != int64(n) {
			t.Errorf("limit %d: got %d records, next %d, want one or what fits, and next after them", limit, n, batch.Next)
		}
	}
}

func TestFetchLeavesAbortedTransactionsOut(t *testing.T) {
	fake := fakeKafka(t)
	plain := producer(t, fake)
	produce(t, plain, "before")
	first, second := transactional(t, fake, "first"), transactional(t, fake, "second")
	first.write("aborted 1")
	second.write("committed 1")
	first.write("aborted 2")
	produce(t, plain, "between")
	first.end(kgo.TryAbort)
	second.write("committed 2")
	// The same producer writes after its abort marker: this record must not be dropped.
	first.write("committed 3")
	first.end(kgo.TryCommit)
	second.end(kgo.TryCommit)
	second.write("aborted 3")
	second.end(kgo.TryAbort)
	cluster := open(t, fake)
	end := bounds(t, cluster).Last

	want := []string{"before", "committed 1", "between", "committed 2", "committed 3"}
	if got := values(t, cluster, broker.FetchRequest{}, end); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// A fetch from a later offset returns the end of the same list, wherever the response starts.
	for offset := range end {
		got := values(t, cluster, broker.FetchRequest{Offset: offset}, end)
		if !slices.Equal(got, want[len(want)-len(got):]) {
			t.Errorf("from %d got %q, want the end of %q", offset, got, want)
		}
	}

	second.write("open")
	batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", Offset: end, MaxWait: time.Millisecond})
	if err != nil || len(batch.Records) != 0 || batch.Next != end || batch.LastStable != end ||
		batch.HighWatermark != end+1 {
		t.Errorf("got %+v, %v, want nothing of an open transaction", batch, err)
	}
	second.end(kgo.TryAbort)
}

func TestFetchSkipsWhatCompactionRemoved(t *testing.T) {
	fake := fakeKafka(t)
	if err := fake.CreateTopic("compacted", 1, map[string]string{
		"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "segment.ms": "1",
	}); err != nil {
		t.Fatal(err)
	}
	writer := producer(t, fake, kgo.DefaultProduceTopic("compacted"))
	for _, key := range []string{"a", "b", "a", "c", "a", "a"} {
		record := &kgo.Record{Key: []byte(key), Value: []byte("v")}
		if err := writer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	fake.Compact()
	cluster := open(t, fake, func(o *broker.Options) { o.Topics = []string{"compacted"} })

	ends, err := cluster.Bounds(t.Context(), "compacted", []int{0})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := cluster.Fetch(t.Context(), broker.FetchRequest{
		Topic: "compacted", Offset: ends[0].First, MaxWait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, r := range batch.Records {
		got = append(got, r.Offset)
	}
	if len(got) == 6 || !slices.Contains(got, 1) || !slices.Contains(got, 5) || batch.Next != 6 {
		t.Errorf("got offsets %v and next %d, want holes, 1 and 5 kept, next 6", got, batch.Next)
	}
}

func TestFetchReportsWhyItFailed(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), numbers(10)...)
	if err := fake.DeleteRecords("orders", 0, 5); err != nil {
		t.Fatal(err)
	}
	cluster := open(t, fake)
	tests := map[string]struct {
		request broker.FetchRequest
		want    error
	}{
		"below the log's start":               {broker.FetchRequest{Topic: "orders", Offset: 2}, kafkaerr.ErrOffsetOutOfRange},
		"above the log's end":                 {broker.FetchRequest{Topic: "orders", Offset: 11}, kafkaerr.ErrOffsetOutOfRange},
		"a topic that does not exist":         {broker.FetchRequest{Topic: "gone"}, kafkaerr.ErrUnknownPartition},
		"a topic that the pool does not know": {broker.FetchRequest{Topic: "unlisted"}, kafkaerr.ErrUnknownPartition},
		"a partition that does not exist":     {broker.FetchRequest{Topic: "orders", Partition: 7}, kafkaerr.ErrUnknownPartition},
		"an impossible offset":                {broker.FetchRequest{Topic: "orders", Offset: -5}, kafkaerr.ErrOffsetOutOfRange},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.request.MaxWait = time.Millisecond
			batch, err := cluster.Fetch(t.Context(), test.request)
			var typed *kafkaerr.Error
			if !errors.Is(err, test.want) || !errors.As(err, &typed) || typed.Topic != test.request.Topic {
				t.Errorf("got %v, want %v about the topic", err, test.want)
			}
			if batch.Next != test.request.Offset || batch.Records != nil {
				t.Errorf("got %+v, want a batch that has not moved", batch)
			}
		})
	}
}

func TestFetchFindsTheNewLeader(t *testing.T) {
	fake := fakeKafka(t, kfake.NumBrokers(3))
	produce(t, producer(t, fake), "paid")
	cluster := open(t, fake)
	if got := values(t, cluster, broker.FetchRequest{}, 1); len(got) != 1 {
		t.Fatalf("got %q before the move, want the event", got)
	}
	if err := fake.MoveTopicPartition("orders", 0, (fake.LeaderFor("orders", 0)+1)%3); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		_, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: 50 * time.Millisecond})
		if err == nil {
			break
		}
		if !errors.Is(err, kafkaerr.ErrNotLeader) || time.Now().After(deadline) {
			t.Fatalf("got %v, want %v for at most the metadata's age", err, kafkaerr.ErrNotLeader)
		}
	}
}

func TestFetchDoesNotAdvanceWhenItsContextHasEnded(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), numbers(10)...)
	cluster := open(t, fake)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch, err := cluster.Fetch(ctx, broker.FetchRequest{Topic: "orders", Offset: 3, MaxWait: time.Second})
	if !errors.Is(err, context.Canceled) || batch.Next != 3 || batch.Records != nil {
		t.Errorf("got %+v, %v, want the requested offset and %v", batch, err, context.Canceled)
	}
}

func TestRecordsHaveMemoryOfTheirOwn(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), numbers(100)...)
	cluster := open(t, fake)
	first, err := cluster.Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	kept := first.Records[0]
	// This fetch reuses the buffer of the first response.
	values(t, cluster, broker.FetchRequest{Offset: 50}, 100)
	if string(kept.Value) != "value 0" || string(kept.Key) != "k" {
		t.Errorf("got %q: %q, want the record as it was read", kept.Key, kept.Value)
	}
	if kept.Key = append(kept.Key, "xxxx"...); string(kept.Value) != "value 0" {
		t.Errorf("value is %q after the key grew to %q, want it untouched", kept.Value, kept.Key)
	}
}

// numbers returns "value 0" to "value n-1".
func numbers(n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = "value " + strconv.Itoa(i)
	}
	return values
}

func bounds(t *testing.T, cluster *broker.Cluster) inspect.Bounds {
	t.Helper()
	all, err := cluster.Bounds(t.Context(), "orders", []int{0})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// transaction writes to partition 0 inside transactions, one batch per call.
type transaction struct {
	t      *testing.T
	client *kgo.Client
	open   bool
}

func transactional(t *testing.T, fake *kfake.Cluster, id string) *transaction {
	t.Helper()
	return &transaction{t: t, client: producer(t, fake, kgo.TransactionalID(id))}
}

func (x *transaction) begin() {
	x.t.Helper()
	if x.open {
		return
	}
	if err := x.client.BeginTransaction(); err != nil {
		x.t.Fatal(err)
	}
	x.open = true
}

func (x *transaction) write(value string) {
	x.t.Helper()
	x.begin()
	produce(x.t, x.client, value)
}

func (x *transaction) end(how kgo.TransactionEndTry) {
	x.t.Helper()
	x.open = false
	if err := x.client.EndTransaction(x.t.Context(), how); err != nil {
		x.t.Fatal(err)
	}
}
