package leadhit

import (
	"net/http"
	"time"
)

// ParseAnswer reads an answer's body as SetOrderStatus does.
func ParseAnswer(body []byte, id, key string) error {
	s := new(scratch)
	s.body.Write(body)
	if err := unwrap(&s.body, "", maxAnswer); err != nil {
		return &BadAnswerError{Reason: err.Error()}
	}
	return parseAnswer(s, id, key)
}

// AppendCall appends a request's body.
func AppendCall(dst []byte, call Call) ([]byte, error) { return appendCall(dst, call) }

// Clean makes text from outside fit for logs.
func Clean(text, secret string, limit int) string { return clean(text, secret, limit) }

// ParseMap finds the names in a map page.
func ParseMap(page string) []string { return parseMap(page) }

// RetryAfter reads the header of that name.
func RetryAfter(header http.Header) time.Duration { return retryAfter(header) }

// LookAgain reads the file with the authorities as a call does once a second.
func (c *Client) LookAgain() { c.transport.look() }

// Reload reads the key's file as Watch does, and reports whether the key has changed.
func (k *Key) Reload() bool { return k.reload() }
