package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/retry"
)

const (
	group       = "leadhit-sync"
	session     = 10 * time.Second
	callTimeout = 3 * time.Second
	inFlight    = 8
)

// world is one bubble: an embedded Kafka of three brokers, a LeadHit, a store of letters, workers, and the ledger that
// watches them all. Everything in it lives on the bubble's clock.
type world struct {
	t        *testing.T
	seed     uint64
	network  kfake.VirtualNetwork
	fake     *kfake.Cluster
	addrs    []string
	producer *kgo.Client
	ledger   *ledger
	logs     *logs
	workers  []*worker

	// What LeadHit and the letters' store do just now; the zero value is: all at once, all well.
	leadhit atomic.Pointer[func(c change, try int) conduct]
	store   atomic.Pointer[func(c change, try int) conduct]
}

// conduct is how LeadHit, or the letters' store, treats one request.
type conduct struct {
	before, after time.Duration // before it is carried out, and from then to the answer
	undone        bool          // it is not carried out
	verdict       retry.Verdict // of a call; the zero value says again
	lost          bool          // a letter's store says that it failed
}

// bubble runs test in a bubble of its own, with the topic "orders" of some partitions unless there are none, and fails it
// for what the ledger saw.
func bubble(t *testing.T, partitions int, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, partitions)
		test(t, w)
		w.verdict()
	})
}

func newWorld(t *testing.T, seed uint64, partitions int) *world {
	t.Helper()
	w := &world{t: t, seed: seed, ledger: newLedger(), logs: &logs{started: time.Now()}}
	options := []kfake.Opt{kfake.NumBrokers(3), kfake.ListenFn(w.network.Listen), kfake.Ports(9092, 9093, 9094)}
	if partitions > 0 {
		options = append(options, kfake.SeedTopics(int32(partitions), "orders"))
	}
	fake, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w.fake, w.addrs = fake, fake.ListenAddrs()
	w.producer = w.client(kgo.DefaultProduceTopic("orders"))
	fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
		request, _ := r.(*kmsg.OffsetCommitRequest)
		w.ledger.commit(request)
		w.logs.add(request.MemberID, describeCommit(request))
		return nil, nil, false
	})
	w.leadhitDoes(func(change, int) conduct { return conduct{verdict: retry.Verdict{Kind: retry.Done}} })
	w.storeDoes(func(change, int) conduct { return conduct{} })
	return w
}

// create makes a topic.
func (w *world) create(topic string, partitions int) {
	w.t.Helper()
	if err := w.fake.CreateTopic(topic, int32(partitions), nil); err != nil {
		w.t.Fatal(err)
	}
}

// addPartitions makes a topic have so many partitions.
func (w *world) addPartitions(topic string, partitions int) {
	w.t.Helper()
	r := kmsg.NewCreatePartitionsRequest()
	one := kmsg.NewCreatePartitionsRequestTopic()
	one.Topic, one.Count = topic, int32(partitions)
	r.Topics = append(r.Topics, one)
	answer, err := r.RequestWith(w.t.Context(), w.producer)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.producer.ForceMetadataRefresh()
	time.Sleep(time.Second)
}

// rebalance makes each member join again.
func (w *world) rebalance() {
	w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress})
	time.Sleep(2 * time.Second)
}

// count counts requests from now on.
func (w *world) count(key kmsg.Key) func() int {
	var n atomic.Int64
	w.fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // kfake's order
		n.Add(1)
		return nil, nil, false
	})
	return func() int { return int(n.Load()) }
}

func describeCommit(r *kmsg.OffsetCommitRequest) string {
	text := fmt.Sprintf("commits in generation %d:", r.Generation)
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			text += fmt.Sprintf(" %s/%d@%d", topic.Topic, p.Partition, p.Offset)
			if p.Metadata != nil && *p.Metadata != "" {
				text += "(" + *p.Metadata + ")"
			}
		}
	}
	return text
}

