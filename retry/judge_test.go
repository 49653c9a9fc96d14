package retry_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// TestTheJudgesCausesAreKnown judges the client's own errors: what they mean to a Governor depends on the judge's
// causes.
func TestTheJudgesCausesAreKnown(t *testing.T) {
	t.Parallel()
	call := leadhit.Call{ID: "t-0-1", OrderID: "4711", Status: "paid"}
	held := call
	held.Before = func() error { return errors.New("lease over") }
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		err             error
		closes, shrinks bool
	}{
		"a timeout": {
			failed(t, t.Context(), func() (net.Conn, error) { return nil, context.DeadlineExceeded }, call), true, true,
		},
		"a broken line":      {failed(t, t.Context(), brokenLine, call), true, false},
		"abandoned by us":    {failed(t, stopped, brokenLine, call), false, false},
		"not sent":           {failed(t, t.Context(), silentLine, held), false, false},
		"429":                {&leadhit.StatusError{Status: 429}, true, true},
		"500":                {&leadhit.StatusError{Status: 500}, true, false},
		"502":                {&leadhit.StatusError{Status: 502}, true, false},
		"503":                {&leadhit.StatusError{Status: 503}, true, true},
		"504":                {&leadhit.StatusError{Status: 504}, true, true},
		"a page":             {&leadhit.BadAnswerError{}, true, false},
		"cannot be sent":     {failed(t, t.Context(), brokenLine, leadhit.Call{}), false, false},
		"the node's refusal": {&leadhit.RPCError{Code: -32000, Type: "ValidationError"}, false, false},
		"the node's fault":   {&leadhit.RPCError{Code: -32000, Type: "OperationalError"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := leadhit.Judge{}.Judge(c.err)
			r := newRig(t)
			r.calls(2, 2, v)
			if got := r.Limit() < 64; got != c.shrinks {
				t.Errorf("got a limit of %d after 2 such calls, want a smaller one: %v", r.Limit(), c.shrinks)
			}
			r.calls(18, 5, v)
			if got := r.probing() == retry.Outage; got != c.closes {
				t.Errorf("got the gate closed: %v, want %v", got, c.closes)
			}
		})
	}
}

// failed returns the error from a call over a connection that the test provides.
func failed(t *testing.T, ctx context.Context, dial func() (net.Conn, error), call leadhit.Call) error {
	t.Helper()
	client, err := leadhit.Open(leadhit.Options{
		URL: "http://leadhit/", Key: leadhit.FixedKey("key"),
		Dial: func(context.Context, string, string) (net.Conn, error) { return dial() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	err = client.SetOrderStatus(ctx, call)
	if err == nil {
		t.Fatal("got no error")
	}
	return err
}

// silentLine returns a connection whose other end neither reads nor writes.
func silentLine() (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

// brokenLine returns a connection that the other side has closed.
func brokenLine() (net.Conn, error) {
	near, far := net.Pipe()
	return near, far.Close()
}
