package broker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker"
)

// occupancy is what a test's responses hold, and held at most.
type occupancy struct {
	mu         sync.Mutex
	held, most int64
	alone      int // responses larger than the room that came when nothing else was there
}

func (o *occupancy) enter(size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held += size; size > broker.RoomBytes && o.held == size {
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

func TestResponsesHoldNoMoreThanTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := unconnected(t)
		var connections sync.WaitGroup
		var o occupancy
		hold := func(size int64) {
			leave, err := cluster.Enter(t.Context(), size)
			if err != nil {
				t.Error(err)
				return
			}
			o.enter(size)
			<-time.After(time.Millisecond)
			o.leave(size)
			leave()
		}
		for range 12 {
			connections.Go(func() {
				for range 10 {
					hold(broker.RoomBytes / 4)
					hold(2 * broker.RoomBytes)
				}
			})
		}
		connections.Wait()
		if o.most != broker.RoomBytes || o.alone != 120 {
			t.Errorf("got %d bytes at once and %d large responses alone, want %d at most, and at times, and 120", o.most, o.alone, broker.RoomBytes)
		}
		if !cluster.RoomIsFree() {
			t.Error("in the end room is still taken")
		}
	})
}

func TestWhoWaitsForRoomIsLetGoWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := unconnected(t)
		leave, err := cluster.Enter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("the partition is revoked")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := cluster.Enter(ctx, broker.RoomBytes); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		leave()
		if !cluster.RoomIsFree() {
			t.Error("room is still taken")
		}
	})
}

func TestAResponseThatNobodyWaitsForHoldsNoRoom(t *testing.T) {
	t.Parallel()
	cluster := unconnected(t)
	if err := cluster.EnterLate(t.Context(), 1); err == nil {
		t.Error("got no error")
	}
	if !cluster.RoomIsFree() {
		t.Error("room is still taken")
	}
}

// A fetch waits for room, is cancelled without leaving anything behind, and goes on when there is some.
func TestAFetchWaitsForRoom(t *testing.T) {
	fake := fakeKafka(t)
	produce(t, producer(t, fake), "paid")
	cluster := open(t, fake)
	leave, err := cluster.Enter(t.Context(), broker.RoomBytes)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if batch, err := cluster.Fetch(ctx, broker.FetchRequest{Topic: "orders", MaxWait: time.Second}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v without room, want %v", batch, err, context.DeadlineExceeded)
	}
	time.AfterFunc(100*time.Millisecond, leave)
	if got := values(t, cluster, broker.FetchRequest{}, 1); len(got) != 1 {
		t.Errorf("got %q when there is room, want the event", got)
	}
	if !cluster.RoomIsFree() {
		t.Error("after the fetch room is still taken")
	}
}
