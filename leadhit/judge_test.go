package leadhit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

func TestEveryStatusHasItsVerdict(t *testing.T) {
	t.Parallel()
	want := map[int]retry.Kind{
		401: retry.Unauthorised, 403: retry.Unauthorised,
		404: retry.Misconfigured, 405: retry.Misconfigured, 415: retry.Misconfigured,
		400: retry.DeadLetter, 413: retry.DeadLetter, 422: retry.DeadLetter, 431: retry.DeadLetter,
	}
	for status := 300; status < 400; status++ {
		want[status] = retry.Misconfigured
	}
	for status := 100; status <= 599; status++ {
		if status == 200 {
			continue // no StatusError
		}
		err := fmt.Errorf("wrapped: %w", &leadhit.StatusError{Status: status, RetryAfter: time.Minute, Message: "page"})
		got := leadhit.Judge{}.Judge(err)
		kind := want[status] // all others: again, the zero value
		if got.Kind != kind || got.Code != status || got.Cause != fmt.Sprintf("HTTP %d", status) || got.Answered {
			t.Errorf("status %d: got %+v, want %v", status, got, kind)
		}
		if wait := got.RetryAfter; (wait == time.Minute) != (kind == retry.Again) {
			t.Errorf("status %d: got Retry-After %v with %v", status, wait, kind)
		}
	}
}

func TestEveryCodeHasItsVerdict(t *testing.T) {
	t.Parallel()
	type verdict struct {
		kind  retry.Kind
		cause string
	}
	want := map[int]verdict{
		-32602: {retry.DeadLetter, "InvalidParams"},
		-32601: {retry.Misconfigured, "MethodNotFound"},
		-32600: {retry.Misconfigured, "InvalidRequest"},
		-32700: {retry.Misconfigured, "ParseError"},
	}
	for code := -33000; code <= 1000; code++ {
		expected, ok := want[code]
		if !ok {
			expected = verdict{retry.Again, "OperationalError"}
		}
		got := leadhit.Judge{}.Judge(&leadhit.RPCError{Code: code, Type: "OperationalError", Message: "gone"})
		if got.Kind != expected.kind || got.Cause != expected.cause || got.Code != code || !got.Answered || got.Message != "gone" {
			t.Errorf("code %d: got %+v, want %v", code, got, expected)
		}
	}
}

func TestTheServersClassDecidesTheVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		types []string
		class string
		kind  retry.Kind
		cause string
	}{
		"a validation error is final":                 {nil, "ValidationError", retry.DeadLetter, "ValidationError"},
		"a listed class is final":                     {[]string{"DoesNotExist"}, "DoesNotExist", retry.DeadLetter, "DoesNotExist"},
		"a list replaces the default":                 {[]string{"DoesNotExist"}, "ValidationError", retry.Again, "ValidationError"},
		"an empty list has no class":                  {[]string{}, "ValidationError", retry.Again, "ValidationError"},
		"an empty class is never listed":              {[]string{""}, "", retry.Again, "ServerError"},
		"a class in a module is a cause":              {nil, "db.Operational_Error2", retry.Again, "db.Operational_Error2"},
		"a class that is not an identifier is hidden": {nil, "Boom\n<b>", retry.Again, "ServerError"},
		"a class must not begin with a digit":         {nil, "1Error", retry.Again, "ServerError"},
		"a class that is too long is hidden":          {nil, strings.Repeat("E", 65), retry.Again, "ServerError"},
		"letter case counts":                          {nil, "validationerror", retry.Again, "validationerror"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := leadhit.Judge{DeadLetterTypes: c.types}.Judge(&leadhit.RPCError{Code: -32000, Type: c.class})
			if got.Kind != c.kind || got.Cause != c.cause {
				t.Errorf("got %v %q, want %v %q", got.Kind, got.Cause, c.kind, c.cause)
			}
		})
	}
}

func TestOtherFailuresHaveTheirCause(t *testing.T) {
	t.Parallel()
	dns := &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsTimeout: true}
	for name, c := range map[string]struct {
		err  error
		want retry.Verdict
	}{
		"no error is done":      {nil, retry.Verdict{Kind: retry.Done, Answered: true}},
		"another kind of error": {errors.New("boom"), retry.Verdict{Cause: "Unknown", Message: "boom"}},
		"a bad response":        {&leadhit.BadAnswerError{Reason: "r", Excerpt: "x"}, retry.Verdict{Cause: "BadAnswer", Message: "bad response: r: x"}},
		"a refusal to send":     {&leadhit.NotSentError{Err: errors.New("lease over")}, retry.Verdict{Cause: "NotSent", Message: "not sent: lease over"}},
		"an unsendable order":   {&leadhit.UnsendableError{Reason: "r"}, retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable", Message: "unsendable: r"}},
		"a name not found":      {&leadhit.TransportError{Err: dns}, retry.Verdict{Cause: "DNS", Message: dns.Error()}},
		"a deadline":            {&leadhit.TransportError{Err: context.DeadlineExceeded}, retry.Verdict{Cause: "Timeout", Message: "context deadline exceeded"}},
		"a reset":               {&leadhit.TransportError{Err: syscall.ECONNRESET}, retry.Verdict{Cause: "Reset", Message: "connection reset by peer"}},
		"the caller's own stop": {&leadhit.TransportError{Err: context.Canceled, Stopped: true}, retry.Verdict{Cause: "Cancelled", Message: "context canceled"}},
		"a wait beyond reason":  {&leadhit.StatusError{Status: 503, RetryAfter: time.Hour}, retry.Verdict{Cause: "HTTP 503", Code: 503, RetryAfter: 15 * time.Minute, Message: "http 503 Service Unavailable"}},
		"control characters":    {&leadhit.RPCError{Code: 1, Message: "a\u202eb\x1b[2J\r\nc"}, retry.Verdict{Cause: "ServerError", Code: 1, Answered: true, Message: "ab[2J c"}},
		"a message that is too long": {
			&leadhit.RPCError{Code: 1, Message: strings.Repeat("я", 1000)},
			retry.Verdict{Cause: "ServerError", Code: 1, Answered: true, Message: strings.Repeat("я", 512)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.err != nil {
				c.err = fmt.Errorf("set_order_status t-0-1: %w", c.err)
				if c.want.Cause == "Unknown" {
					c.want.Message = c.err.Error()
				}
			}
			if got := (leadhit.Judge{}).Judge(c.err); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
