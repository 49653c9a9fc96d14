package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

const (
	manyLetters = 200_000
	letterBytes = 1600
)

// BenchmarkManyLetters measures, with 200,000 letters of 1.6 KB, how long a worker takes to become ready, and how long
// a command takes to list letters. It compares both with a plain loop that reads the topic. A worker with an empty
// topic is measured too, because joining the group alone takes seconds. Then 1,000 of the letters are replayed.
func BenchmarkManyLetters(b *testing.B) {
	s := newSuite(b)
	brokers := oneNode(b)
	full, empty := s.newRun(b, brokers, 6, sandbox.Faults{}), s.newRun(b, brokers, 6, sandbox.Faults{})
	full.writeLetters(b)
	var loops, without, with, lists []time.Duration
	rss, listRSS := 0, 0
	for range number(b, "ROUNDS", 3) {
		loops = append(loops, full.readLetters(b))
		took, _ := empty.becomesReady(b)
		without = append(without, took)
		took, used := full.becomesReady(b)
		with, rss = append(with, took), max(rss, used)
		took, used = full.took(b, "letters", "list", "--limit", "10")
		lists, listRSS = append(lists, took), max(listRSS, used)
	}
	for _, all := range [][]time.Duration{loops, without, with, lists} {
		slices.Sort(all)
	}
	middle := func(all []time.Duration) time.Duration { return all[len(all)/2].Round(10 * time.Millisecond) }
	loop := middle(loops)
	fmt.Printf("\n%d letters of %d bytes: a plain loop reads them in %v; letters list %v (%.1f ×), peak %d MiB; a worker is ready in %v, without letters in %v "+
		"(%.1f × the loop for the letters), %d MiB at most\n", manyLetters, letterBytes, loop, middle(lists), middle(lists).Seconds()/loop.Seconds(), listRSS,
		middle(with), middle(without), (middle(with)-middle(without)).Seconds()/loop.Seconds(), rss)
	full.deskViews(b)
	full.replayThousand(b)
	b.ReportMetric(0, "ns/op") // the lines have the figures
}

// writeLetters fills the dead-letter topic as a worker does, each letter for a different order. The letters' events are
// no longer in the source topic.
func (r *run) writeLetters(b *testing.B) {
	b.Helper()
	r.broker.create(b, "dlq."+r.group, 1, 1<<20)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.DefaultProduceTopic("dlq."+r.group),
		kgo.ProducerBatchCompression(kgo.NoCompression())) // as a worker writes them
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	begin := time.Now()
	for i := range manyLetters {
		client.Produce(b.Context(), r.letterRecord(i), nil)
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d letters written in %v", manyLetters, time.Since(begin))
}

