package leadhit

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"

	"leadhit-sync/retry"
)

// Judge says what each outcome of a call means. It goes by the types of errors, never by their text. Only an answer that
// speaks about this very order can send it to the dead letters; what may be a fault of the network, the server, the key
// or the address never does.
type Judge struct {
	// DeadLetterTypes are the server's exception classes that no repetition can cure. Nil means ValidationError alone.
	DeadLetterTypes []string
}

// Judge returns the verdict on what [Client.SetOrderStatus] returned. An error of any other origin is tried again.
func (j Judge) Judge(err error) retry.Verdict {
	if err == nil {
		return retry.Verdict{Kind: retry.Done, Answered: true}
	}
	verdict := j.judge(err)
	verdict.Message = clean(verdict.Message, "", maxMessage)
	return verdict
}

func (j Judge) judge(err error) retry.Verdict {
	if rpc, ok := errors.AsType[*RPCError](err); ok {
		return j.rpc(rpc)
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return judgeStatus(status)
	}
	if bad, ok := errors.AsType[*BadAnswerError](err); ok {
		// A proxy's page or half an answer: it says nothing about the order.
		return retry.Verdict{Kind: retry.Again, Cause: "BadAnswer", Message: bad.Error()}
	}
	if refused, ok := errors.AsType[*NotSentError](err); ok {
		return retry.Verdict{Kind: retry.Again, Cause: "NotSent", Message: refused.Error()}
	}
	if unsendable, ok := errors.AsType[*UnsendableError](err); ok {
		// The same bytes would be refused for ever.
		return retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable", Message: unsendable.Error()}
	}
	if transport, ok := errors.AsType[*TransportError](err); ok {
		// Nobody knows whether LeadHit did the work: the same call, with the same id, is safe to repeat.
		return retry.Verdict{Kind: retry.Again, Cause: transportCause(transport), Message: transport.Error()}
	}
	return retry.Verdict{Kind: retry.Again, Cause: "Unknown", Message: err.Error()}
}

func (j Judge) rpc(e *RPCError) retry.Verdict {
	verdict := retry.Verdict{Cause: typeCause(e.Type), Message: e.Message, Code: e.Code, Answered: !e.nullID}
	switch {
	case j.final(e.Type):
		// The method looked at this order and said no.
		verdict.Kind = retry.DeadLetter
	case e.Code == codeInvalidParams:
		// Our parameters for this order do not fit the method.
		verdict.Kind, verdict.Cause = retry.DeadLetter, "InvalidParams"
	case e.Code == codeMethodNotFound:
		// The address, not the order: another node, or another version of it.
		verdict.Kind, verdict.Cause = retry.Misconfigured, "MethodNotFound"
	case e.Code == codeInvalidRequest:
		verdict.Kind, verdict.Cause = retry.Misconfigured, "InvalidRequest"
	case e.Code == codeParseError:
		// Our JSON is sound, so something on the way changes it.
		verdict.Kind, verdict.Cause = retry.Misconfigured, "ParseError"
	default:
		// The method broke (a database error, a bug): it may work again.
		verdict.Kind = retry.Again
	}
	return verdict
}

func (j Judge) final(class string) bool {
	if j.DeadLetterTypes == nil {
		return class == "ValidationError"
	}
	return class != "" && slices.Contains(j.DeadLetterTypes, class)
}

func judgeStatus(e *StatusError) retry.Verdict {
	verdict := retry.Verdict{Cause: "HTTP " + strconv.Itoa(e.Status), Message: e.Error(), Code: e.Status}
	switch {
	case refusesKey(e):
		// LeadHit's word for a missing or wrong key: true for every order.
		verdict.Kind = retry.Unauthorised
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed,
		e.Status == http.StatusUnsupportedMediaType, e.Status >= 300 && e.Status < 400:
		// Not the orders node, or no longer: the address, not the order. A redirect is not followed, since it would carry
		// the key to wherever it points.
		verdict.Kind = retry.Misconfigured
	case e.Status == http.StatusBadRequest, e.Status == http.StatusRequestEntityTooLarge,
		e.Status == http.StatusUnprocessableEntity, e.Status == http.StatusRequestHeaderFieldsTooLarge:
		// The server looked at these very bytes and will look at the same ones next time.
		verdict.Kind = retry.DeadLetter
	default:
		// Overload, outage, and whatever nobody thought of: never a reason to give up an order.
		verdict.Kind, verdict.RetryAfter = retry.Again, min(max(e.RetryAfter, 0), maxRetryAfter)
	}
	return verdict
}

// transportCause names the step that failed. The look-up comes before the timeout, since a resolver that does not answer
// is what an operator can repair.
func transportCause(e *TransportError) string {
	switch {
	case e.Stopped:
		return "Cancelled"
	case is[*net.DNSError](e.Err):
		return "DNS"
	case isTimeout(e.Err):
		return "Timeout"
	case isTLS(e.Err):
		return "TLS"
	case is[*connectError](e.Err):
		return "Connect"
	}
	// The connection stood, and broke before a whole answer came.
	return "Reset"
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func isTimeout(err error) bool {
	// context.DeadlineExceeded is one of these.
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isTLS knows our own handshakes by their mark, and those that net/http makes behind a proxy by the types that crypto/tls
// has for some of its errors. A handshake that the network breaks tells nothing about TLS.
func isTLS(err error) bool {
	if is[*tls.CertificateVerificationError](err) || is[tls.RecordHeaderError](err) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op == "remote error" || op.Op == "local error" // an alert
	}
	return is[*handshakeError](err) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// typeCause makes the server's class a label: an identifier of at most 64 bytes, or else ServerError.
func typeCause(class string) string {
	if class == "" || len(class) > 64 {
		return "ServerError"
	}
	for i := range len(class) {
		c := class[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '.' && (c < '0' || c > '9')) {
			return "ServerError"
		}
	}
	return class
}

func transportError(err error, key string) *TransportError {
	e := &TransportError{Err: err}
	text := err.Error()
	if e.tls = transportCause(e) == "TLS"; e.tls {
		text = explainTLS(err)
	}
	e.text = clean(text, key, maxMessage)
	return e
}

func statusError(response *http.Response, page []byte, key string) error {
	return &StatusError{
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header),
		Message:    clean(string(page), key, maxExcerpt),
	}
}
