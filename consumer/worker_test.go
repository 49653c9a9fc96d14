package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/retry"
)

// worker is one process: when it dies, its connections break, and it no longer calls or stores anything.
type worker struct {
	*consumer.Consumer
	world   *world
	name    string
	place   string
	wire    wire
	cluster *broker.Cluster
	stop    context.CancelFunc
	ended   chan struct{}
	err     error
	dead    atomic.Bool
}

// start starts a worker; alter may change its options.
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
				Initial: 500 * time.Millisecond, Max: 10 * time.Second, Random: rand.New(rand.NewPCG(w.seed,
					uint64(len(w.workers)))),
			},
		},
		Logger: slog.New(w.logs.handler(k.name)),
	}
	w.workers = append(w.workers, k)
	for _, f := range alter {
		f(&o)
	}
	k.place = o.Place
	topics := o.Topics
	if o.Ledger.Topic != "" {
		topics = append([]string{o.Ledger.Topic}, topics...)
	}
	if o.Letters.Topic != "" {
		topics = append([]string{o.Letters.Topic}, topics...)
	}
	cluster, err := broker.Open(broker.Options{Brokers: w.addrs, Topics: topics, ClientID: k.name, Dial: k.wire.dial})
	if err != nil {
		w.t.Fatal(err)
	}
	o.Cluster, k.cluster = cluster, cluster
	k.openLedger(&o)
	k.openLetters(&o)
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

// crash kills the worker: its calls in flight continue at LeadHit, and their outcomes are lost.
func (k *worker) crash() {
	k.dead.Store(true)
	k.wire.set(broken)
	k.stop()
}

// gone reports whether the worker is dead or has ended.
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
		k.world.ledger.stored(what)
	}
	if does.undone || does.lost {
		return errors.New("the letters' topic does not exist")
	}
	k.world.ledger.acknowledged(what)
	return nil
}
