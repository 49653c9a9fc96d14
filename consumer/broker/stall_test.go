package broker_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/consumer/broker"
)

// deafConn limits the bytes that a fetch may read: after *hears bytes its response stops, although the broker continues
// to send. Large responses arrive in pieces with a pause before each. Other requests are not limited, because the pool
// may send its own metadata requests at any time.
type deafConn struct {
	net.Conn
	hears    *atomic.Int64
	pause    time.Duration
	fetching bool // the last request was a fetch; a connection carries one request at a time
}

func (d *deafConn) Write(b []byte) (int, error) {
	const fetch = 1 // the API key, after four bytes of size
	d.fetching = len(b) > 6 && binary.BigEndian.Uint16(b[4:]) == fetch
	return d.Conn.Write(b)
}

func (d *deafConn) Read(b []byte) (int, error) {
	const piece = 16 << 10
	if len(b) > piece {
		b = b[:piece]
		time.Sleep(d.pause)
	}
	for {
		n, err := d.Conn.Read(b)
		if err != nil || !d.fetching {
			return n, err
		}
		if heard := n + int(min(0, d.hears.Add(int64(-n)))); heard > 0 {
			return heard, nil
		}
	}
}

// deafBubble has a partition of 1.5 MiB in three batches. Its connections read everything until a test lowers hears.
type deafBubble struct {
	t       *testing.T
	cluster *broker.Cluster
	hears   atomic.Int64
}

func inDeafBubble(t *testing.T, pause time.Duration, test func(w *deafBubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		w := &deafBubble{t: t}
		w.hears.Store(math.MaxInt64)
		fake := fakeKafka(t, kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		w.cluster = open(t, fake, withDial(func(ctx context.Context, name, address string) (net.Conn, error) {
			conn, err := network.DialContext(ctx, name, address)
			return &deafConn{Conn: conn, hears: &w.hears, pause: pause}, err
		}))
		client := producer(t, fake, kgo.Dialer(network.DialContext))
		for range 3 {
			produce(t, client, strings.Repeat("x", 512<<10))
		}
		test(w)
	})
}

// wants is the request for the whole partition.
var wants = broker.FetchRequest{Topic: "orders", MaxBytes: 4 << 20, MaxWait: time.Second}

func TestAFetchWithoutAResponseEndsThreeSecondsAfterItsWait(t *testing.T) {
	inDeafBubble(t, 0, func(w *deafBubble) {
		if batch, err := w.cluster.Fetch(w.t.Context(), wants); err != nil || len(batch.Records) != 3 {
			w.t.Fatalf("got %d records, %v, want 3", len(batch.Records), err)
		}
		w.hears.Store(0)
		began := time.Now()
		_, err := w.cluster.Fetch(w.t.Context(), wants)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 4*time.Second {
			w.t.Errorf("got %v after %v, want %v after 4s", err, took, context.DeadlineExceeded)
		}
	})
}

func TestAFetchThatStallsEndsThreeSecondsAfterTheLastBytes(t *testing.T) {
	inDeafBubble(t, 0, func(w *deafBubble) {
		if _, err := w.cluster.Fetch(w.t.Context(), wants); err != nil {
			w.t.Fatal(err)
		}
		for _, bytes := range []int64{8, 1 << 20} { // only the response's size, or much of the response
			w.hears.Store(bytes)
			began := time.Now()
			_, err := w.cluster.Fetch(w.t.Context(), wants)
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
				w.t.Errorf("%d bytes: got %v after %v, want %v after 3s", bytes, err, took, context.DeadlineExceeded)
			}
			if synctest.Wait(); !w.cluster.MemoryIsFree() {
				w.t.Errorf("%d bytes: memory is still taken", bytes)
			}
			w.hears.Store(math.MaxInt64)
			if _, err := w.cluster.Fetch(w.t.Context(), wants); err != nil {
				w.t.Fatal(err)
			}
		}
	})
}

// The connection must not continue to read for an abandoned fetch.
func TestACancelledFetchReleasesItsMemoryAtOnce(t *testing.T) {
	inDeafBubble(t, 0, func(w *deafBubble) {
		if _, err := w.cluster.Fetch(w.t.Context(), wants); err != nil {
			w.t.Fatal(err)
		}
		w.hears.Store(1 << 20)
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		_, err := w.cluster.Fetch(ctx, wants)
		synctest.Wait()
		if took := time.Since(began); !errors.Is(err, context.Canceled) || took != time.Second || !w.cluster.MemoryIsFree() {
			w.t.Errorf("got %v after %v, memory free: %v, want %v after 1s, and free memory", err, took,
				w.cluster.MemoryIsFree(), context.Canceled)
		}
	})
}

// The response arrives in at least 96 pieces, with two seconds before each.
func TestAFetchOnASlowLineContinuesAsLongAsBytesArrive(t *testing.T) {
	inDeafBubble(t, 2*time.Second, func(w *deafBubble) {
		for range 2 { // the connection remains usable
			began := time.Now()
			batch, err := w.cluster.Fetch(w.t.Context(), wants)
			if took := time.Since(began); err != nil || len(batch.Records) != 3 || took < 190*time.Second {
				w.t.Errorf("got %d records, %v after %v, want 3 after at least 190s", len(batch.Records), err, took)
			}
		}
	})
}

// The wait for memory is ours, so it says nothing about the broker.
func TestAFetchWaitsForMemoryWithoutALimit(t *testing.T) {
	inDeafBubble(t, 0, func(w *deafBubble) {
		time.AfterFunc(time.Minute, holdMemory(w.t, w.cluster))
		began := time.Now()
		batch, err := w.cluster.Fetch(w.t.Context(), wants)
		if took := time.Since(began); err != nil || len(batch.Records) != 3 || took != time.Minute {
			w.t.Errorf("got %d records, %v after %v, want 3 after a minute", len(batch.Records), err, took)
		}
	})
}
