package leadhit

import (
	"net/http"
	"time"
)

// The errors that only [Judge] needs to distinguish.
type (
	TransportError  = transportError
	NotSentError    = notSentError
	UnsendableError = unsendableError
)

// ParseAnswer reads a response's body as SetOrderStatus does.
func ParseAnswer(body []byte, id, key string) error {
	s := new(scratch)
	s.body.Write(body)
	if err := unwrap(&s.body, "", maxAnswer); err != nil {
		return &BadAnswerError{Reason: err.Error()}
	}
	return parseAnswer(s, id, key)
}

// KeepsMemoryAfter reports whether the memory in which a response was read goes back to the pool.
func KeepsMemoryAfter(body []byte) bool {
	s := new(scratch)
	s.body.Write(body)
	_ = parseAnswer(s, "1", "")
	return s.size() <= keptBuffer
}

// AppendCall appends a request's body.
func AppendCall(dst []byte, call Call) ([]byte, error) { return appendCall(dst, call) }

// Clean makes foreign text safe for logs.
func Clean(text, secret string, limit int) string { return clean(text, secret, limit) }

// Lists reports whether a map page lists a method, and whether it lists any.
func Lists(page, method string) (found, some bool) { return lists(page, method) }

// RetryAfter reads the Retry-After header.
func RetryAfter(header http.Header) time.Duration { return retryAfter(header) }

// LookAgain reads the CA file as a call does once a second.
func (c *Client) LookAgain() { c.transport.look() }

// Reload reads the key's file as Watch does, and reports whether the key has changed.
func (k *Key) Reload() bool { return k.reload() }
