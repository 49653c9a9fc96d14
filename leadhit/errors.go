package leadhit

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// OptionError is a mistake in one of [Options]. Its text holds no secret.
type OptionError struct {
	// Option is which one: url, api key, proxy or ca file.
	Option string
	Err    error
}

// Error returns the option and its mistake.
func (e *OptionError) Error() string { return "leadhit " + e.Option + ": " + e.Err.Error() }

// Unwrap returns the mistake.
func (e *OptionError) Unwrap() error { return e.Err }

// RPCError is an error that the node itself answered.
type RPCError struct {
	// Code is the JSON-RPC code; -32000 stands for whatever the method raised.
	Code int
	// Type is the server's exception class, as it was sent: "ValidationError". It may be empty.
	Type string
	// Message is for people: at most 1 KiB.
	Message string
	// nullID says that the answer named no call, as it may when the request could not be read.
	nullID bool
}

// Error returns the code, the class and the message.
func (e *RPCError) Error() string {
	text := "json-rpc error " + strconv.Itoa(e.Code)
	if e.Type != "" {
		text += " " + e.Type
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// StatusError is an HTTP answer with a status other than 200. Where a redirect points is not kept.
type StatusError struct {
	Status int
	// RetryAfter is how long the server asked to wait: 0 to 15 minutes.
	RetryAfter time.Duration
	// Message is the beginning of the page, for people.
	Message string
}

// Error returns the status and the beginning of the page.
func (e *StatusError) Error() string {
	text := "http " + strconv.Itoa(e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// BadAnswerError is a 200 that is no answer to this call: HTML, broken JSON, another id, too long.
type BadAnswerError struct {
	Reason string
	// Excerpt is the beginning of the body, for people.
	Excerpt string
}

// Error returns the reason and the beginning of the body.
func (e *BadAnswerError) Error() string {
	if e.Excerpt == "" {
		return "bad answer: " + e.Reason
	}
	return "bad answer: " + e.Reason + ": " + e.Excerpt
}

// TransportError says that there was no answer. LeadHit may have done the work nevertheless.
type TransportError struct {
	Err error
	// Stopped says that the caller's context ended, which tells nothing about LeadHit.
	Stopped bool
	// text is Err's, in words where TLS failed, without what a server may have put there.
	text string
	tls  bool
}

// Error returns the network's error, without secrets.
func (e *TransportError) Error() string {
	if e.text == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.text
}

// Unwrap returns the network's error.
func (e *TransportError) Unwrap() error { return e.Err }

// NotSentError says that Call.Before refused, and that no byte of the call left the process.
type NotSentError struct{ Err error }

// Error returns the refusal.
func (e *NotSentError) Error() string { return fmt.Sprintf("not sent: %v", e.Err) }

// Unwrap returns the error of Call.Before.
func (e *NotSentError) Unwrap() error { return e.Err }

// UnsendableError says that no request can carry this call. It will never become sendable.
type UnsendableError struct{ Reason string }

// Error returns the reason.
func (e *UnsendableError) Error() string { return "unsendable: " + e.Reason }
