package office_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/office"
	"leadhit-sync/deadletter/operator"
)

const (
	group    = "shop"
	letters  = "dlq.shop"
	entries  = letters + ".ledger"
	nowhere  = "http://127.0.0.1:1/status"
	patience = 2 * time.Minute
)

// world is a cluster with letters, and a model of a worker that resolves each replay at once.
type world struct {
	*testing.T

	fake   *kfake.Cluster
	client *kgo.Client
	pages  []string // URLs of the workers' status pages

	mu    sync.Mutex
	calls map[string]int
}

// newWorld returns a world with n letters, each about an order of its own.
func newWorld(t *testing.T, n int) *world {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, letters, entries), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumeTopics(entries),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &world{T: t, fake: fake, client: client, calls: map[string]int{}, pages: []string{nowhere}}
	for i := range n {
		w.letter(int64(i))
	}
	return w
}

// letter appends the letter of the event at the given offset.
func (w *world) letter(offset int64) {
	w.Helper()
	l := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Offset: offset}, Key: []byte("k"),
			Value: fmt.Appendf(nil, `{"order_id":"o%d","status":"paid"}`, offset),
		},
		Item: deadletter.NoItem, OrderID: fmt.Sprintf("o%d", offset), Status: "lost", Stage: deadletter.StageCall,
		Cause: "ValidationError", FailedAt: time.Now(), Group: group,
	}
	encoded := l.Encode()
	stored := &kgo.Record{Topic: letters, Key: encoded.Key, Value: encoded.Value}
	for _, h := range encoded.Headers {
		stored.Headers = append(stored.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	w.write(stored)
}

func (w *world) write(r *kgo.Record) {
	w.Helper()
	if err := w.client.ProduceSync(context.WithoutCancel(w.Context()), r).FirstErr(); err != nil {
		w.Error(err)
	}
}

// entry appends an entry about a letter.
func (w *world) entry(e ledger.Entry) {
	w.Helper()
	e.At, e.By, e.Group = time.Now(), "worker", group
	if err := w.append(context.WithoutCancel(w.Context()), e); err != nil {
		w.Error(err)
	}
}

func (w *world) append(ctx context.Context, e ledger.Entry) error {
	key, value, err := e.Record()
	if err != nil {
		return err
	}
	return w.client.ProduceSync(ctx, &kgo.Record{Topic: entries, Key: key, Value: value}).FirstErr()
}

// worker starts the model. Of several replays with the same number it counts only the first, as the fold does.
func (w *world) worker() {
	ctx, stop := context.WithCancel(w.Context())
	var done sync.WaitGroup
	done.Go(func() {
		counted := map[string]int{}
		for ctx.Err() == nil {
			w.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				e, err := ledger.Parse(r.Value)
				if err != nil || e.Event != ledger.LetterReplay || e.N != counted[e.ID]+1 {
					return
				}
				counted[e.ID] = e.N
				w.mu.Lock()
				w.calls[e.ID]++
				w.mu.Unlock()
				w.entry(ledger.Entry{Event: ledger.LetterResolved, ID: e.ID, N: e.N, Run: e.Run})
			})
		}
	})
	w.Cleanup(func() {
		stop()
		done.Wait()
	})
}

func (w *world) called() (all int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.calls {
		all += n
	}
	return all
}

// settings returns the settings of an office that uses the cluster.
func (w *world) settings() office.Settings {
	w.Helper()
	cluster, err := broker.Open(broker.Options{
		Brokers: w.fake.ListenAddrs(), Topics: []string{letters, entries, "orders"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(cluster.Close)
	m, err := mapping.Load(mapping.Options{Source: "plain", Topics: []string{"orders"}})
	if err != nil {
		w.Fatal(err)
	}
	return office.Settings{
		Access: operator.Access{
			Group: group, Letters: letters, Topics: []string{"orders"}, Cluster: cluster, WriteEntry: w.append, Mapping: m,
		},
		Workers: func(context.Context) ([]string, error) { return w.pages, nil },
		Log:     slog.New(slog.DiscardHandler),
	}
}

// office returns a running office that has read the letters.
func (w *world) office() *office.Office {
	w.Helper()
	o := w.started()
	await(w.T, "the first read", func() bool { return !reading(o).At.IsZero() })
	return o
}

// started returns a running office.
func (w *world) started() *office.Office {
	w.Helper()
	o := office.New(w.settings())
	listener, err := new(net.ListenConfig).Listen(w.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = o.Serve(ctx, listener, http.NotFoundHandler()) })
	w.Cleanup(func() {
		stop()
		done.Wait()
	})
	return o
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(patience)
	for !is() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
