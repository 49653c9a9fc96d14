package mapping

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/mapping/schema"
	"leadhit-sync/consumer/mapping/tree"
)

// literal returns the value at a source. The problem says why the value cannot be read.
func (r *run) literal(src *source) (lit literal, problem string) {
	switch src.kind {
	case fromPath:
		if !r.absent {
			lit.text = r.scan.At(src.slot)
		}
		lit = r.numeric(src, lit)
	case fromItem:
		if r.item != none {
			lit.text = r.scan.Item(r.item, src.slot)
		}
		lit = r.numeric(src, lit)
	case fromEnvelope:
		switch {
		// If no envelope was opened, the document itself is read, so that one mapping reads events with and without an
		// envelope.
		case len(r.envelope) > 0:
			lit.text = r.envelope[src.slot]
		case !r.absent:
			lit.text = r.scan.At(src.slot)
		}
	case fromHeader:
		lit = r.header(src.name)
	case fromCE:
		switch {
		case r.binary:
			lit = r.header(src.name)
		case len(r.ce) > 0:
			lit.text = r.ce[src.slot]
		}
	case fromKey:
		return r.key(src)
	}
	return lit, ""
}

// numeric replaces base64 with digits if Connect's schema says that the value is a NUMERIC.
func (r *run) numeric(src *source, lit literal) literal {
	if len(r.connectSchema) > 0 {
		if digits := r.decimal(src, lit.text); digits != nil {
			lit.text = digits
		}
	}
	return lit
}

// serialized returns the problem with a key that one of Kafka's serializers wrote as a binary number. The bytes of such
// a key could pass for text. For any other key, serialized returns "".
func serialized(key []byte, zeroFrame bool) string {
	switch {
	case len(key) == 8 && zeroFrame:
		return "in a key of 8 bytes, as LongSerializer writes: let the producer write it as text"
	case len(key) == 4 && key[0] == 0:
		return "in a key of 4 bytes, as IntegerSerializer writes: let the producer write it as text"
	}
	return ""
}

// key reads the record's key. A key that is not JSON is plain text, and only the path $ reads it.
func (r *run) key(src *source) (lit literal, problem string) {
	key := r.record.Key
	if key == nil {
		return literal{}, ""
	}
	id, payload, framed := schema.Frame(key)
	if problem := serialized(key, framed && id == 0); problem != "" {
		return literal{}, problem
	}
	// A key may contain JSON after a frame (JSON Schema). Avro and Protobuf keys are not read.
	if framed {
		key = payload
	}
	whole := len(src.path) == 0
	if whole && !framed && !bytes.ContainsAny(key[:min(1, len(key))], "{[\"") {
		if bytes.IndexByte(key, 0) >= 0 {
			return literal{}, "in a key that is binary: let the producer write it as text"
		}
		return literal{plain: true, text: key}, ""
	}
	if len(key) > maxValue {
		return literal{}, "in a key of more than 4 MiB"
	}
	err := r.keyScan.Scan(src.plan, key)
	switch {
	case err != nil && framed:
		return literal{}, "in a key that is framed for a schema registry and holds no JSON"
	case err != nil && whole:
		return literal{plain: true, text: key}, ""
	case err != nil:
		return literal{}, "in a key that is not JSON"
	}
	return r.keyInConnect(src)
}

// keyInConnect reads a JSON key, from inside Connect's envelope if it has one.
func (r *run) keyInConnect(src *source) (lit literal, problem string) {
	keySchema := r.keyScan.At(src.keySchema)
	if payload := r.keyScan.At(src.keyPayload); r.keyScan.Members() == 2 && payload != nil && keySchema != nil {
		if err := r.keyScan.Scan(src.plan, payload); err != nil {
			return literal{}, "in a key that is not JSON"
		}
		text := r.keyScan.At(src.slot)
		digits := decimalBy(keySchema, text, func(t *connectType) *connectType { return t.follow(src.path) })
		if digits != nil {
			text = digits
		}
		return literal{text: text}, ""
	}
	return literal{text: r.keyScan.At(src.slot)}, ""
}

