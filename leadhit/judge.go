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

// Judge decides what each outcome of a call means. It examines the types of errors, never their text. Only a response
// about this order, or a call that no request can carry, makes a dead letter. Failures of the network, the server, the
// key or the address never do.
type Judge struct {
	// DeadLetterTypes are the server's exception classes that make a retry pointless. Nil means only ValidationError.
	DeadLetterTypes []string
}

// Judge returns the verdict on an error from [Client.SetOrderStatus]. Any other error leads to a retry.
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
		// A proxy's page, or half a response, says nothing about the order.
		return retry.Verdict{Kind: retry.Again, Cause: "BadAnswer", Message: bad.Error()}
	}
	if refused, ok := errors.AsType[*notSentError](err); ok {
		return retry.Verdict{Kind: retry.Again, Cause: "NotSent", Message: refused.Error()}
	}
	if unsendable, ok := errors.AsType[*unsendableError](err); ok {
		// Every retry would send the same bytes.
		return retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable", Message: unsendable.Error()}
	}
	if transport, ok := errors.AsType[*transportError](err); ok {
		// LeadHit may or may not have done the work. The same call, with the same id, is safe to repeat.
		return retry.Verdict{Kind: retry.Again, Cause: transportCause(transport), Message: transport.Error()}
	}
	return retry.Verdict{Kind: retry.Again, Cause: "Unknown", Message: err.Error()}
}

func (j Judge) rpc(e *RPCError) retry.Verdict {
	verdict := retry.Verdict{Cause: typeCause(e.Type), Message: e.Message, Code: e.Code, Answered: !e.nullID}
	switch {
	case j.final(e.Type):
		// The method examined this order and refused it.
		verdict.Kind = retry.DeadLetter
	case e.Code == codeInvalidParams:
		// This order's parameters do not fit the method.
		verdict.Kind, verdict.Cause = retry.DeadLetter, "InvalidParams"
	case e.Code == codeMethodNotFound:
		// The address, not the order, is wrong: it leads to another node, or to another version of the node.
		verdict.Kind, verdict.Cause = retry.Misconfigured, "MethodNotFound"
	case e.Code == codeInvalidRequest:
		verdict.Kind, verdict.Cause = retry.Misconfigured, "InvalidRequest"
	case e.Code == codeParseError:
		// Our JSON is valid, so something between us and LeadHit changes it.
		verdict.Kind, verdict.Cause = retry.Misconfigured, "ParseError"
	default:
		// The method failed (a database error, a bug). It may work again later.
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
	case e.refusesKey():
		// This is LeadHit's response to a missing or wrong key, and every order would get it.
		verdict.Kind = retry.Unauthorised
	case e.Status == http.StatusNotFound, e.Status == http.StatusMethodNotAllowed,
		e.Status == http.StatusUnsupportedMediaType, e.Status >= 300 && e.Status < 400:
		// The address, not the order, is wrong. A redirect is not followed, because that would send the key to another
		// address.
		verdict.Kind = retry.Misconfigured
	case e.Status == http.StatusBadRequest, e.Status == http.StatusRequestEntityTooLarge,
		e.Status == http.StatusUnprocessableEntity, e.Status == http.StatusRequestHeaderFieldsTooLarge:
		// The server objects to the bytes of this request, and a retry would send the same bytes.
		verdict.Kind = retry.DeadLetter
	default:
		// Overload, outage and unknown statuses are not a reason to give up on an order.
		verdict.Kind, verdict.RetryAfter = retry.Again, min(max(e.RetryAfter, 0), maxRetryAfter)
	}
	return verdict
}

// transportCause names the step that failed. DNS comes before the timeout, because a resolver that times out is what
// the operator has to fix.
func transportCause(e *transportError) string {
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
	// The connection was established, and broke before the whole response arrived.
	return "Reset"
}

func is[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}

func isTimeout(err error) bool {
	// context.DeadlineExceeded is a net.Error too.
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isTLS recognises failures of our own handshakes by their type, handshakeError. Behind a proxy, net/http does the
// handshake, and the few error types of crypto/tls must suffice. A handshake that the network interrupts says nothing
// about TLS.
func isTLS(err error) bool {
	if is[*tls.CertificateVerificationError](err) || is[tls.RecordHeaderError](err) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op == "remote error" || op.Op == "local error" // an alert
	}
	return is[*handshakeError](err) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}

// typeCause turns the server's exception class into a metric label: an identifier of at most 64 bytes, or else
// ServerError.
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
