package tree

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Fault is the kind of an [Error].
type Fault uint8

// The faults. NotJSON is the zero value.
const (
	NotJSON Fault = iota
	DuplicateName
	TooDeep
)

// Error says why a text cannot be read, in words that quote nothing of it but, at most, a harmless name.
type Error struct {
	Fault   Fault
	Message string
}

func (e *Error) Error() string {
	return e.Message
}

var (
	errTrailing = errors.New("text after the JSON document")
	errTooDeep  = errors.New("too deep")
)

// explain writes its own words: the decoder's quote the payload.
func (s *Scanner) explain(err error) *Error {
	size := len(s.doc)
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTooDeep):
		return &Error{TooDeep, fmt.Sprintf("more than %d objects and arrays within one another", MaxDepth)}
	case errors.Is(err, errTrailing):
		return &Error{NotJSON, fmt.Sprintf("text after the JSON document, from byte %d of %d", s.end, size)}
	case errors.Is(err, io.EOF):
		return &Error{NotJSON, "the value holds nothing but white space"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{NotJSON, fmt.Sprintf("the JSON document breaks off after %d bytes", size)}
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return &Error{DuplicateName, fmt.Sprintf("%s stands twice in one object, again at byte %d of %d",
			nameInWords(syntax.JSONPointer.LastToken()), syntax.ByteOffset, size)}
	case errors.As(err, &syntax):
		return &Error{NotJSON, fmt.Sprintf("not JSON at byte %d of %d", syntax.ByteOffset, size)}
	}
	return &Error{NotJSON, "not JSON"}
}

// nameInWords names a member only where its name looks like one that a programmer chose: some documents use an
// e-mail address or a telephone number as a name.
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