func (w *world) leadhitDoes(f func(c change, try int) conduct) { w.leadhit.Store(&f) }
func (w *world) storeDoes(f func(c change, try int) conduct)   { w.store.Store(&f) }

// answers is what LeadHit does after latency: it refuses what is to be refused and accepts the rest.
func answers(latency time.Duration) func(change, int) conduct {
	return func(c change, _ int) conduct {
		d := conduct{before: latency, verdict: retry.Verdict{Kind: retry.Done, Answered: true}}
		if c.fate == refused {
			d.undone, d.verdict = true, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true}
		}
		return d
	}
}

// fails is what LeadHit does when it is down.
func fails(change, int) conduct {
	return conduct{before: 100 * time.Millisecond, undone: true, verdict: retry.Verdict{Kind: retry.Again, Cause: "HTTP 503"}}
}

func (w *world) client(options ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.addrs...), kgo.Dialer(w.network.DialContext),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(time.Millisecond), kgo.MetadataMinAge(100 * time.Millisecond),
	}, options...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// produce writes one event about each of the orders, with a fate for all.
func (w *world) produce(partition int, fate string, orders ...string) {
	w.t.Helper()
	for _, order := range orders {
		w.event(partition, w.ledger.next(order, fate))
	}
}

// event writes one event.
func (w *world) event(partition int, changes ...change) {
	w.t.Helper()
	pairs := make([]string, len(changes))
	for i, c := range changes {
		pairs[i] = c.order + ":" + c.status()
	}
	r := &kgo.Record{Partition: int32(partition), Key: []byte(changes[0].order), Value: []byte(strings.Join(pairs, ","))}
	if err := w.producer.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	w.ledger.produced(dispatch.Partition{Topic: r.Topic, Number: partition}, r.Offset, changes)
}

// worker is one process: its death takes its network, and nothing of it is called or stored any more.
type worker struct {
	*consumer.Consumer
	world   *world
	name    string
	wire    wire
	cluster *broker.Cluster
	stop    context.CancelFunc
	ended   chan struct{}
	err     error
	dead    atomic.Bool
}

