package mapping

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/tree"
)

// structured reports whether the headers say that the value is a whole CloudEvent in JSON.
func (r *run) structured() bool {
	kind, _, _ := strings.Cut(r.contentType, ";")
	kind = strings.TrimSpace(kind)
	return strings.EqualFold(kind, "application/cloudevents") || strings.EqualFold(kind, "application/cloudevents+json")
}

// openCloudEvent opens a CloudEvent in either mode. A body that has the four required attributes counts as structured
// even without the content-type header, which commercetools does not send.
func (r *run) openCloudEvent() *event.Item {
	m := &r.program.markers
	has := func(slot int) bool { return r.scan.At(slot) != nil }
	announced := r.structured() && r.scan.Kind() == '{'
	complete := has(m.specversion) && has(m.kind) && has(m.source) && has(m.id)
	switch {
	case r.binary && !announced:
		r.found(envelopeBinary)
		if r.scan.Kind() == 'n' {
			r.absent = true
		}
		return nil
	case !announced && !complete:
		return nil
	}
	r.binary = false
	r.ce = r.scan.Keep(r.ce[:0])
	body := r.scan.At(m.data)
	if encoded := r.scan.At(m.data64); body == nil && encoded != nil {
		return r.openBase64(encoded)
	}
	if tree.KindOf(body) == 'n' {
		body = nil // an event without data is not a tombstone
	}
	if name := contentTypeName(string(r.scan.At(m.dataType))); name != "" && tree.KindOf(body) == '"' {
		r.hint = "the CloudEvent's data is " + name + ", as datacontenttype says: let the producer write it as JSON"
	}
	r.below = append(r.below, "data")
	return r.inner(envelopeStructured, body)
}

// openBase64 opens data that is JSON in base64.
func (r *run) openBase64(encoded []byte) *event.Item {
	r.connectSchema = nil // it describes the text in base64, not the JSON inside
	text, notText := jsontext.AppendUnquote(nil, encoded)
	body, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || notText != nil || len(text) == 0 {
		return refused(causeNotJSON, "the CloudEvent's data_base64 is not base64")
	}
	out := r.inner(envelopeStructured, bytes.TrimPrefix(body, []byte(byteOrderMark)))
	if out != nil {
		out.Message = "the CloudEvent's data_base64: " + out.Message
	}
	return out
}

// isCloudEvent reports whether the record has all four headers that the Kafka binding of CloudEvents requires in binary
// mode. With fewer, a null value is a tombstone.
func isCloudEvent(headers []event.Header) bool {
	for _, name := range [...]string{"ce_specversion", "ce_type", "ce_source", "ce_id"} {
		if !hasHeader(headers, name) {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
