package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/schema"
)

// plainEvent returns a record that the "plain" preset reads.
func plainEvent(topic string, partition int32, at time.Time, id, status string) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Partition: partition, Timestamp: at, Key: []byte(id),
		Value: fmt.Appendf(nil, `{"order_id":%q,"status":%q}`, id, status),
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
		t.Fatalf("got %+v, want exit code 0 and nothing on stderr, which is not a terminal", got)
	}
	s := decoded[summary](t, got.out)
	if s.Schema != "preview.v1" || s.Events != 7 || !maps.Equal(s.Topics, map[string]int{"a": 4, "b": 3}) {
		t.Errorf("got %s, %d events of %v, want 7: the one of two hours ago is too old", s.Schema, s.Events, s.Topics)
	}
	if want := []group{
		{What: "paid", Count: 4, Example: "a/0/2", OrderID: "1"},
		{What: "submitted", Count: 1, Example: "a/0/1", OrderID: "1"},
	}; !slices.Equal(s.Calls, want) {
		t.Errorf("got calls %+v, want %+v", s.Calls, want)
	}
	if len(s.Refused) != 1 || s.Refused[0].What != "NotJSON" || s.Refused[0].Example != "b/0/0" ||
		s.Refused[0].Count != 1 {
		t.Errorf("got refused %+v, want one NotJSON", s.Refused)
	}
	if len(s.Ignored) != 1 || s.Ignored[0].By != "the value" || s.Ignored[0].Example != "b/0/1" {
		t.Errorf("got ignored %+v, want a tombstone", s.Ignored)
	}
	o := s.Orders
	if o.Count != 2 || o.Calls != 5 || o.Repeats != 1 || o.Spread != 1 || o.Beyond != 0 {
		t.Errorf("got %+v, want 2 orders, 5 calls, 1 repeat, 1 order in two partitions", o)
	}
	if o.Busiest[0] != (busyOrder{"1", 3}) || o.Examples[0].OrderID != "2" ||
		!slices.Equal(o.Examples[0].Partitions, []string{"a/1", "b/1"}) {
		t.Errorf("got %+v, want 1 as the busiest and 2 in a/1 and b/1", o)
	}
	wantLoads(t, s)
	s.Warnings = append(s.Warnings, strings.Repeat("LeadHit refuses 1 call with the status \"new\"; ", 5))
	mustFit(t, strings.Join(s.page().Lines(80), "\n"))
	mustHaveNoGroup(t, brokers)
}

// wantLoads checks that the load counts only the calls that a worker makes.
func wantLoads(t *testing.T, s summary) {
	t.Helper()
	o := s.Orders
	if s.Load.PerWorker != 100 || s.Load.Workers != 1 || s.Load.CatchUp != 0.04 || o.Needed != 4 || !o.Skipped {
		t.Errorf("got %+v and %+v, want 100 calls/s of a worker, which is enough for the four calls that it makes", s.Load, o)
	}
	t.Setenv("SKIP_REPEATS", "false")
	all := decoded[summary](t, command(t, "", "preview", "--latency", "100ms", "-o", "json").out)
	if all.Load.CatchUp != 0.05 || all.Orders.Needed != 4 || all.Orders.Skipped {
		t.Errorf("got %+v and %+v for a worker that makes all calls, want five", all.Load, all.Orders)
	}
}

// The usual partitioners map key 4710 to partition 1 when there are two.
func TestPreviewSaysThatNoPartitionerExplainsTheKeys(t *testing.T) {
	at := time.Now().Add(-time.Minute)
	events := []*kgo.Record{
		plainEvent("usual", 1, at, "4710", "paid"), plainEvent("usual", 1, at, "4710", "paid"),
		plainEvent("own", 0, at, "4710", "paid"), plainEvent("own", 0, at, "4710", "paid"),
	}
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"usual", "own"}, events), ","))
	for topic, want := range map[string]string{
		"usual": "so a worker makes 1, ", "own": "no known partitioner explains the partitions of all record keys\n",
	} {
		t.Setenv("KAFKA_TOPICS", topic)
		if got := command(t, "", "preview"); got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("topic %s: got %+v, want %q", topic, got, want)
		}
	}
}

