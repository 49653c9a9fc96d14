package broker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker"
)

// occupancy counts the bytes that a test's responses hold, and keeps the maximum.
type occupancy struct {
	mu         sync.Mutex
	held, most int64
	alone      int // responses above the budget, each held alone
}

func (o *occupancy) enter(size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held += size; size > broker.MemoryBudget && o.held == size {
		o.alone++
		return
	}
	o.most = max(o.most, o.held)
}

func (o *occupancy) leave(size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held -= size
}

func TestResponsesHoldNoMoreThanTheMemoryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := unconnected(t)
		var connections sync.WaitGroup
		var o occupancy
		hold := func(size int64) {
			read, leave, err := cluster.Enter(t.Context(), size)
			if err != nil {
				t.Error(err)
				return
			}
			o.enter(size)
			<-time.After(time.Millisecond)
			o.leave(size)
			leave()
			read()
		}
		for range 12 {
			connections.Go(func() {
				for range 10 {
					hold(broker.MemoryBudget / 4)
					hold(2 * broker.MemoryBudget)
				}
			})
		}
		connections.Wait()
		if o.most != broker.MemoryBudget || o.alone != 120 {
			t.Errorf("got at most %d bytes at once and %d large responses alone, want %d and 120",
				o.most, o.alone, broker.MemoryBudget)
		}
		if !cluster.MemoryIsFree() {
			t.Error("memory is still taken at the end")
		}
	})
}

// holdMemory takes the whole budget.
func holdMemory(t *testing.T, cluster *broker.Cluster) (giveBack func()) {
	t.Helper()
	read, leave, err := cluster.Enter(t.Context(), broker.MemoryBudget)
	if err != nil {
		t.Fatal(err)
	}
	return func() { read(); leave() }
}

func TestTheEndOfItsContextEndsTheWaitForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := unconnected(t)
		giveBack := holdMemory(t, cluster)
		cause := errors.New("the partition is revoked")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, _, err := cluster.Enter(ctx, broker.LargeResponse+1); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		giveBack()
		if !cluster.MemoryIsFree() {
			t.Error("memory is still taken")
		}
	})
}

func TestASmallResponseDoesNotWaitForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble fails if all its goroutines wait
		cluster := unconnected(t)
		defer holdMemory(t, cluster)()
		read, leave, err := cluster.Enter(t.Context(), broker.LargeResponse)
		if err != nil {
			t.Fatal(err)
		}
		read()
		leave()
	})
}

// Either of the two users may finish first; the memory stays taken until both have released it.
func TestMemoryIsTakenUntilBothUsersHaveReleasedIt(t *testing.T) {
	t.Parallel()
	for name, readsFirst := range map[string]bool{"read, then decoded": true, "given up, then read": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := unconnected(t)
			read, leave, err := cluster.Enter(t.Context(), broker.MemoryBudget)
			if err != nil {
				t.Fatal(err)
			}
			first, second := leave, read
			if readsFirst {
				first, second = read, leave
			}
			if first(); cluster.MemoryIsFree() {
				t.Error("memory is free after the first release")
			}
			if second(); !cluster.MemoryIsFree() {
				t.Error("memory is still taken after the second release")
			}
		})
	}
}

// A fetch waits for memory, leaves nothing behind when it is cancelled, and continues when enough memory is free.
func TestALargeFetchWaitsForMemory(t *testing.T) {
	fake := fakeKafka(t)
	client, half := producer(t, fake), strings.Repeat("x", broker.LargeResponse/2)
	produce(t, client, half)
	produce(t, client, half)
	request := broker.FetchRequest{Topic: "orders", MaxWait: time.Second, MaxBytes: 2 * broker.LargeResponse}
	cluster := open(t, fake)
	giveBack := holdMemory(t, cluster)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if batch, err := cluster.Fetch(ctx, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v without memory, want %v", batch, err, context.DeadlineExceeded)
	}
	time.AfterFunc(100*time.Millisecond, giveBack)
	if got := values(t, cluster, request, 2); len(got) != 2 {
		t.Errorf("got %d events when there is memory, want two", len(got))
	}
	if !cluster.MemoryIsFree() {
		t.Error("after the fetch memory is still taken")
	}
}

func unconnected(t *testing.T) *broker.Cluster {
	t.Helper()
	cluster, err := broker.Open(broker.Options{Brokers: []string{"kafka:9092"}})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}
