package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A scanner reads one JSON text in one pass and keeps two of its members. The decoder works on the text in place; it
// refuses duplicate names at every depth, for parsers disagree on which of the two counts.
type scanner struct {
	src     bytes.Buffer
	dec     jsontext.Decoder
	opts    []jsontext.Options
	end     int64  // where the document ended, white space behind it not counted
	scratch []byte // holds a string without its escapes while it is looked at
}

func newScanner() *scanner {
	// Broken UTF-8 in a member that nobody reads is nobody's business; the id and the status are checked one by one.
	return &scanner{opts: []jsontext.Options{jsontext.AllowInvalidUTF8(true)}, scratch: make([]byte, 0, maxText)}
}

// release lets go of the record's bytes.
func (s *scanner) release() {
	s.reset(nil)
}

func (s *scanner) reset(doc []byte) {
	s.src = *bytes.NewBuffer(doc)
	s.dec.Reset(&s.src, s.opts...)
}

// A tree is what one pass found: the kind of the whole document, and the texts of the two members as they stand in it,
// nil where absent. Of a document that is no object, whole is its text.
type tree struct {
	kind              jsontext.Kind
	whole, id, status []byte
}

// document judges one JSON text, and opens it once more where it is a string that holds the real one.
func (s *scanner) document(doc []byte) Outcome {
	t, err := s.scan(doc)
	if err != nil {
		return s.broken(err, len(doc))
	}
	if t.kind != jsontext.KindString {
		return s.plain(t, false)
	}
	// Unquoting puts U+FFFD where the text was broken. Harmless elsewhere, but in an id it would merge two orders.
	inner, err := jsontext.AppendUnquote(nil, t.whole)
	lossy := err != nil
	if t, err = s.scan(inner); err != nil {
		out := s.broken(err, len(inner))
		out.Message = "the JSON in a string: " + out.Message
		return out
	}
	return s.plain(t, lossy)
}

func (s *scanner) scan(doc []byte) (tree, error) {
	s.reset(doc)
	t := tree{kind: s.dec.PeekKind()}
	var err error
	if t.kind == jsontext.KindBeginObject {
		err = s.members(doc, &t)
	} else {
		t.whole, err = s.value(doc)
	}
	if err != nil {
		return tree{}, err
	}
	s.end = s.dec.InputOffset()
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return tree{}, errTrailing
	}
	return t, nil
}

func (s *scanner) members(doc []byte, t *tree) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	for s.dec.PeekKind() != jsontext.KindEndObject {
		name, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		var field *[]byte
		switch s.name(name) {
		case "order_id":
			field = &t.id
		case "status":
			field = &t.status
		}
		text, err := s.value(doc)
		if err != nil {
			return err
		}
		if field != nil {
			*field = text
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

// name returns what a member's name stands for; names that cannot be one of ours may come back as they are.
func (s *scanner) name(quoted []byte) string {
	switch {
	case string(quoted) == `"order_id"`:
		return "order_id"
	case string(quoted) == `"status"`:
		return "status"
	case bytes.IndexByte(quoted, '\\') < 0 || len(quoted) > maxText:
		return ""
	}
	// An escape may hide one of our names: "order\u005fid" is order_id to every parser.
	s.scratch, _ = jsontext.AppendUnquote(s.scratch[:0], quoted)
	return string(s.scratch)
}

// value reads the next value, whatever it is, and returns its text within doc. It goes token by token through objects
// and arrays, for jsontext has no limit of its own on depth that could be set.
func (s *scanner) value(doc []byte) ([]byte, error) {
	kind := s.dec.PeekKind()
	if kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		text, err := s.dec.ReadValue()
		if err != nil {
			return nil, err
		}
		// The decoder's own slice is good until its next call only; doc is good for longer.
		end := int(s.dec.InputOffset())
		return doc[end-len(text) : end], nil
	}
	outer := s.dec.StackDepth()
	for start := -1; ; {
		if _, err := s.dec.ReadToken(); err != nil {
			return nil, err
		}
		end := int(s.dec.InputOffset())
		if start < 0 {
			start = end - 1
		}
		switch depth := s.dec.StackDepth(); {
		case depth > maxDepth:
			return nil, errTooDeep
		case depth == outer:
			return doc[start:end], nil
		}
	}
}

var (
	errTrailing = errors.New("text after the JSON document")
	errTooDeep  = errors.New("too deep")
)

// broken turns the decoder's error into a refusal. It writes its own words: the decoder's quote the payload.
func (s *scanner) broken(err error, size int) Outcome {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errTooDeep):
		return refuse(causeTooDeep, fmt.Sprintf("more than %d objects and arrays within one another", maxDepth))
	case errors.Is(err, errTrailing):
		return refuse(causeNotJSON, fmt.Sprintf("text after the JSON document, from byte %d of %d",
			s.end, size))
	case errors.Is(err, io.EOF):
		return refuse(causeNotJSON, "the value holds nothing but white space")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(causeNotJSON, fmt.Sprintf("the JSON document breaks off after %d bytes", size))
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return refuse(causeDuplicateName, fmt.Sprintf("%s stands twice in one object, again at byte %d of %d",
			nameInWords(syntax.JSONPointer.LastToken()), syntax.ByteOffset, size))
	case errors.As(err, &syntax):
		return refuse(causeNotJSON, fmt.Sprintf("not JSON at byte %d of %d", syntax.ByteOffset, size))
	}
	return refuse(causeNotJSON, "not JSON")
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
