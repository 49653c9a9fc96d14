package mapping

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/tree"
)

// A headerPlan opens the envelope that Connect's JsonConverter puts around the value of a header.
type headerPlan struct {
	plan            tree.Plan
	schema, payload int
}

func (p *headerPlan) prepare() {
	p.schema, p.payload = p.plan.Add(tree.Member("schema")), p.plan.Add(tree.Member("payload"))
}

// lastHeader returns the last header with the given name, ignoring case, or nil. The last one counts, as with
// lastHeader in Kafka's Java client.
func lastHeader(headers []event.Header, name string) *event.Header {
	// Kafka allows several headers with the same name, and producers append new ones at the end.
	for i := len(headers) - 1; i >= 0; i-- {
		if sameName(headers[i].Key, name) {
			return &headers[i]
		}
	}
	return nil
}

func hasHeader(headers []event.Header, name string) bool {
	return lastHeader(headers, name) != nil
}

// sameName reports whether two header names are equal. It ignores case, because bridges such as Pub/Sub change it.
func sameName(a, b string) bool {
	return len(a) == len(b) && strings.EqualFold(a, b)
}

// header returns the value of a header. Connect's converters write headers as JSON, so a string in quotes is unquoted
// and Connect's envelope is opened. Anything else is plain text.
func (r *run) header(name string) literal {
	h := lastHeader(r.record.Headers, name)
	switch {
	case h == nil:
		return literal{}
	case h.Value == nil:
		return literal{text: []byte("null")} // a header without a value is null, not absent
	}
	text := bytes.TrimSpace(h.Value)
	switch {
	case len(text) > 1 && text[0] == '"' && jsontext.Value(text).IsValid():
		return literal{text: text}
	case len(text) > 1 && text[0] == '{':
		p := &r.program.headers
		if r.keyScan.Scan(&p.plan, text) == nil && r.keyScan.Members() == 2 && r.keyScan.At(p.schema) != nil {
			if payload := r.keyScan.At(p.payload); payload != nil {
				return literal{text: payload}
			}
		}
	}
	return literal{plain: true, text: h.Value}
}

// contentTypeHeader returns the record's content type, or "".
func (r *run) contentTypeHeader() string {
	lit := r.header("content-type")
	if lit.plain || tree.KindOf(lit.text) != '"' {
		return string(lit.text)
	}
	text, problem := r.unquoted(lit.text, maxText)
	if problem != "" {
		return ""
	}
	return text
}