func (r *run) letterRecord(i int) *kgo.Record {
	order := fmt.Sprint("order-", i)
	partition, offset := strconv.Itoa(i%r.partitions), strconv.Itoa(1_000_000+i)
	value := fmt.Sprintf(`{"order_id":%q,"status":"%s","note":%q}`, order, learnt, strings.Repeat("x", letterBytes-800))
	l := &kgo.Record{Key: []byte(order), Value: []byte(value)}
	for _, h := range [][2]string{
		{"__connect.errors.topic", r.topic},
		{"__connect.errors.partition", partition},
		{"__connect.errors.offset", offset},
		{"__connect.errors.connector.name", r.group},
		{"__connect.errors.task.id", partition},
		{"__connect.errors.stage", "TASK_PUT"},
		{"__connect.errors.class.name", "leadhit-sync/leadhit.Client"},
		{"__connect.errors.exception.class.name", "ValidationError"},
		{"__connect.errors.exception.message", "Possible statuses: paid, submitted"},
		{"dlq.schema", "1"},
		{"dlq.id", r.topic + "/" + partition + "/" + offset},
		{"dlq.order_id", order},
		{"dlq.status", learnt},
		{"dlq.failed.at", time.Now().UTC().Format(time.RFC3339Nano)},
		{"dlq.original.timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)},
		{"dlq.error.code", "-32000"},
		{"dlq.attempts", "1"},
		{"dlq.worker.version", "1.0.0"},
		{"dlq.replay.count", "0"},
	} {
		l.Headers = append(l.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return l
}

// readLetters reads the dead-letter topic in a plain loop, and returns how long that took.
func (r *run) readLetters(b *testing.B) time.Duration {
	b.Helper()
	begin := time.Now()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{"dlq." + r.group: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for read := 0; read < manyLetters; {
		fetches := client.PollFetches(b.Context())
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		read += fetches.NumRecords()
	}
	return time.Since(begin)
}

// becomesReady starts a worker, and stops it when it is ready.
func (r *run) becomesReady(b *testing.B) (took time.Duration, rss int) {
	b.Helper()
	w := r.newWorker(b)
	begin := time.Now()
	w.start(b)
	eventually(b, 2*time.Minute, "ready", func() string {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		status, body, err := w.Get(ctx, "/readyz")
		return unless(err == nil && status == 200, "%s %v", body, err)
	})
	took = time.Since(begin)
	rss = memory(w.PID(), "VmHWM")
	w.stop(b)
	r.workers = nil
	return took, rss
}

// took runs a command, and returns how long it took, and its peak memory in MiB.
func (r *run) took(b *testing.B, arguments ...string) (took time.Duration, rss int) {
	b.Helper()
	begin := time.Now()
	process, err := program.Start(r.binary, program.Options{Arguments: arguments, Dir: r.emitted, Settings: map[string]string{
		"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_GROUP": r.group, "KAFKA_TOPICS": r.topic,
	}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	if code, err := process.Wait(ctx); err != nil || code != 0 {
		b.Fatalf("got exit code %d, %v from %q, want 0: %s", code, err, arguments, process.Stderr())
	}
	took = time.Since(begin)
	cpu, rss := process.Usage()
	fmt.Printf("%s\n%q took %v, %v of it on a CPU\n", lastOf(process.Stdout(), 2), arguments[:2], took, cpu)
	return took, rss
}

// deskViews measures how long the desk takes to read the letters, and then to show some of its pages.
func (r *run) deskViews(b *testing.B) {
	b.Helper()
	begin := time.Now()
	desk, err := program.Start(r.binary, program.Options{Arguments: []string{"desk"}, Dir: r.emitted, Settings: map[string]string{
		"KAFKA_BROKERS": strings.Join(r.broker.addrs, ","), "KAFKA_GROUP": r.group, "KAFKA_TOPICS": r.topic,
		"DESK_ADDR": "127.0.0.1:0",
	}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := desk.Line(b.Context(), "listening", nil); err != nil {
		b.Fatal(err)
	}
	get := func(path string) (page string, took time.Duration) {
		asked := time.Now()
		status, page, err := desk.Get(b.Context(), path)
		if err != nil || status != http.StatusOK {
			b.Fatalf("got %d, %v for %s, want 200", status, err, path)
		}
		return page, time.Since(asked)
	}
	eventually(b, 2*time.Minute, "all letters", func() string {
		page, _ := get("/letters")
		return unless(strings.Contains(page, "200,000"), "not read yet")
	})
	fmt.Printf("the desk has read the letters after %v;", time.Since(begin).Round(10*time.Millisecond))
	for _, path := range []string{
		"/letters", fmt.Sprintf("/letters/%s/0/1000000", r.topic), "/orders?id=order-6", "/plan?order=order-6",
	} {
		var all []time.Duration
		for range 9 {
			_, took := get(path)
			all = append(all, took)
		}
		slices.Sort(all)
		fmt.Printf(" %s %v;", path, all[len(all)/2].Round(time.Millisecond))
	}
	code, err := desk.Terminate(b.Context())
	if err != nil || code != 0 {
		b.Fatalf("got exit code %d and %v from the desk, want 0", code, err)
	}
	_, rss := desk.Usage()
	fmt.Printf(" %d MiB at most\n", rss)
}

// replayThousand replays a thousand letters, at 100 a second.
func (r *run) replayThousand(b *testing.B) {
	b.Helper()
	w := r.newWorker(b)
	r.leadhit.Change(func(f *sandbox.Faults) { f.Statuses = []string{learnt} })
	w.start(b)
	var ids []string
	for i := range 1000 {
		ids = append(ids, fmt.Sprintf("%s/%d/%d", r.topic, i%r.partitions, 1_000_000+i))
	}
	took, _ := r.took(b, append([]string{"replay", "--reason", "LeadHit knows the status", "--rate", "100/s", "--yes"}, ids...)...)
	fmt.Printf("1000 replays at 100/s took %v, %d calls\n", took.Round(100*time.Millisecond), len(r.leadhit.Calls()))
	w.stop(b)
}
