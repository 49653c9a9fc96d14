package leadhit

import (
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The codes of JSON-RPC 2.0 itself. LeadHit uses -32000 for every exception of its method.
const (
	codeParseError     = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
)

// idOf says whose id a response contains.
type idOf uint8

const (
	idNull idOf = iota // null, or none at all
	idOurs
	idOther
)

// answer is the part of a JSON-RPC response that the client reads.
type answer struct {
	id     idOf
	result member
	fault  member
	rpc    RPCError
}

// member distinguishes an absent member from null. JSON-RPC 2.0 allows a result of null, and 1.0 sends either result or
// error as null.
type member uint8

const (
	absent member = iota
	null
	present
)

// parseAnswer returns nil for a result with this call's id, an *RPCError for an error that belongs to this call, and a
// *BadAnswerError otherwise. It refuses duplicate names, because nothing says which of two results counts.
func parseAnswer(s *scratch, id, key string) error {
	text := s.body.Bytes()
	bad := func(reason string) error {
		return &BadAnswerError{Reason: reason, Excerpt: clean(string(text), key, maxExcerpt)}
	}
	// Broken UTF-8 in a message must not hide the error itself.
	s.decoder.Reset(&s.body, jsontext.AllowInvalidUTF8(true))
	a, err := s.readAnswer(id)
	switch {
	case err != nil:
		return bad(err.Error())
	case a.fault == present && a.result == present:
		return bad("both result and error")
	case a.fault == present && a.id == idNull && maybeNull(a.rpc.Code):
		a.rpc.nullID = true
	case a.id != idOurs:
		return bad("the response to another call")
	case a.fault == present:
	case a.result == present, a.result == null && a.fault == absent:
		return nil
	default:
		return bad("neither result nor error")
	}
	rpc := a.rpc
	rpc.Type = clean(rpc.Type, key, maxLabel)
	rpc.Message = clean(rpc.Message, key, maxMessage)
	return &rpc
}

// maybeNull reports whether a server may detect an error with this code before it knows the id.
func maybeNull(code int) bool {
	return code == codeParseError || code == codeInvalidRequest || code == codeMethodNotFound
}

var (
	errNotJSON   = errors.New("not a JSON object")
	errBroken    = errors.New("broken JSON")
	errTrailing  = errors.New("text after the response")
	errVersion   = errors.New("not JSON-RPC 2.0")
	errErrorForm = errors.New("an error without a code")
)

func (s *scratch) readAnswer(id string) (answer, error) {
	var a answer
	d := &s.decoder
	if d.PeekKind() != jsontext.KindBeginObject {
		return a, errNotJSON
	}
	if _, err := d.ReadToken(); err != nil {
		return a, errBroken
	}
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadValue()
		if err != nil {
			return a, errBroken
		}
		// Each read overwrites what the previous read returned, so the name is copied, and the value is examined
		// immediately.
		s.name, _ = jsontext.AppendUnquote(s.name[:0], name)
		value, err := d.ReadValue()
		if err != nil {
			return a, errBroken
		}
		if err := s.take(&a, value, id); err != nil {
			return a, err
		}
	}
	if token, err := d.ReadToken(); err != nil || token.Kind() != jsontext.KindEndObject {
		return a, errBroken
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return a, errTrailing
	}
	return a, nil
}

// take adds one member of the response to the answer. The member's name is in s.name.
func (s *scratch) take(a *answer, value jsontext.Value, id string) error {
	switch string(s.name) {
	case "jsonrpc":
		if !s.is(value, "2.0") {
			return errVersion
		}
	case "id":
		switch {
		case value.Kind() == jsontext.KindNull:
		case s.is(value, id):
			a.id = idOurs
		default:
			a.id = idOther
		}
	case "result":
		a.result = memberOf(value)
	case "error":
		a.fault = memberOf(value)
		if a.fault == present {
			return a.takeError(value)
		}
	}
	return nil
}

// takeError reads the error object. It skips data.args, which repeat the order's data.
func (a *answer) takeError(value jsontext.Value) error {
	var fault struct {
		Code    jsontext.Value `json:"code"`
		Message jsontext.Value `json:"message"`
		Data    jsontext.Value `json:"data"`
	}
	if !unmarshal(value, &fault) {
		return errErrorForm
	}
	code, err := strconv.Atoi(string(fault.Code))
	if err != nil {
		return errErrorForm
	}
	var data struct {
		Type    jsontext.Value `json:"type"`
		Message jsontext.Value `json:"message"`
	}
	if fault.Data.Kind() == jsontext.KindBeginObject && !unmarshal(fault.Data, &data) {
		return errBroken
	}
	a.rpc = RPCError{Code: code, Type: str(data.Type), Message: str(data.Message)}
	if a.rpc.Message == "" {
		a.rpc.Message = str(fault.Message)
	}
	return nil
}

func unmarshal(value jsontext.Value, into any) bool {
	return value.Kind() == jsontext.KindBeginObject && json.Unmarshal(value, into, jsontext.AllowInvalidUTF8(true)) == nil
}

func memberOf(value jsontext.Value) member {
	if value.Kind() == jsontext.KindNull {
		return null
	}
	return present
}

// is reports whether a JSON value is a string with the given text. Unlike str, it costs no allocation.
func (s *scratch) is(value jsontext.Value, text string) bool {
	if value.Kind() != jsontext.KindString {
		return false
	}
	s.text, _ = jsontext.AppendUnquote(s.text[:0], value)
	return string(s.text) == text
}

// str returns the text of a JSON string, and "" for any other value.
func str(value jsontext.Value) string {
	if value.Kind() != jsontext.KindString {
		return ""
	}
	// The only error here is broken UTF-8, which is replaced.
	text, _ := jsontext.AppendUnquote(nil, value)
	return string(text)
}
