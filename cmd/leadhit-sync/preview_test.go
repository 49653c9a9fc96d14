package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/schema"
)

// plainEvent is a record that the preset plain takes.
func plainEvent(topic string, partition int32, at time.Time, id, status string) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Partition: partition, Timestamp: at, Value: fmt.Appendf(nil, `{"order_id":%q,"status":%q}`, id, status),
	}
}

func TestPreviewSumsUpWhatWouldHappen(t *testing.T) {
	now := time.Now()
	brokers := kafkaWith(t, []string{"a", "b"}, []*kgo.Record{
		plainEvent("a", 0, now.Add(-2*time.Hour), "old", "paid"),
		plainEvent("a", 0, now.Add(-30*time.Minute), "1", "submitted"),
		plainEvent("a", 0, now.Add(-30*time.Minute), "1", "paid"),
		plainEvent("a", 0, now.Add(-20*time.Minute), "1", "paid"),
		plainEvent("a", 1, now.Add(-20*time.Minute), "2", "paid"),
		plainEvent("b", 1, now.Add(-20*time.Minute), "2", "paid"),
		{Topic: "b", Partition: 0, Timestamp: now.Add(-10 * time.Minute), Value: []byte("no JSON")},
		{Topic: "b", Partition: 0, Timestamp: now.Add(-10 * time.Minute)},
	})
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "a,b")
	t.Setenv("CALLS_IN_FLIGHT", "10")
	got := command(t, "", "preview", "--latency", "100ms", "-o", "json")
	if got.code != 0 || got.err != "" {
		t.Fatalf("got %+v, want exit code 0 and nothing on stderr, which is no terminal", got)
	}
	s := decoded[summary](t, got.out)
	if s.Schema != "preview.v1" || s.Events != 7 || !maps.Equal(s.Topics, map[string]int{"a": 4, "b": 3}) {
		t.Errorf("got %s, %d events of %v, want 7: the one of two hours ago is too old", s.Schema, s.Events, s.Topics)
	}
	if want := []group{
		{What: "paid", Count: 4, Example: "a/0/2", OrderID: "1"}, {What: "submitted", Count: 1, Example: "a/0/1", OrderID: "1"},
	}; !slices.Equal(s.Calls, want) {
		t.Errorf("got calls %+v, want %+v", s.Calls, want)
	}
	if len(s.Refused) != 1 || s.Refused[0].What != "NotJSON" || s.Refused[0].Example != "b/0/0" || s.Refused[0].Count != 1 {
		t.Errorf("got refused %+v, want one NotJSON", s.Refused)
	}
	if len(s.Ignored) != 1 || s.Ignored[0].By != "the value" || s.Ignored[0].Example != "b/0/1" {
		t.Errorf("got ignored %+v, want a tombstone", s.Ignored)
	}
	o := s.Orders
	if o.Count != 2 || o.Calls != 5 || o.Repeats != 1 || o.Spread != 1 || o.Beyond != 0 {
		t.Errorf("got %+v, want 2 orders, 5 calls, 1 repeat, 1 order in two partitions", o)
	}
	if o.Busiest[0] != (busyOrder{"1", 3}) || o.Examples[0].OrderID != "2" || !slices.Equal(o.Examples[0].Partitions, []string{"a/1", "b/1"}) {
		t.Errorf("got %+v, want 1 as the busiest and 2 in a/1 and b/1", o)
	}
	if s.Load.PerWorker != 100 || s.Load.Workers != 1 || s.Load.CatchUp != 0.05 {
		t.Errorf("got %+v, want 100 calls/s of a worker, which is enough", s.Load)
	}
	mustHaveNoGroup(t, brokers)
}

// mustHaveNoGroup demands that nobody joined or committed.
func mustHaveNoGroup(t *testing.T, brokers []string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(t.Context(), client)
	if err != nil || len(groups.Groups) != 0 {
		t.Errorf("got groups %+v, %v, want none", groups, err)
	}
}

