package dial_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker/dial"
)

func TestAConnectionSetsItsOwnDeadlines(t *testing.T) {
	tests := map[string]struct {
		deadline time.Duration // set by the caller; 0 means none
		then     bool          // the caller clears it while the read waits
		want     time.Duration
	}{
		"no deadline":              {want: 10 * time.Second},
		"a shorter one":            {deadline: time.Second, want: time.Second},
		"a longer one, for a join": {deadline: time.Minute, want: time.Minute},
		"one that is cleared":      {deadline: time.Minute, then: true, want: 11 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				checkDeadline(t, test.deadline, test.then, test.want)
			})
		})
	}
}

func checkDeadline(t *testing.T, deadline time.Duration, then bool, want time.Duration) {
	t.Helper()
	near, far := net.Pipe()
	conn := dial.Bound(near)
	t.Cleanup(func() { _ = errors.Join(conn.Close(), far.Close()) })
	started := time.Now()
	if deadline > 0 {
		_ = conn.SetDeadline(started.Add(deadline))
	}
	if then {
		time.AfterFunc(time.Second, func() { _ = conn.SetDeadline(time.Time{}) })
	}
	_, err := conn.Read(make([]byte, 1))
	if took := time.Since(started); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
		t.Errorf("read: got %v after %v, want a timeout after %v", err, took, want)
	}
	if deadline > 0 {
		return
	}
	started = time.Now()
	_, err = conn.Write(make([]byte, 1))
	if took := time.Since(started); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
		t.Errorf("write: got %v after %v, want a timeout after %v", err, took, want)
	}
}
