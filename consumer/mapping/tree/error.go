package tree

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// The reasons why [Scanner.Scan] rejects text that is syntactically valid JSON. Any other error from Scan means "not
// JSON".
var (
	ErrDuplicateName = errors.New("duplicate name")
	ErrTooDeep       = errors.New("too deep")
)

// A refusal is an error with a message of our own. The decoder's messages quote the payload, which must not appear in a
// log. Ours quote at most a harmless name.
type refusal struct {
	reason  error // nil for "not JSON"
	message string
}

func (r *refusal) Error() string { return r.message }

func (r *refusal) Unwrap() error { return r.reason }

// explain turns the decoder's error into a refusal.
func (s *Scanner) explain(err error) error {
	size := len(s.doc)
	var syntax *jsontext.SyntacticError
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, ErrTooDeep):
		return &refusal{ErrTooDeep, fmt.Sprintf("more than %d objects and arrays within one another", maxDepth)}
	case errors.Is(err, io.EOF):
		return &refusal{nil, "the value holds nothing but white space"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &refusal{nil, fmt.Sprintf("the JSON document breaks off after %d bytes", size)}
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return &refusal{ErrDuplicateName, fmt.Sprintf("%s is used twice in one object, again at byte %d of %d",
			nameInWords(syntax.JSONPointer.LastToken()), syntax.ByteOffset, size)}
	case errors.As(err, &syntax):
		return &refusal{nil, fmt.Sprintf("not JSON at byte %d of %d", syntax.ByteOffset, size)}
	}
	return &refusal{nil, "not JSON"}
}

// nameInWords describes a member's name. It quotes the name only if it looks like a programmer's choice, because some
// documents use e-mail addresses or telephone numbers as names.
func nameInWords(name string) string {
	if name == "" || len(name) > 40 {
		return "a name"
	}
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return "a name"
		}
	}
	return "the name " + name
}