// start starts a worker; change may alter its options.
func (w *world) start(alter ...func(*consumer.Options)) *worker {
	w.t.Helper()
	k := &worker{world: w, name: fmt.Sprintf("w%d", len(w.workers)+1), ended: make(chan struct{})}
	k.wire.dialer = w.network.DialContext
	o := consumer.Options{
		Group: group, Topics: []string{"orders"}, Decode: decode, Call: k.call, Store: k.keep,
		Dispatch: dispatch.Config{
			CallsInFlight: inFlight, WindowEvents: 1000, WindowBytes: 4 << 20, FetchBytes: 64 << 10,
			Session: session, CallTimeout: callTimeout, MetadataBytes: 4096,
			Retry: retry.Policy{
				Initial: 500 * time.Millisecond, Max: 10 * time.Second, Random: rand.New(rand.NewPCG(w.seed, uint64(len(w.workers)))),
			},
		},
		Logger: slog.New(w.logs.handler(k.name)),
	}
	w.workers = append(w.workers, k)
	for _, f := range alter {
		f(&o)
	}
	cluster, err := broker.Open(broker.Options{
		Brokers: w.addrs, Topics: o.Topics, ClientID: k.name, Dial: k.wire.dial,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	o.Cluster, k.cluster = cluster, cluster
	k.Consumer = consumer.New(o)
	ctx, stop := context.WithCancel(w.t.Context())
	k.stop = stop
	go func() {
		defer close(k.ended)
		k.err = k.Run(ctx)
		cluster.Close()
	}()
	return k
}

// end asks the worker to stop and waits until it has.
func (k *worker) end() {
	k.world.t.Helper()
	k.stop()
	<-k.ended
	if k.err != nil {
		k.world.t.Errorf("%s: Run: got %v, want no error", k.name, k.err)
	}
}

// crash kills the worker: its calls in the air go on at LeadHit, and nobody learns of their ends.
func (k *worker) crash() {
	k.dead.Store(true)
	k.wire.set(broken)
	k.stop()
}

// gone says that the worker is dead or has ended.
func (k *worker) gone() bool {
	select {
	case <-k.ended:
		return true
	default:
		return k.dead.Load()
	}
}

var errDead = errors.New("the process is dead")

func (k *worker) call(ctx context.Context, c consumer.Call) retry.Verdict {
	if k.dead.Load() || ctx.Err() != nil {
		return retry.Verdict{Kind: retry.Again, Cause: "NotSent"}
	}
	if err := c.Before(); err != nil {
		k.world.logs.add(k.name, "call of "+c.ID+" not sent")
		return retry.Verdict{Kind: retry.Again, Cause: "NotSent", Message: err.Error()}
	}
	what := parseChange(c.Order, c.Status)
	try := k.world.ledger.called(k.name, what)
	does := (*k.world.leadhit.Load())(what, try)
	time.Sleep(min(does.before, callTimeout))
	if !does.undone {
		k.world.ledger.carriedOut(what)
	}
	time.Sleep(min(does.after, callTimeout-min(does.before, callTimeout)))
	k.world.ledger.answered(what, !does.undone && does.verdict.Kind == retry.Done && !k.dead.Load())
	return does.verdict
}

func (k *worker) keep(ctx context.Context, l consumer.Letter) error {
	item := l.Item
	what := parseChanges(string(l.Event.Value))[item]
	does := (*k.world.store.Load())(what, 1)
	time.Sleep(does.before)
	if k.dead.Load() || ctx.Err() != nil {
		return errDead
	}
	if !does.undone {
		k.world.ledger.stored(what, !does.lost)
	}
	if does.undone || does.lost {
		return errors.New("the letters' topic is not there")
	}
	return nil
}

// settled says that all is finished, and committed up to the log's end.
func (w *world) settled() bool {
	if len(w.ledger.unfinished()) > 0 {
		return false
	}
	at := w.fake.GroupInfo(group)
	for _, p := range w.fake.PartitionInfos("orders") {
		if at == nil || at.Commits["orders"][p.Partition].Offset != p.HighWatermark {
			return false
		}
	}
	return true
}

// settle waits until all is finished and committed.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	if !w.wait(limit, w.settled) {
		w.t.Errorf("not finished after %v: %v, commits %+v", limit, w.ledger.unfinished(), w.fake.GroupInfo(group))
	}
}

// wait waits until holds.
func (w *world) wait(limit time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		if holds() {
			return true
		}
	}
	return holds()
}

// verdict stops what still runs and fails the test for what the ledger saw.
func (w *world) verdict() {
	w.t.Helper()
	for _, k := range w.workers {
		k.stop()
		<-k.ended
	}
	w.ledger.mu.Lock()
	violations := w.ledger.violations
	w.ledger.mu.Unlock()
	for _, v := range violations {
		w.t.Error(v)
	}
	if w.t.Failed() {
		w.t.Log("seed ", w.seed, "\n", w.logs.tail())
	}
}

// random is a source that depends on the seed and on what it is asked for, but not on the order of the questions: the
// order of goroutines is not the seed's to choose.
func (w *world) random(about ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, about...)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// logs keeps what the workers say, for the one who reads a failure.
type logs struct {
	mu      sync.Mutex
	started time.Time
	lines   []string
}

func (l *logs) add(who, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%12v %s %s", time.Since(l.started), who, text))
}

func (l *logs) handler(who string) slog.Handler {
	return slog.NewTextHandler(lines(func(line string) { l.add(who, line) }), &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
}

// say finds lines with a text.
func (l *logs) say(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

func (l *logs) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-400):], "\n")
}

type lines func(line string)

func (f lines) Write(b []byte) (int, error) {
	f(string(bytes.TrimSpace(b)))
	return len(b), nil
}