// textOf returns the text of a literal, or what is wrong with it. An id is never read as a float or changed, because
// two orders must not become one.
func (r *run) textOf(f *field, lit literal) (text, problem string) {
	limit := f.limit
	if f.extracts {
		limit = maxField
	}
	if lit.plain {
		switch {
		case len(lit.text) > limit:
			return "", fmt.Sprintf("a string of %d bytes, more than %d", len(lit.text), limit)
		case !utf8.Valid(lit.text):
			return "", "a string that is not valid UTF-8"
		case f.kind == kindID && isNegative(lit.text):
			return "", negativeID(lit.text)
		}
		return string(lit.text), ""
	}
	if tree.KindOf(lit.text) == '{' {
		if inner := extended(lit.text); inner != nil {
			lit.text = inner
		}
	}
	switch kind := tree.KindOf(lit.text); {
	case kind == '"':
		return r.unquoted(lit.text, limit)
	case f.kind == kindID && lit.text[0] == '-':
		return "", negativeID(lit.text)
	case f.kind == kindID && kind == '0' && isInteger(lit.text) && len(lit.text) > limit:
		return "", fmt.Sprintf("an integer of %d bytes, more than %d", len(lit.text), limit)
	case f.kind == kindID && kind == '0' && !isInteger(lit.text):
		// Messages may quote an order id, and this number was meant to be one.
		return "", "the number " + shorten(string(lit.text), 40) + ", not a string or an integer"
	case f.kind == kindID && kind != '0':
		return "", inWords(lit.text) + ", not a string or an integer"
	case kind == '[' && f.kind == kindNumber:
		return "", "an array, not a number; a mapping cannot add up values: read the shop's total"
	case kind == '{' || kind == '[':
		return "", inWords(lit.text) + ", not a string, number or bool"
	case len(lit.text) > limit:
		return "", fmt.Sprintf("a number of %d bytes, more than %d", len(lit.text), limit)
	}
	return string(lit.text), ""
}

// unquoted returns the text of a JSON string.
func (r *run) unquoted(quoted []byte, limit int) (text, problem string) {
	const longestEscape = 6 // \u0041 becomes at least one byte, so a longer body always exceeds the limit
	body := quoted[1 : len(quoted)-1]
	if len(body) > longestEscape*limit {
		return "", fmt.Sprintf("a string of more than %d bytes", limit)
	}
	if bytes.IndexByte(body, '\\') >= 0 {
		var err error
		if r.scratch, err = jsontext.AppendUnquote(r.scratch[:0], quoted); err != nil {
			return "", "a string that is not valid UTF-8"
		}
		body = r.scratch
	}
	switch {
	case len(body) > limit:
		return "", fmt.Sprintf("a string of %d bytes, more than %d", len(body), limit)
	case !utf8.Valid(body), r.lossy && bytes.ContainsRune(body, utf8.RuneError):
		return "", "a string that is not valid UTF-8"
	}
	return string(body), ""
}

// negativeID returns why a number below zero is not an id. Debezium reads a BIGINT UNSIGNED of 2^63 or more as a
// negative number.
func negativeID(literal []byte) string {
	problem := "the number " + shorten(string(literal), 40) + ", and an id is never negative"
	if string(literal) == "-0" || !isInteger(literal) {
		return problem
	}
	return problem + ": Debezium writes a large BIGINT UNSIGNED this way; " +
		"set bigint.unsigned.handling.mode=precise, and decimal.format=NUMERIC in JsonConverter"
}

// isInteger reports whether a JSON number is written as an integer: 1001.0 and 1e3 are not.
func isInteger(literal []byte) bool {
	return !bytes.ContainsAny(literal, ".eE")
}

// isNegative reports whether the text of a key or a header is an integer with a minus sign, -0 included.
func isNegative(text []byte) bool {
	digits, minus := bytes.CutPrefix(text, []byte("-"))
	return minus && len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
}

// shorten cuts text to at most limit bytes, including the … that shows the cut, and never inside a character.
func shorten(text string, limit int) string {
	const cut = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(cut)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cut
}

// inWords names the kind of a JSON value.
func inWords(text []byte) string {
	switch tree.KindOf(text) {
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
