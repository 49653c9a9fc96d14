package retry_test

import (
	"context"
	"testing"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// TestTheJudgesWordsAreKnown goes through the client's own errors: what they mean here hangs on the judge's words.
func TestTheJudgesWordsAreKnown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err             error
		closes, shrinks bool
	}{
		"a timeout":          {&leadhit.TransportError{Err: context.DeadlineExceeded}, true, true},
		"a broken line":      {&leadhit.TransportError{Err: context.Canceled}, true, false},
		"given up by us":     {&leadhit.TransportError{Err: context.Canceled, Stopped: true}, false, false},
		"not sent":           {&leadhit.NotSentError{}, false, false},
		"429":                {&leadhit.StatusError{Status: 429}, true, true},
		"500":                {&leadhit.StatusError{Status: 500}, true, false},
		"502":                {&leadhit.StatusError{Status: 502}, true, false},
		"503":                {&leadhit.StatusError{Status: 503}, true, true},
		"504":                {&leadhit.StatusError{Status: 504}, true, true},
		"a page":             {&leadhit.BadAnswerError{}, true, false},
		"cannot be sent":     {&leadhit.UnsendableError{}, false, false},
		"the node's refusal": {&leadhit.RPCError{Code: -32000, Type: "ValidationError"}, false, false},
		"the node's fault":   {&leadhit.RPCError{Code: -32000, Type: "OperationalError"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := leadhit.Judge{}.Judge(c.err)
			r := newRig(t)
			r.calls(2, 2, v)
			if got := r.Limit() < 64; got != c.shrinks {
				t.Errorf("got a limit of %d after 2 such calls, want it shrunk: %v", r.Limit(), c.shrinks)
			}
			r.calls(18, 5, v)
			if got := r.held() == retry.HeldByGate; got != c.closes {
				t.Errorf("got the gate closed: %v, want %v", got, c.closes)
			}
		})
	}
}
