package loop_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/retry/loop"
)

// textLog returns a logger that omits times, and the text that it writes.
func textLog() (*slog.Logger, *strings.Builder) {
	var out strings.Builder
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	return slog.New(slog.NewTextHandler(&out, options)), &out
}

func TestARetrierLogsEachReasonOnceAndTheEnd(t *testing.T) {
	t.Parallel()
	log, out := textLog()
	var r loop.Retrier
	r.Over(log).Info("can fetch again") // nothing was logged
	for _, reason := range []string{"refused", "refused", "timeout", "refused"} {
		r.Failed()
		r.Log(log, reason).Warn("cannot fetch; trying again", slog.Any("error", errors.New(reason)))
	}
	r.Over(log).Info("can fetch again")
	r.Failed()
	r.Log(log, "refused").Warn("cannot fetch; trying again", slog.String("error", "refused"))
	want := `level=WARN msg="cannot fetch; trying again" tries=1 error=refused
level=WARN msg="cannot fetch; trying again" tries=3 error=timeout
level=INFO msg="can fetch again" tries=4
level=WARN msg="cannot fetch; trying again" tries=1 error=refused
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestARetrierRemembersTwentyReasons(t *testing.T) {
	t.Parallel()
	log, out := textLog()
	var r loop.Retrier
	for n := range 21 {
		r.Log(log, strconv.Itoa(n)).Warn("new", slog.Int("n", n))
	}
	for _, n := range []int{1, 20, 0} { // the oldest reason has been dropped
		r.Log(log, strconv.Itoa(n)).Warn("again", slog.Int("n", n))
	}
	if got := strings.Count(out.String(), "again"); got != 1 || !strings.Contains(out.String(), "msg=again tries=0 n=0") {
		t.Errorf("got %d repeated reasons logged, want only the oldest:\n%s", got, out)
	}
}

func TestARetrierWaitsLongerAndBeginsAgainAfterASuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := textLog()
		var r loop.Retrier
		var got []time.Duration
		for range 7 {
			began := time.Now()
			r.Wait(t.Context())
			got = append(got, time.Since(began)/time.Millisecond)
		}
		r.Over(log)
		began := time.Now()
		r.Wait(t.Context())
		got = append(got, time.Since(began)/time.Millisecond)
		if want := []time.Duration{100, 200, 400, 800, 1600, 2000, 2000, 100}; !slices.Equal(got, want) {
			t.Errorf("got waits of %d ms, want %d", got, want)
		}
	})
}

func TestARetrierKnowsHowLongItHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r loop.Retrier
		r.Failed()
		time.Sleep(10 * time.Second)
		if failures, lasting := r.Failed(); failures != 2 || lasting != 10*time.Second || r.Failures() != 2 {
			t.Errorf("got %d failures in %v, want 2 in 10 s", failures, lasting)
		}
	})
}

func TestARetrierStopsWaitingWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if new(loop.Retrier).Wait(ctx) {
		t.Error("got true, want false after the context has ended")
	}
}
