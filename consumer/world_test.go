package consumer_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
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

	"leadhit-sync/consumer/event"
	"leadhit-sync/retry"
)

const (
	group       = "leadhit-sync"
	session     = 10 * time.Second
	callTimeout = 3 * time.Second
	inFlight    = 8
)

// world is one bubble: an embedded Kafka of three brokers, a simulated LeadHit, a store of letters, workers, and the
// call log that watches them all. Everything in it uses the bubble's clock.
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
	topics   sync.Map // names by id; "" for the id of a deleted topic
	padding  int      // bytes added to each event
	key      string   // the record key of each event; "" means the event's first order

	// How LeadHit and the letters' store behave now. For the store, a zero conduct means immediate success.
	leadhit atomic.Pointer[func(c change, try int) conduct]
	store   atomic.Pointer[func(c change, try int) conduct]
}

// conduct is how LeadHit, or the letters' store, treats one request.
type conduct struct {
	before, after time.Duration // until it is executed, and from then to the response
	undone        bool          // it is not executed
	verdict       retry.Verdict // of a call; the zero value is Again
	lost          bool          // a letter is stored, but the store reports a failure
}

// bubble runs test in a synctest bubble of its own. The topic "orders" has the given number of partitions; with 0 it
// does not exist. The test fails if the call log shows a lost, concurrent or out-of-order call, or any other fault.
func bubble(t *testing.T, partitions int, test func(w *world), options ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, partitions, options...)
		test(w)
		w.verdict()
	})
}

func newWorld(t *testing.T, seed uint64, partitions int, options ...kfake.Opt) *world {
	t.Helper()
	w := &world{t: t, seed: seed, ledger: newLedger(), logs: &logs{started: time.Now()}}
	options = append(options,
		kfake.NumBrokers(3), kfake.ListenFn(w.network.Listen), kfake.Ports(9092, 9093, 9094),
		// a transaction may be open for a day
		kfake.BrokerConfigs(map[string]string{"transaction.max.timeout.ms": "86400000"}),
	)
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
	fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		request, _ := r.(*kmsg.OffsetCommitRequest)
		for i := range request.Topics {
			if topic := &request.Topics[i]; request.Version >= byID {
				topic.Topic = w.topicName(topic.TopicID)
			}
		}
		w.ledger.commit(request)
		w.logs.add(request.MemberID, describeCommit(request))
		return nil, nil, false
	})
	w.leadhitDoes(func(change, int) conduct { return conduct{verdict: retry.Verdict{Kind: retry.Done}} })
	w.storeDoes(func(change, int) conduct { return conduct{} })
	return w
}

// byID is the first version of OffsetCommit that names topics by their ids.
const byID = 10

// topicName returns the name of the topic with the given id. Call it only in a control function.
func (w *world) topicName(id [16]byte) string {
	if name, ok := w.topics.Load(id); ok {
		return name.(string)
	}
	name := ""
	w.fake.SleepControl(func() {
		if info := w.fake.TopicIDInfo(id); info != nil {
			name = info.Topic
		}
	})
	w.topics.Store(id, name)
	return name
}

// create creates a topic.
func (w *world) create(topic string, partitions int) {
	w.t.Helper()
	if err := w.fake.CreateTopic(topic, int32(partitions), nil); err != nil {
		w.t.Fatal(err)
	}
}

// addPartitions raises the number of a topic's partitions.
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

// rebalance makes each member rejoin.
func (w *world) rebalance() {
	w.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: group, Err: kerr.RebalanceInProgress})
	time.Sleep(2 * time.Second)
}

// count counts the requests with the given key from now on. The returned function returns their number so far.
func (w *world) count(key kmsg.Key) func() int {
	var n atomic.Int64
	w.fake.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
		n.Add(1)
		return nil, nil, false
	})
	return func() int { return int(n.Load()) }
}

func describeCommit(r *kmsg.OffsetCommitRequest) string {
	var text strings.Builder
	fmt.Fprintf(&text, "commits in generation %d:", r.Generation)
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			fmt.Fprintf(&text, " %s/%d@%d", topic.Topic, p.Partition, p.Offset)
			if p.Metadata != nil {
				fmt.Fprintf(&text, "(%s)", *p.Metadata)
			}
		}
	}
	return text.String()
}

func (w *world) leadhitDoes(f func(c change, try int) conduct) { w.leadhit.Store(&f) }
func (w *world) storeDoes(f func(c change, try int) conduct)   { w.store.Store(&f) }

// answers makes LeadHit respond after the given latency: it refuses the changes whose fate is refused, and accepts the
// others.
func answers(latency time.Duration) func(change, int) conduct {
	return func(c change, _ int) conduct {
		d := conduct{before: latency, verdict: retry.Verdict{Kind: retry.Done, Answered: true}}
		if c.fate == refused {
			d.undone, d.verdict = true, retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true}
		}
		return d
	}
}

// fails makes LeadHit respond as if it were down.
func fails(change, int) conduct {
	return conduct{
		before: 100 * time.Millisecond, undone: true, verdict: retry.Verdict{Kind: retry.Again, Cause: "HTTP 503"},
	}
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

// produce writes one event for each order, all with the same fate.
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
	r := &kgo.Record{
		Partition: int32(partition), Key: []byte(cmp.Or(w.key, changes[0].order)), Value: []byte(strings.Join(pairs, ",")),
	}
	if w.padding > 0 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "padding", Value: make([]byte, w.padding)})
	}
	if err := w.producer.ProduceSync(w.t.Context(), r).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	w.ledger.produced(event.Partition{Topic: r.Topic, Number: partition}, r.Offset, changes)
}

// settled reports whether everything is finished, and committed up to the log's end.
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

// settle waits until everything is finished and committed.
func (w *world) settle(limit time.Duration) {
	w.t.Helper()
	if !w.wait(limit, w.settled) {
		w.t.Errorf("not finished after %v: %v, commits %+v", limit, w.ledger.unfinished(), w.fake.GroupInfo(group))
	}
}

// wait waits at most limit until holds returns true. It returns the last result of holds.
func (w *world) wait(limit time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		if holds() {
			return true
		}
	}
	return holds()
}

// toldOnce checks that the workers have logged text exactly once.
func (w *world) toldOnce(text string) {
	w.t.Helper()
	if told := w.logs.say(text); len(told) != 1 {
		w.t.Errorf("logged %d times, want %q once: %q", len(told), text, told)
	}
}

// verdict stops the workers that are still running, and fails the test for each violation in the call log.
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

// random returns a source of random numbers that depends on the seed and the arguments, not on the order of calls. A
// seed does not determine the order in which goroutines run.
func (w *world) random(about ...any) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, about...)
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}