func TestPreviewOfAnEmptyTopicSaysSo(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	t.Setenv("KAFKA_TOPICS", "a")
	got := command(t, "", "preview", "--since", "2026-03-11T07:00:00Z")
	if want := "no events since 2026-03-11 07:00:00 UTC\n"; got.code != 0 || got.out != want || got.err != "" {
		t.Errorf("got %+v, want %q", got, want)
	}
}

func TestPreviewNamesWhatIsMissing(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	t.Setenv("KAFKA_TOPICS", "a,none")
	if got := command(t, "", "preview"); got.code != exitError || !strings.Contains(got.err, "read none: ") || got.out != "" {
		t.Errorf("got %+v, want exit code 1 and the topic's name", got)
	}
	t.Setenv("MAPPING", "shopfy")
	if got := command(t, "", "preview"); got.code != exitUsage || !strings.Contains(got.err, `MAPPING: `) || !strings.Contains(got.err, "shopify") {
		t.Errorf("got %+v, want exit code 2 and a suggestion", got)
	}
	t.Setenv("MAPPING", write(t, t.TempDir(), "bad.yaml", "fields: {order_id: {path: x}}\nrule: []\n"))
	if got := command(t, "", "preview"); got.code != exitUsage || strings.Count(got.err, "bad.yaml:") < 2 || strings.HasPrefix(got.err, "leadhit-sync") {
		t.Errorf("got %+v, want exit code 2 and a line for each mistake", got)
	}
	t.Setenv("KAFKA_TLS", "true")
	t.Setenv("MAPPING", "plain")
	t.Setenv("KAFKA_TLS_CA_FILE", write(t, t.TempDir(), "ca.pem", "no PEM"))
	if got := command(t, "", "preview"); got.code != exitUsage || !strings.HasPrefix(got.err, "KAFKA_TLS_CA_FILE: the file cannot be used: no certificate") {
		t.Errorf("got %+v, want exit code 2 and the setting's name", got)
	}
}

func TestPreviewFollowsUntilItIsStopped(t *testing.T) {
	brokers := kafkaWith(t, []string{"a", "b"}, []*kgo.Record{
		plainEvent("a", 0, time.Now(), "1", "paid"),
		plainEvent("a", 1, time.Now().Add(-2*time.Hour), "too old", "paid"),
	})
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "a,b")
	for _, c := range []struct{ output, first, event, refusal, last string }{
		{"table", "1 event of 1 topic", "a/1/1  call 2 paid", "b/0/0  refuse NotJSON: ", "3 events of 2 topics"},
		{
			"json", `{"schema":"preview.v1"`, `{"schema":"preview.event.v1","event":"a/1/2","order_id":"2","status":"paid","action":"call"}`,
			`"event":"b/0/1","action":"refuse","cause":"NotJSON"`, `"events":5,`,
		},
	} {
		f := followed(t, "preview", "--follow", "-o", c.output)
		f.until(c.first)
		produce(t, brokers, plainEvent("a", 1, time.Now(), "2", "paid"))
		f.until(c.event)
		produce(t, brokers, &kgo.Record{Topic: "b", Value: []byte("no JSON")})
		f.until(c.refusal)
		if code, said := f.end(); code != 0 || !strings.Contains(said, c.last) || strings.Contains(said, "too old") {
			t.Errorf("%s: got exit code %d and\n%s\nwant 0, the summary of all, and nothing of the event before --since", c.output, code, said)
		}
	}
	mustHaveNoGroup(t, brokers)
}

// following is a command that runs until it is stopped.
type following struct {
	t     *testing.T
	stop  context.CancelFunc
	lines chan string // all that it says, read at once: a command must not wait for its reader
	said  strings.Builder
	code  chan int
}

// followed starts a command, which ends with the test at the latest.
func followed(t *testing.T, args ...string) *following {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	f := &following{t: t, stop: stop, lines: make(chan string, 10_000), code: make(chan int, 1)}
	var done sync.WaitGroup
	done.Go(func() {
		code := execute(ctx, args, streams{in: strings.NewReader(""), out: writer, err: io.Discard})
		_ = writer.Close()
		f.code <- code
	})
	done.Go(func() {
		defer close(f.lines)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			f.lines <- lines.Text()
		}
	})
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
	return f
}

