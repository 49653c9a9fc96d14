package mapping

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// plain judges a document by the preset of that name: the status as it stands, and the id last, since it is needed
// only where there is something to send. A refusal for the one still carries the other.
func (s *scanner) plain(t tree, lossy bool) Outcome {
	if t.kind == jsontext.KindNull {
		return Outcome{Action: Ignore, Message: "JSON null, as good as a tombstone"}
	}
	if t.kind != jsontext.KindBeginObject {
		return refuse(causeMissingStatus, "the document is "+inWords(t.whole)+", not an object")
	}
	status, badStatus := s.status(t.status, lossy)
	id, badID := s.orderID(t.id, lossy)
	out := Outcome{Action: Call, OrderID: id, Status: status}
	if bad := firstOf(badStatus, badID); bad != nil {
		out.Action, out.Cause, out.Message = Refuse, bad.cause, bad.message
	}
	return out
}

// A flaw is why one field cannot be used.
type flaw struct{ cause, message string }

func firstOf(flaws ...*flaw) *flaw {
	for _, f := range flaws {
		if f != nil {
			return f
		}
	}
	return nil
}

// orderID reads an id: a string unchanged, or an integer literal as its digits.
func (s *scanner) orderID(text []byte, lossy bool) (string, *flaw) {
	switch {
	case text == nil:
		return "", &flaw{causeMissingOrderID, "order_id is missing"}
	case text[0] == 'n':
		return "", &flaw{causeMissingOrderID, "order_id is null"}
	case text[0] == '"':
		id, problem := s.text(text, lossy)
		if problem == "" && id == "" {
			problem = "an empty string"
		}
		if problem != "" {
			return "", &flaw{causeBadOrderID, "order_id is " + problem}
		}
		return id, nil
	case isInteger(text) && len(text) > maxText:
		return "", &flaw{causeBadOrderID, fmt.Sprintf("order_id is an integer of %d bytes, more than %d", len(text), maxText)}
	case isInteger(text):
		return string(text), nil
	case isNumber(text):
		// The literal may be shown: it is the order's id, however odd.
		return "", &flaw{causeBadOrderID, "order_id is the number " + shorten(text) + ", not a string or an integer"}
	}
	return "", &flaw{causeBadOrderID, "order_id is " + inWords(text) + ", not a string or an integer"}
}

// status reads a status: a string unchanged, a number or a bool as written. An empty one is none at all.
func (s *scanner) status(text []byte, lossy bool) (string, *flaw) {
	switch {
	case text == nil:
		return "", &flaw{causeMissingStatus, "status is missing"}
	case text[0] == 'n':
		return "", &flaw{causeMissingStatus, "status is null"}
	case text[0] == '"':
		status, problem := s.text(text, lossy)
		switch {
		case problem != "":
			return "", &flaw{causeFieldError, "status is " + problem}
		case status == "":
			return "", &flaw{causeMissingStatus, "status is an empty string"}
		}
		return status, nil
	case text[0] == '{' || text[0] == '[':
		return "", &flaw{causeFieldError, "status is " + inWords(text) + ", not a string, number or bool"}
	case len(text) > maxText:
		return "", &flaw{causeFieldError, fmt.Sprintf("status is a number of %d bytes, more than %d", len(text), maxText)}
	}
	return string(text), nil
}

// text returns what a JSON string stands for, or the words for what is wrong with it. Lossy says that its document
// went through a repair that left U+FFFD where it was broken.
func (s *scanner) text(quoted []byte, lossy bool) (text, problem string) {
	const longestEscape = 6 // \u0041 is one byte at least
	body := quoted[1 : len(quoted)-1]
	if len(body) > longestEscape*maxText {
		return "", fmt.Sprintf("a string of more than %d bytes", maxText)
	}
	if bytes.IndexByte(body, '\\') >= 0 {
		var err error
		if s.scratch, err = jsontext.AppendUnquote(s.scratch[:0], quoted); err != nil {
			return "", "a string that is not valid UTF-8"
		}
		body = s.scratch
	}
	switch {
	case len(body) > maxText:
		return "", fmt.Sprintf("a string of %d bytes, more than %d", len(body), maxText)
	case !utf8.Valid(body), lossy && bytes.ContainsRune(body, utf8.RuneError):
		return "", "a string that is not valid UTF-8"
	}
	// The two statuses of nearly every event cost no allocation.
	switch string(body) {
	case "paid":
		return "paid", ""
	case "submitted":
		return "submitted", ""
	}
	return string(body), ""
}

// isInteger tells whether a JSON literal is an integer as written: neither 1001.0 nor 1e3.
func isInteger(literal []byte) bool {
	for i, c := range literal {
		if (c < '0' || c > '9') && (i > 0 || c != '-') {
			return false
		}
	}
	return true
}

func isNumber(text []byte) bool {
	return text[0] == '-' || '0' <= text[0] && text[0] <= '9'
}

func shorten(literal []byte) string {
	const shown = 40
	if len(literal) > shown {
		return string(literal[:shown]) + "…"
	}
	return string(literal)
}

// inWords says what kind of JSON value it is.
func inWords(text []byte) string {
	switch text[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}
