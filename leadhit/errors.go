package leadhit

import (
	"net/http"
	"strconv"
	"time"
)

// OptionError is a mistake in one of the [Options]. Its text contains no secret.
type OptionError struct {
	// Option is url, api key, proxy or ca file.
	Option string
	Err    error
}

// Error returns the option and the mistake in it.
func (e *OptionError) Error() string { return "leadhit " + e.Option + ": " + e.Err.Error() }

// Unwrap returns the underlying error.
func (e *OptionError) Unwrap() error { return e.Err }

// optionError returns nil if err is nil.
func optionError(option string, err error) error {
	if err == nil {
		return nil
	}
	return &OptionError{Option: option, Err: err}
}

// RPCError is a JSON-RPC error from the node itself.
type RPCError struct {
	// Code is the JSON-RPC code. LeadHit uses -32000 for every exception of the method.
	Code int
	// Type is the server's exception class as it was sent, for example ValidationError. It may be empty.
	Type string
	// Message is for human readers, at most 1 KiB.
	Message string
	// nullID reports whether the response's id is null. If it is, the server could not read the request, so the
	// response does not say which call it belongs to.
	nullID bool
}

// Error returns the code, the class and the message.
func (e *RPCError) Error() string {
	text := "json-rpc error " + strconv.Itoa(e.Code)
	if e.Type != "" {
		text += " " + e.Type
	}
	return withDetail(text, e.Message)
}

// StatusError is an HTTP response with a status other than 200. It does not keep the target of a redirect.
type StatusError struct {
	Status int // never 200
	// RetryAfter is how long the server asked us to wait: 0 to 15 minutes.
	RetryAfter time.Duration
	// Message is the beginning of the page, for human readers.
	Message string
}

// Error returns the status and the beginning of the page.
func (e *StatusError) Error() string {
	text := "http " + strconv.Itoa(e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	return withDetail(text, e.Message)
}

func newStatusError(response *http.Response, page []byte, key string) *StatusError {
	return &StatusError{
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header),
		Message:    clean(string(page), key, maxExcerpt),
	}
}

func (e *StatusError) refusesKey() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// BadAnswerError is an HTTP 200 without a valid response to this call: its body is HTML or broken JSON, has another id,
// or is too long.
type BadAnswerError struct {
	Reason string
	// Excerpt is the beginning of the body, for human readers.
	Excerpt string
}

// Error returns the reason and the beginning of the body.
func (e *BadAnswerError) Error() string { return withDetail("bad response: "+e.Reason, e.Excerpt) }

func withDetail(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + ": " + detail
}

// transportError says that there was no response. LeadHit may nevertheless have done the work.
type transportError struct {
	Err error
	// Stopped reports whether the caller's context ended, which says nothing about LeadHit.
	Stopped bool
	// text is Err's text without secrets or unprintable characters. For a TLS failure, it also says what to do.
	text string
	tls  bool
}

func newTransportError(err error, key string) *transportError {
	e := &transportError{Err: err}
	text := err.Error()
	if e.tls = transportCause(e) == "TLS"; e.tls {
		text = explainTLS(err)
	}
	e.text = clean(text, key, maxMessage)
	return e
}

func (e *transportError) Error() string {
	if e.text == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.text
}

func (e *transportError) Unwrap() error { return e.Err }

// notSentError says that Call.Before refused, and that no byte of the call left the process.
type notSentError struct{ Err error }

func (e *notSentError) Error() string { return withDetail("not sent", e.Err.Error()) }
func (e *notSentError) Unwrap() error { return e.Err }

// unsendableError says that no request can carry this call, now or later.
type unsendableError struct{ Reason string }

func (e *unsendableError) Error() string { return "unsendable: " + e.Reason }