// until reads on to a line with this text.
func (f *following) until(text string) {
	f.t.Helper()
	for line := range f.lines {
		f.said.WriteString(line + "\n")
		if strings.Contains(line, text) {
			return
		}
	}
	f.t.Fatalf("got\n%s\nand the end, want a line with %q", f.said.String(), text)
}

// end stops the command, and returns the exit code and all that was said.
func (f *following) end() (code int, said string) {
	f.stop()
	for line := range f.lines {
		f.said.WriteString(line + "\n")
	}
	return <-f.code, f.said.String()
}

func produce(t *testing.T, brokers []string, r *kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestPreviewThatIsStoppedSaysSo(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	t.Setenv("KAFKA_TOPICS", "a")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs strings.Builder
	if code := execute(ctx, []string{"preview"}, streams{out: &out, err: &errs}); code != exitError || !strings.Contains(errs.String(), "interrupted") || out.Len() > 0 {
		t.Errorf("got exit code %d, %q and %q, want 1 and no half a summary", code, out.String(), errs.String())
	}
}

func TestAnEventWhoseSchemaCannotBeHadIsCountedAsWaiting(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "avro.yaml", "decode: avro\nfields: {order_id: {path: $.id}, status: {path: $.status}}\nstatus: {paid: [PAID]}\n")
	m, err := mapping.Load(mapping.Options{Source: file, Schemas: func(context.Context, int) (*schema.Schema, error) {
		return nil, errors.New("nobody answers")
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := explainRecord(t.Context(), m, event.Record{Place: event.Place{Topic: "a", Partition: 1, Offset: 7}, Value: []byte{0, 0, 0, 0, 9, 1}, Headers: []event.Header{{Key: "x"}}})
	if e.ID() != "a/1/7" || len(e.outcomes) != 1 || e.outcomes[0].Cause != causeWaits || !strings.Contains(e.outcomes[0].Message, "nobody answers") {
		t.Errorf("got %+v, want one outcome that waits", e)
	}
}

// called is an event that calls LeadHit.
func called(id, status string, partition int, at time.Time) seen {
	return seen{
		Place: event.Place{Topic: "a", Partition: partition}, time: at, reasons: []reason{{mapping: "m", by: "status." + status}},
		outcomes: []mapping.Outcome{{Action: mapping.Call, OrderID: id, Status: status}},
	}
}

func TestUpToTheLimitEveryOrderIsKnownExactly(t *testing.T) {
	t.Parallel()
	const limit = 500
	random := rand.New(rand.NewPCG(1, 2))
	tallied := newTally(limit)
	calls, last := make(map[string]int), make(map[string]string)
	repeats := 0
	for range 5000 {
		id, status := fmt.Sprint("order-", random.IntN(limit)), []string{"submitted", "paid"}[random.IntN(2)]
		tallied.add(called(id, status, 0, time.Unix(1000, 0)))
		if last[id] == status {
			repeats++
		}
		calls[id]++
		last[id] = status
	}
	o := tallied.summary(load{1, time.Second}).Orders
	if o.Count != len(calls) || o.Repeats != repeats || o.Spread != 0 || o.Beyond != 0 {
		t.Errorf("got %+v, want %d orders and %d repeats", o, len(calls), repeats)
	}
	for _, b := range o.Busiest {
		if calls[b.OrderID] != b.Calls {
			t.Errorf("got %+v, want %d calls", b, calls[b.OrderID])
		}
	}
	if want := slices.Max(slices.Collect(maps.Values(calls))); o.Busiest[0].Calls != want {
		t.Errorf("got %d calls of the busiest, want %d", o.Busiest[0].Calls, want)
	}
}

func TestBeyondTheLimitFiguresAreLowerBoundsInBoundedMemory(t *testing.T) {
	t.Parallel()
	const limit, many = 1000, 40_000
	tallied := newTally(limit)
	for i := range many {
		id := fmt.Sprint("order-", i)
		tallied.add(called(id, "submitted", 0, time.Unix(1000, 0)))
		tallied.add(called(id, "submitted", 0, time.Unix(1000, 0)))
		if i%10 == 0 {
			tallied.add(called(id, "paid", 1, time.Unix(1000, 0)))
		}
	}
	if n := len(tallied.orders.known); n != limit {
		t.Errorf("got %d orders in memory, want %d", n, limit)
	}
	o := tallied.summary(load{1, time.Second}).Orders
	if o.Count != limit || o.Repeats != limit || o.Spread != limit/10 || len(o.Examples) != mostExamples || o.Busiest[0].Calls != 3 {
		t.Errorf("got %+v, want exact figures of the first %d orders", o, limit)
	}
	if want := (many - limit) * 21 / 10; o.Beyond != want || o.Calls != want+limit*21/10 {
		t.Errorf("got %d of %d calls beyond the limit, want %d", o.Beyond, o.Calls, want)
	}
}

func TestCausesStatusesAndMinutesAreBounded(t *testing.T) {
	t.Parallel()
	tallied := newTally(10)
	for i := range mostMinutes + 100 {
		tallied.add(called("1", fmt.Sprint("status-", i), 0, time.Unix(int64(i)*60, 0)))
	}
	s := tallied.summary(load{1, time.Second})
	if len(tallied.minutes) != mostMinutes || len(s.Calls) != mostGroups+1 || s.Calls[0].What != "others" {
		t.Errorf("got %d minutes and %d statuses, want %d and %d, the rest as others", len(tallied.minutes), len(s.Calls), mostMinutes, mostGroups+1)
	}
}

func TestLoadComparesTheBusiestMinuteWithAWorker(t *testing.T) {
	t.Parallel()
	tallied := newTally(10_000)
	begin := time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)
	for i := range 3000 {
		at := begin
		if i >= 599 {
			at = begin.Add(9 * time.Minute)
		}
		tallied.add(called(strconv.Itoa(i), "paid", 0, at))
	}
	tallied.add(seen{Place: event.Place{Topic: "a"}}) // a record without a time
	s := tallied.summary(load{inFlight: 4, latency: 200 * time.Millisecond})
	l := s.Load
	if l.Busiest != 2401 || !l.BusiestMinute.Equal(begin.Add(9*time.Minute)) || l.Needed != 40 || l.PerWorker != 20 || l.Workers != 3 || l.CatchUp != 150 {
		t.Errorf("got %+v, want 40 calls/s needed, 20 of a worker, so three (40.02 are more than two make), and 150 s to catch up", l)
	}
	if l.CallsPerMinute != 333 || s.Orders.PerMinute != 333 {
		t.Errorf("got %v calls and %v orders a minute, want 333 over nine minutes", l.CallsPerMinute, s.Orders.PerMinute)
	}
	var out strings.Builder
	if err := s.print(&out); err != nil || !strings.Contains(out.String(), "3 workers are needed") || !strings.Contains(out.String(), "makes all 3000 calls in 2m30s") {
		t.Errorf("got %v and\n%s", err, out.String())
	}
}

func TestUnknownStatusesAreToldApart(t *testing.T) {
	t.Parallel()
	tallied := newTally(10)
	for _, status := range []string{"on hold", "lost", "on hold"} {
		tallied.add(seen{
			Place: event.Place{Topic: "a"}, reasons: []reason{{mapping: "m", by: "status.otherwise"}},
			outcomes: []mapping.Outcome{{Status: status, Cause: "UnknownStatus", Message: "the status stands in no list"}},
		})
	}
	s := tallied.summary(load{1, time.Second})
	if len(s.Refused) != 2 || s.Refused[0].Status != "on hold" || s.Refused[0].Count != 2 || s.Refused[1].Status != "lost" {
		t.Errorf("got %+v, want on hold twice and lost once", s.Refused)
	}
}

func TestTheSummarySaysThatThereWereMoreOrders(t *testing.T) {
	t.Parallel()
	tallied := newTally(8)
	for i := range 100 {
		tallied.add(called(strconv.Itoa(i), "paid", i%2, time.Unix(1000, 0)))
	}
	var out strings.Builder
	err := tallied.summary(load{1, time.Second}).print(&out)
	for _, want := range []string{
		"orders    at least 8, at least 8 a minute\n",
		"\nlimit     figures about single orders cover the first 8 orders; 92 of 100 calls are about others\n",
	} {
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("got %v and\n%s\nwant %s", err, out.String(), want)
		}
	}
}

func TestPreviewSaysWhatAnOpenTransactionHoldsBack(t *testing.T) {
	brokers := kafkaWith(t, []string{"a"}, nil)
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "a")
	shop, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID("shop"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Close)
	if err := shop.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := shop.ProduceSync(t.Context(), plainEvent("a", 1, time.Now().Add(-3*time.Hour), "1", "paid")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	got := command(t, "", "preview")
	if want := "an open transaction holds back 3 events of a/1 from offset 0; the first is 3h00m old\n"; got.code != 0 ||
		!strings.HasPrefix(got.out, "no event can be read since ") || !strings.Contains(got.out, want) {
		t.Errorf("got %+v, want %q, and no word of no events", got, want)
	}
	s := decoded[summary](t, command(t, "", "preview", "-o", "json").out)
	if len(s.HeldBack) != 1 || s.HeldBack[0].Events != 3 || s.HeldBack[0].Partition != 1 || s.HeldBack[0].Age < 3*3600 {
		t.Errorf("got %+v, want three events of partition 1, three hours old", s.HeldBack)
	}
	if err := shop.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got := command(t, "", "preview", "--since", "6h"); got.code != 0 || !strings.HasPrefix(got.out, "3 events of 1 topic") || strings.Contains(got.out, "open transaction") {
		t.Errorf("got %+v after the commit, want three events and no transaction", got)
	}
}

// TestAnImplausibleTimeSpoilsNoRate: one event in nanoseconds made every rate 0, and the JSON fail.
func TestAnImplausibleTimeSpoilsNoRate(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)
	for name, odd := range map[string]time.Time{
		"nanoseconds": time.UnixMilli(begin.UnixNano()), "microseconds": time.UnixMilli(begin.UnixMicro()), "seconds": time.UnixMilli(begin.Unix()),
		"the year 1601": time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), "zero": time.UnixMilli(0), "the largest": time.UnixMilli(math.MaxInt64),
	} {
		tallied := anHour(t, begin, odd)
		s := tallied.summary(load{1, time.Second})
		if s.Load.CallsPerMinute != 1 || s.Orders.PerMinute == 0 || s.Load.Busiest != 1 || s.OddTimes.Count != 1 || s.OddTimes.Example != "a/0/30" {
			t.Errorf("%s: got %+v, want a call a minute and the odd one named", name, s)
		}
		var out strings.Builder
		if err := printJSON(&out, s, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.print(&out); err != nil || !strings.Contains(out.String(), "1 event has a time that cannot be true, such as ") {
			t.Errorf("%s: got %v and %s, want a word about it", name, err, out.String())
		}
	}
	alone := newTally(10)
	alone.add(called("1", "paid", 0, time.Time{}))
	s := alone.summary(load{1, time.Second})
	s.Since = begin
	var out strings.Builder
	if err := s.print(&out); err != nil || strings.Contains(out.String(), "0001-01-01") {
		t.Errorf("got %v and %s, want no year 1", err, out.String())
	}
}

// anHour is a call a minute for an hour; the event in the middle has another time.
func anHour(t *testing.T, begin, odd time.Time) *tally {
	t.Helper()
	m, err := mapping.Load(mapping.Options{Source: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	tallied := newTally(10)
	for i := range 61 {
		record := event.Record{Place: event.Place{Topic: "a", Offset: int64(i)}, Time: begin.Add(time.Duration(i) * time.Minute), Value: []byte(`{"order_id":"1","status":"paid"}`)}
		if i == 30 {
			record.Time = odd
		}
		tallied.add(explainRecord(t.Context(), m, record))
	}
	return tallied
}
