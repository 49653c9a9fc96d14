package broker_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker"
)

func TestDecodingLeavesAProcessorFreeButWaitsForNobodyLong(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for processors, slots := range map[int]int{1: 1, 2: 1, 4: 3} {
		runtime.GOMAXPROCS(processors)
		synctest.Test(t, func(t *testing.T) {
			cluster := unconnected(t)
			var release func()
			for range slots {
				release = slotAfter(t.Context(), t, cluster, 0)
			}
			none := slotAfter(t.Context(), t, cluster, 100*time.Millisecond)
			none() // must not release another caller's slot
			stopped, stop := context.WithCancel(t.Context())
			stop()
			slotAfter(stopped, t, cluster, 0)
			time.AfterFunc(time.Millisecond, release)
			slotAfter(t.Context(), t, cluster, time.Millisecond)
		})
	}
}

// slotAfter checks how long DecodeSlot waits.
func slotAfter(ctx context.Context, t *testing.T, cluster *broker.Cluster, want time.Duration) (release func()) {
	t.Helper()
	start := time.Now()
	release = cluster.DecodeSlot(ctx)
	if waited := time.Since(start); waited != want {
		t.Errorf("with %d processors: waited %v, want %v", runtime.GOMAXPROCS(0), waited, want)
	}
	return release
}