// mustHaveNoGroup fails the test if Kafka has any group, as it would after a join or a commit.
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
	if got := command(t, "", "preview"); got.code != exitError || !strings.Contains(got.err, "topic none does not exist; create it") ||
		got.out != "" {
		t.Errorf("got %+v, want exit code 1 and the topic's name", got)
	}
	t.Setenv("MAPPING", "shopfy")
	if got := command(t, "", "preview"); got.code != exitUsage || !strings.Contains(got.err, `MAPPING: `) ||
		!strings.Contains(got.err, "shopify") {
		t.Errorf("got %+v, want exit code 2 and a suggestion", got)
	}
	t.Setenv("MAPPING", write(t, t.TempDir(), "bad.yaml", "fields: {order_id: {path: x}}\nrule: []\n"))
	if got := command(t, "", "preview"); got.code != exitUsage || strings.Count(got.err, "bad.yaml:") < 2 ||
		strings.HasPrefix(got.err, "leadhit-sync") {
		t.Errorf("got %+v, want exit code 2 and a line for each mistake", got)
	}
	t.Setenv("KAFKA_TLS", "true")
	t.Setenv("MAPPING", "plain")
	t.Setenv("KAFKA_TLS_CA_FILE", write(t, t.TempDir(), "ca.pem", "no PEM"))
	if got := command(t, "", "preview"); got.code != exitUsage ||
		!strings.HasPrefix(got.err, "KAFKA_TLS_CA_FILE: the file cannot be used: contains no certificate") {
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
			t.Errorf("%s: got exit code %d and\n%s\nwant 0, the summary of all, and nothing of the event before --since",
				c.output, code, said)
		}
	}
	mustHaveNoGroup(t, brokers)
}

func TestAStoppedPreviewSaysSo(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", strings.Join(kafkaWith(t, []string{"a"}, nil), ","))
	t.Setenv("KAFKA_TOPICS", "a")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs strings.Builder
	if code := execute(ctx, []string{"preview"}, streams{out: &out, err: &errs}); code != exitError ||
		!strings.Contains(errs.String(), "interrupted") || out.Len() > 0 {
		t.Errorf("got exit code %d, %q and %q, want 1 and no half a summary", code, out.String(), errs.String())
	}
}

func TestAnEventWithoutItsSchemaIsCountedAsWaiting(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "avro.yaml", "decode: avro\nfields: {order_id: {path: $.id}, status: {path: "+
		"$.status}}\nstatus: {paid: [PAID]}\n")
	m, err := mapping.Load(mapping.Options{Source: file, Schemas: func(context.Context, int) (*schema.Schema, error) {
		return nil, errors.New("nobody answers")
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := explainRecord(t.Context(), m, event.Record{
		Place: event.Place{Topic: "a", Partition: 1, Offset: 7},
		Value: []byte{0, 0, 0, 0, 9, 1}, Headers: []event.Header{{Key: "x"}},
	})
	if e.ID() != "a/1/7" || len(e.items) != 1 || e.items[0].Cause != causeWaits ||
		!strings.Contains(e.items[0].Message, "nobody answers") {
		t.Errorf("got %+v, want one outcome that waits", e)
	}
}

func TestPreviewSaysWhatAnOpenTransactionHoldsBack(t *testing.T) {
	brokers := kafkaWith(t, []string{"a"}, nil)
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
	t.Setenv("KAFKA_TOPICS", "a")
	shop, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID("shop"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Close)
	if err := shop.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := shop.ProduceSync(t.Context(), plainEvent("a", 1, time.Now().Add(-3*time.Hour), "1",
			"paid")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	got := command(t, "", "preview")
	if want := "an open transaction holds back 3 events of a/1 from offset 0; the first is 3h00m old\n"; got.code != 0 ||
		!strings.HasPrefix(got.out, "no event since ") || !strings.Contains(got.out, " UTC can be read\n") || !strings.Contains(got.out, want) {
		t.Errorf("got %+v, want %q, and not that there are no events", got, want)
	}
	s := decoded[summary](t, command(t, "", "preview", "-o", "json").out)
	if len(s.HeldBack) != 1 || s.HeldBack[0].Events != 3 || s.HeldBack[0].Partition != 1 || s.HeldBack[0].Age < 3*3600 {
		t.Errorf("got %+v, want three events of partition 1, three hours old", s.HeldBack)
	}
	if err := shop.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got := command(t, "", "preview", "--since", "6h"); got.code != 0 ||
		!strings.HasPrefix(got.out, "3 events of 1 topic") || strings.Contains(got.out, "open transaction") {
		t.Errorf("got %+v after the commit, want three events and no transaction", got)
	}
}

func TestTheBarShowsHowMuchOfATopicWasRead(t *testing.T) {
	t.Parallel()
	if got, want := readBar("orders", 25, 100), "orders  █████░░░░░░░░░░░░░░░  25%  25 of 100 events"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
